// Tables: the filter box asks the server while one types and keeps the address up to date. Which columns
// show, which groups are folded, the order and the tab are remembered in this browser. Long lists get a
// filter box, too.

const known = new WeakSet();

export function attach(root) {
  for (const input of fresh(root, "input[data-filter]")) {
    let timer;
    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => filter(input), 200);
    });
    input.form.addEventListener("submit", (event) => { event.preventDefault(); filter(input); });
  }
  for (const menu of root.querySelectorAll("details[data-columns]")) {
    if (!known.has(menu)) columns(menu);
    known.add(menu); // the mark of `fresh` is that of menus
  }
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

// Which columns show, and which groups are folded, are style sheets of their own, so that fetched rows
// need no second look.
const columnSheet = new CSSStyleSheet();
const foldSheet = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, columnSheet, foldSheet];

function kept(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function columns(menu) {
  const key = menu.dataset.columns;
  const chosen = kept(key, {}); // only what differs from the usual
  const show = () => columnSheet.replaceSync(Object.entries(chosen)
    .map(([name, on]) => `[data-column="${CSS.escape(name)}"] { display: ${on ? "table-cell" : "none !important"}; }`).join("\n"));
  menu.addEventListener("change", ({ target }) => {
    if (target.checked === target.hasAttribute("data-usual")) delete chosen[target.value];
    else chosen[target.value] = target.checked;
    localStorage.setItem(key, JSON.stringify(chosen));
    show();
  });
  tick(menu, chosen);
  document.addEventListener("htmx:afterSettle", () => tick(menu, chosen));
  show();
}

function tick(menu, chosen) {
  for (const box of menu.querySelectorAll("input")) box.checked = chosen[box.value] ?? box.hasAttribute("data-usual");
}

// Groups: the button of a bar folds the rows below it.
const FOLDED = "netloom-folded-groups";
const folded = new Set(kept(FOLDED, []));

function fold(name) {
  if (!folded.delete(name)) folded.add(name);
  localStorage.setItem(FOLDED, JSON.stringify([...folded]));
  showFolds();
}

function showFolds() {
  foldSheet.replaceSync([...folded]
    .map((name) => `[data-group="${CSS.escape(name)}"] tr[data-job] { display: none !important; }`).join("\n"));
  for (const button of document.querySelectorAll("[data-fold]")) {
    button.setAttribute("aria-expanded", String(!folded.has(button.dataset.fold)));
  }
}

document.addEventListener("htmx:afterSettle", showFolds);
showFolds();

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fold]");
  if (button) return fold(button.dataset.fold);
  const link = event.target.closest("a[data-layout]");
  if (!link) return;
  // With shift, a header becomes the second key instead of opening a window.
  if (!link.dataset.then || !event.shiftKey) return remember(new URL(link.href).search);
  event.preventDefault();
  event.stopImmediatePropagation();
  const table = link.closest("[data-select]");
  const page = `${new URL(link.href).search.match(/^\?tab=\d/)[0]}&${link.dataset.then}`;
  globalThis.htmx.ajax("GET", `${link.getAttribute("hx-get").split("?")[0]}?${link.dataset.then}`, { source: link, target: table, swap: "morph" });
  history.pushState(history.state, "", `/${page}`);
  remember(page);
}, true);

// The server reads the cookie, so that a table comes in the order in which it was left.
const ORDER = /^(tab|\w+_(sort|order|then|then_order|grouped))$/;

function remember(search) {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith("layout="));
  const layout = new URLSearchParams(decodeURIComponent(cookie?.slice(7) ?? ""));
  for (const [name, value] of new URLSearchParams(search)) {
    if (ORDER.test(name)) layout.set(name, value);
  }
  document.cookie = `layout=${encodeURIComponent(layout)}; path=/; max-age=31536000; samesite=lax`;
}

function filterList(input) {
  const wanted = input.value.trim().toLowerCase();
  for (const item of document.getElementById(input.dataset.filterList).children) {
    item.hidden = wanted !== "" && !item.textContent.toLowerCase().includes(wanted);
  }
}
