// Images in a grid: arrow keys go from one to the next, Enter or a click shows the pixels large.
//
//   <div class="images" data-zoom> <figure><button class="picture"><img></button><figcaption>...

export function attach(root) {
  for (const grid of root.querySelectorAll("[data-zoom]:not([data-ready])")) {
    grid.dataset.ready = "";
    grid.addEventListener("keydown", (event) => move(grid, event));
    grid.addEventListener("click", (event) => {
      const button = event.target.closest("button.picture");
      if (button) show(grid, button);
    });
  }
}

function pictures(grid) {
  return [...grid.querySelectorAll("button.picture")];
}

function move(grid, event) {
  const all = pictures(grid);
  const place = all.indexOf(document.activeElement);
  if (place < 0) return;
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (!step || !all[place + step]) return;
  event.preventDefault();
  all[place + step].focus();
}

function show(grid, button) {
  const dialog = document.createElement("dialog");
  dialog.className = "zoom";
  dialog.setAttribute("aria-label", "Image, enlarged");
  const picture = document.createElement("div");
  picture.className = "picture";
  const image = document.createElement("img");
  picture.append(image);
  const words = document.createElement("p");
  const [previous, next, close] = ["Previous", "Next", "Close"].map(made);
  const row = document.createElement("div");
  row.className = "actions";
  row.append(previous, next, close);
  dialog.append(picture, words, row);
  let current = button;
  const draw = () => {
    const source = current.querySelector("img");
    image.src = source.src;
    image.alt = source.alt;
    const caption = current.closest("figure").querySelector("figcaption");
    words.textContent = [...(caption?.children ?? [])].map((part) => part.textContent.trim()).join(" · ");
    const all = pictures(grid);
    previous.setAttribute("aria-disabled", String(current === all[0]));
    next.setAttribute("aria-disabled", String(current === all.at(-1)));
  };
  const step = (by) => {
    const all = pictures(grid);
    current = all[all.indexOf(current) + by] ?? current;
    draw();
  };
  previous.addEventListener("click", () => step(-1));
  next.addEventListener("click", () => step(1));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") step(1);
    if (event.key === "ArrowLeft") step(-1);
  });
  dialog.addEventListener("close", () => { dialog.remove(); current.focus(); });
  document.body.append(dialog);
  draw();
  dialog.showModal();
  close.focus();
}

function made(words) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = words;
  return button;
}
