// The drawing of the chosen network on the page of a new model.
import { valueOf } from "./forms.js";

const button = document.querySelector("[data-draw]");
const form = button?.form;
const words = document.getElementById("draw-words");
const place = document.getElementById("network-drawing");
const usual = words?.textContent;
let asked = 0;

button?.addEventListener("click", async () => {
  const mine = ++asked;
  button.setAttribute("aria-busy", "true");
  words.className = "muted";
  words.textContent = "The network is built; that takes a few seconds.";
  try {
    const body = await fields();
    const reply = await fetch(button.dataset.draw, { method: "POST", body, headers: { accept: "text/html, application/json;q=0.1" } });
    const text = await reply.text();
    if (mine !== asked) return;
    if (!reply.ok) throw new Error(reason(text) || `The server answered ${reply.status}.`);
    place.innerHTML = text;
    words.textContent = usual;
  } catch (error) {
    if (mine !== asked) return;
    place.replaceChildren();
    words.className = "error";
    words.textContent = error.message;
  } finally {
    if (mine === asked) button.removeAttribute("aria-busy");
  }
});

// What is shown would no longer be what is chosen.
form?.addEventListener("change", (event) => {
  if (/network|^method$|^dataset$|^crop_size$/.test(event.target.name) && place.firstChild) {
    asked++;
    button.removeAttribute("aria-busy");
    place.replaceChildren();
    words.textContent = usual;
  }
});

async function fields() {
  const body = new URLSearchParams({
    framework: valueOf(form, "framework") || "pytorch",
    dataset_id: valueOf(form, "dataset"),
    crop_size: valueOf(form, "crop_size") || "",
  });
  const method = valueOf(form, "method");
  if (method === "standard") body.set("standard_networks", valueOf(form, "standard_networks"));
  else if (method === "custom") body.set("custom_network", valueOf(form, "custom_network"));
  else body.set("custom_network", await earlier(valueOf(form, `${method}_networks`), body.get("framework")));
  return body;
}

async function earlier(network, framework) {
  if (!network) throw new Error("Choose a network first.");
  const reply = await fetch(`/models/customize?${new URLSearchParams({ network, framework })}`, { method: "POST" });
  if (!reply.ok) throw new Error("The network text cannot be fetched.");
  return JSON.parse(await reply.text()).network;
}

function reason(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  return page.querySelector("#error-title + p")?.textContent.trim().slice(0, 600) ?? "";
}
