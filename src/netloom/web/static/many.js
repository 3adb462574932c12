// Many classified images: a page of the table at a time, filters by right and wrong, and by a cell of the
// confusion matrix. The table grows while the server still classifies.

const PAGE = 100;
const card = document.querySelector("[data-many]");
const body = card.querySelector("tbody");
const pages = card.querySelector("[data-pages]");
const chosen = { right: "", truth: "", said: "" };
let page = 0;

function matching() {
  return [...body.rows].filter(({ dataset }) =>
    (!chosen.right || dataset.right === chosen.right) &&
    (!chosen.truth || (dataset.truth === chosen.truth && dataset.said === chosen.said)));
}

function show() {
  const rows = matching();
  const last = Math.max(0, Math.ceil(rows.length / PAGE) - 1);
  page = Math.min(page, last);
  for (const row of body.rows) row.hidden = true;
  for (const row of rows.slice(page * PAGE, (page + 1) * PAGE)) row.hidden = false;
  const words = document.createElement("span");
  words.textContent = rows.length ? `${(page * PAGE + 1).toLocaleString("en")}–${Math.min(rows.length, (page + 1) * PAGE).toLocaleString("en")} of ${rows.length.toLocaleString("en")} ${rows.length === 1 ? "image" : "images"}` : "No image here.";
  const buttons = document.createElement("span");
  buttons.className = "actions";
  if (last > 0) buttons.append(button("Previous", page > 0, -1), button("Next", page < last, 1));
  pages.replaceChildren(words, buttons);
  const cell = card.querySelector("[data-cell]");
  cell.hidden = !chosen.truth;
  card.querySelector("[data-all]").hidden = !chosen.truth && !chosen.right;
}

function button(text, enabled, by) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button small";
  made.textContent = text;
  made.disabled = !enabled;
  made.addEventListener("click", () => {
    page += by;
    show();
    pages.querySelector(`button:${by > 0 ? "last" : "first"}-child`)?.focus();
  });
  return made;
}

function press(group, value) {
  for (const one of group.children) one.setAttribute("aria-pressed", String(one.value === value));
}

const filter = card.querySelector("[data-show]");
filter.hidden = !body.querySelector('[data-right="true"], [data-right="false"]');
filter.addEventListener("click", (event) => {
  if (!event.target.matches("button")) return;
  chosen.right = event.target.value;
  page = 0;
  press(filter, chosen.right);
  show();
});

card.querySelector("[data-all]").addEventListener("click", () => {
  Object.assign(chosen, { right: "", truth: "", said: "" });
  press(filter, "");
  show();
});

const confusion = document.querySelector("[data-confusion]");
confusion?.addEventListener("click", (event) => {
  const mode = event.target.closest(".switch button");
  if (mode) {
    press(mode.parentElement, mode.value);
    confusion.classList.toggle("shares", mode.value === "shares");
  }
  const cell = event.target.closest("button[data-truth]");
  if (!cell) return;
  Object.assign(chosen, { right: "", truth: cell.dataset.truth, said: cell.dataset.said });
  press(filter, "");
  card.querySelector("[data-cell]").textContent = cell.getAttribute("aria-label");
  page = 0;
  show();
  card.scrollIntoView({ block: "start", behavior: "smooth" });
});

document.querySelector("[data-count]").textContent = `${body.rows.length.toLocaleString("en")} images`;
show();
