// Examples of augmentation on the new model page: drawn when asked for, then again after each change.
const box = document.querySelector("[data-augmentations]");
const form = box?.closest("form");
if (form) start();

function start() {
  const [draw, next] = [box.querySelector("[data-draw]"), box.querySelector("[data-next]")];
  const strip = box.querySelector(".strip");
  const words = box.querySelector("[data-words]");
  const usual = words.textContent;
  let sample = 0;
  let asked = 0;
  let shown = false;
  let timer;

  const update = async () => {
    const mine = ++asked;
    words.textContent = "Drawing …";
    const reply = await fetch(`${box.dataset.augmentations}?${query(sample)}`).catch(() => null);
    const answer = await reply?.json().catch(() => null);
    if (mine !== asked) return;
    if (!reply?.ok) {
      words.textContent = sentence(answer) ?? "The examples cannot be drawn.";
      return;
    }
    words.textContent = usual;
    strip.replaceChildren(
      tile(answer.original, "As it is"),
      ...answer.examples.map((picture, place) => tile(picture, `Variation ${place + 1}`)),
    );
    strip.hidden = next.hidden = false;
    shown = true;
  };

  draw.addEventListener("click", update);
  next.addEventListener("click", () => { sample += 1; update(); });
  const changed = (event) => {
    const { name } = event.target;
    if (!shown || !(name?.startsWith("aug_") || name === "crop_size" || name === "dataset")) return;
    clearTimeout(timer);
    timer = setTimeout(update, 500);
  };
  form.addEventListener("input", changed);
}

function query(sample) {
  const asked = new URLSearchParams({ sample });
  for (const control of form.elements) {
    const counts = control.name?.startsWith("aug_") || ["crop_size", "dataset"].includes(control.name);
    if (counts && (control.type !== "checkbox" || control.checked)) asked.append(control.name, control.value);
  }
  return asked;
}

function tile(picture, words) {
  const item = document.createElement("li");
  const image = document.createElement("img");
  image.src = picture;
  image.alt = words;
  item.className = "picture pixels";
  item.append(image);
  return item;
}

function sentence(answer) {
  const wrong = Object.values(answer?.errors ?? {}).flat();
  return wrong[0] ?? answer?.error?.description;
}
