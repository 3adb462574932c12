// Tables: the filter box asks the server while one types and keeps the address up to date; the column
// chooser shows further columns and is remembered in this browser. Long lists get a filter box, too.

export function attach(root) {
  for (const input of fresh(root, "input[data-filter]")) {
    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => filter(input), 200);
    });
    input.form.addEventListener("submit", (event) => { event.preventDefault(); filter(input); });
  }
  for (const menu of fresh(root, "details[data-columns]")) columns(menu);
  for (const input of fresh(root, "input[data-filter-list]")) {
    input.addEventListener("input", () => filterList(input));
  }
}

function fresh(root, selector) {
  const found = [...root.querySelectorAll(`${selector}:not([data-ready])`)];
  for (const element of found) element.dataset.ready = "";
  return found;
}

function filter(input) {
  const table = input.closest("[data-select]");
  const text = `&${input.name}=${encodeURIComponent(input.value.trim())}`;
  const bare = (address) => address.replace(new RegExp(`&?${input.name}=[^&]*`), "");
  globalThis.htmx.ajax("GET", bare(input.dataset.filter) + text, { source: input, target: table, swap: "morph" });
  history.replaceState(history.state, "", bare(input.dataset.page) + text);
}

// Which columns show is a style sheet of its own, so that fetched rows need no second look.
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

function columns(menu) {
  const key = menu.dataset.columns;
  const boxes = [...menu.querySelectorAll("input")];
  const chosen = new Set(JSON.parse(localStorage.getItem(key) ?? "[]"));
  const show = () => sheet.replaceSync([...chosen]
    .map((name) => `[data-column="${CSS.escape(name)}"] { display: table-cell; }`).join("\n"));
  for (const box of boxes) {
    box.checked = chosen.has(box.value);
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(box.value);
      else chosen.delete(box.value);
      localStorage.setItem(key, JSON.stringify([...chosen]));
      show();
    });
  }
  show();
}

function filterList(input) {
  const wanted = input.value.trim().toLowerCase();
  for (const item of document.getElementById(input.dataset.filterList).children) {
    item.hidden = wanted !== "" && !item.textContent.toLowerCase().includes(wanted);
  }
}
