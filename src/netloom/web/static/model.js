// The model page: curves, the chosen snapshot, and images that are dropped, pasted or chosen.
import { say } from "./say.js";
import "./curves.js";

// Which snapshot: the newest, unless the user picked another. The links follow it.

let picked = false;

document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-snapshots]")) return;
  picked = true;
  showLinks(event.target);
});

function showLinks(select) {
  const option = select.selectedOptions[0];
  for (const link of document.querySelectorAll("[data-take]")) {
    const address = option?.dataset[link.dataset.take];
    link.hidden = !address;
    if (address) link.href = address;
  }
  for (const link of document.querySelectorAll("[data-archive]")) {
    link.href = `${link.dataset.archive}?epoch=${encodeURIComponent(option?.value ?? "")}`;
  }
}

document.addEventListener("htmx:afterSettle", (event) => {
  const select = document.querySelector("[data-snapshots]");
  if (event.target.id !== "classify" || !select) return;
  const first = [...select.options].find((option) => !option.disabled);
  if (!picked && first) select.value = first.value;
  showLinks(select);
});

// One image: the answer appears beside the form.

const formNow = () => document.getElementById("classify-form");

async function classify(file) {
  const form = formNow();
  if (!form) return say("The model has no snapshot yet that could classify.", "fail");
  const body = new FormData(form);
  for (const name of ["image_list", "image_folder", "num_test_images", "top_n"]) body.delete(name);
  if (file) body.set("image_file", file, file.name || "pasted image");
  else if (!body.get("image_file")?.size) body.delete("image_file");
  if (!body.has("image_file") && !body.get("image_path")) return say("Choose a picture or give its path first.", "fail");
  const answer = document.getElementById("prediction");
  answer.setAttribute("aria-busy", "true");
  try {
    const reply = await fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
    const text = await reply.text();
    if (reply.ok) {
      answer.innerHTML = text;
      document.getElementById("classify").scrollIntoView({ block: "nearest" });
    } else {
      say(reason(text) || `The server answered ${reply.status}.`, "fail");
    }
  } catch {
    say("The server does not answer. Is it still running?", "fail");
  }
  answer.removeAttribute("aria-busy");
}

function reason(text) {
  const words = new DOMParser().parseFromString(text, "text/html");
  return (words.querySelector("#error-title + p") ?? words.body).textContent.trim().slice(0, 300);
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "classify-form") return;
  const button = event.submitter;
  if (button?.hasAttribute("data-plain")) return;
  if (button?.hasAttribute("data-needs-list")) {
    const missing = !document.getElementById("image_list").files.length;
    document.getElementById("list-error").hidden = !missing;
    if (missing) {
      event.preventDefault();
      document.getElementById("image_list").focus();
    }
    return;
  }
  if (button?.hasAttribute("data-look-inside")) {
    const given = document.getElementById("image_path").value.trim() || document.getElementById("image_file").files.length;
    if (given) return;
    event.preventDefault();
    return say("Choose a picture or give its path first.", "fail");
  }
  event.preventDefault();
  classify(null);
});

document.addEventListener("change", (event) => {
  if (event.target.id === "image_file" && event.target.files.length) classify(null);
  if (event.target.id === "image_list") document.getElementById("list-error").hidden = true;
});

// Dropping anywhere on the page; the counter tells leaving the page from crossing its elements.

let depth = 0;
const dragsFile = (event) => event.dataTransfer?.types.includes("Files");

function dragging(by) {
  depth = Math.max(0, depth + by);
  document.body.classList.toggle("dropping", depth > 0);
}

document.addEventListener("dragenter", (event) => dragsFile(event) && dragging(1));
document.addEventListener("dragleave", (event) => dragsFile(event) && dragging(-1));
document.addEventListener("dragover", (event) => dragsFile(event) && event.preventDefault());
document.addEventListener("drop", (event) => {
  if (!dragsFile(event)) return;
  event.preventDefault();
  dragging(-depth);
  const file = [...event.dataTransfer.files].find((one) => one.type.startsWith("image/")) ?? event.dataTransfer.files[0];
  if (file) classify(file);
});

document.addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (!file) return;
  event.preventDefault();
  classify(file);
});
