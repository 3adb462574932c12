// The new dataset page: the example shows what the chosen size does to a picture, and a dataset that
// has no name yet takes the name of its folder.
import { valueOf } from "./forms.js";

const form = document.querySelector("form[data-form]");
const example = document.getElementById("resize-example");
const FIELDS = {
  width: "resize_width", height: "resize_height", channels: "resize_channels",
  resize_mode: "resize_mode", backend: "backend", encoding: "encoding",
  compression: "compression",
};

let timer;
let asked = 0;

async function redraw() {
  const body = new URLSearchParams();
  for (const [name, field] of Object.entries(FIELDS)) body.append(name, valueOf(form, field));
  const mine = ++asked;
  const reply = await fetch(example.dataset.resizeExample, { method: "POST", body }).catch(() => null);
  if (!reply || mine !== asked) return;
  const text = await reply.text();
  if (text.trimStart().startsWith("<") && reply.ok) {
    example.innerHTML = text;
    // Small images grow by whole pixels, so that one can see them.
    const image = example.querySelector("img");
    const times = Math.floor(Math.min(256 / image.width, 256 / image.height));
    if (times > 1) {
      example.querySelector(".picture").classList.add("pixels");
      image.width *= times;
      image.height *= times;
    }
  } else {
    const words = example.querySelector(".help");
    words.textContent = text.startsWith("<") ? "This size cannot be shown." : text;
  }
}

form.addEventListener("input", (event) => {
  if (!Object.values(FIELDS).includes(event.target.name)) return;
  clearTimeout(timer);
  timer = setTimeout(redraw, 200);
});
redraw();

const name = form.elements.dataset_name;
let suggested = "";
form.elements.folder_train.addEventListener("change", (event) => {
  if (name.value !== suggested && name.value) return;
  suggested = event.target.value.replace(/\/+$/, "").split("/").pop();
  if (["train", "training", "images"].includes(suggested)) {
    suggested = event.target.value.replace(/\/+$/, "").split("/").slice(-2)[0];
  }
  name.value = suggested;
  name.dispatchEvent(new Event("input", { bubbles: true }));
});

// What was only suggested gives way to what is typed.
name.addEventListener("focus", () => {
  if (suggested && name.value === suggested) name.select();
});
