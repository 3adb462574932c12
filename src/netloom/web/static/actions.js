// Buttons that change a job: abort, delete, rename, notes; and buttons that copy a text.
//
//   <button data-action="/models/ID/abort" data-method="POST" data-after="stay">Abort</button>
//   data-confirm  a sentence: asks first, with data-title and the button's own words
//   data-after    "stay" (live updates show the rest) or an address to go to
import { ask } from "./ask.js";
import { say } from "./say.js";

export function attach(root) {
  for (const button of fresh(root, "[data-action]")) button.addEventListener("click", () => act(button));
  for (const button of fresh(root, "[data-copy]")) button.addEventListener("click", () => copy(button));
  for (const form of fresh(root, "form[data-edit]")) editable(form);
}

function fresh(root, selector) {
  const found = [...root.querySelectorAll(`${selector}:not([data-ready])`)];
  for (const element of found) element.dataset.ready = "";
  return found;
}

export async function send(method, address, fields = {}) {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const item of [value].flat()) body.append(name, item);
  }
  const reply = await fetch(address, { method, body });
  const text = (await reply.text()).trim();
  if (reply.ok) return text;
  throw new Error(sentence(text) || `The server answered ${reply.status}.`);
}

function sentence(text) {
  try {
    const { error } = JSON.parse(text);
    return error.description || error.message;
  } catch {
    return text.startsWith("<") ? "" : text;
  }
}

async function act(button) {
  const { action, method = "POST", confirm, title, after = "stay" } = button.dataset;
  if (confirm && !(await ask({ title, text: confirm, button: button.textContent.trim() }))) return;
  button.disabled = true;
  try {
    const text = await send(method, action);
    if (after === "stay") say(text);
    else location.assign(after);
  } catch (error) {
    say(error.message, "fail");
  }
  button.disabled = false;
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent.trim());
    say("Copied.");
  } catch {
    say("This browser does not let the page copy; select the text instead.", "fail");
  }
}

// A text that turns into a box: <form data-edit data-action-to="/jobs/ID" data-name="job_name">
// holds a [data-view] with the text and its edit button, and a [data-box] with input and buttons.
function editable(form) {
  const view = form.querySelector("[data-view]");
  const box = form.querySelector("[data-box]");
  const input = box.querySelector("input, textarea");
  const open = form.querySelector("[data-open]");
  const show = (editing) => {
    view.hidden = editing;
    box.hidden = !editing;
    form.toggleAttribute("data-keep", editing); // a live update must not close it
    (editing ? input : open).focus();
    if (editing) input.select();
  };
  open.addEventListener("click", () => show(true));
  form.querySelector("[data-cancel]").addEventListener("click", () => { form.reset(); show(false); });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !box.hidden) { form.reset(); show(false); }
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await send("PUT", form.dataset.to, { [input.name]: input.value });
      input.defaultValue = input.value;
      const text = form.querySelector("[data-text]");
      text.textContent = input.value.trim() || text.dataset.blank || "";
      show(false);
    } catch (error) {
      say(error.message, "fail");
    }
  });
}
