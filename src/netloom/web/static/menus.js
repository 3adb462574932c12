// Menus are <details>: Escape and a click outside close them. The theme switch lives in one of them.

export function attach(root) {
  for (const menu of root.querySelectorAll("details.menu:not([data-ready])")) {
    menu.dataset.ready = "";
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
  for (const button of root.querySelectorAll("[data-theme-to]:not([data-ready])")) {
    button.dataset.ready = "";
    button.addEventListener("click", () => setTheme(button.dataset.themeTo));
  }
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// The server reads the cookie, so that the first paint has the right colours.
function setTheme(theme) {
  document.cookie = `theme=${theme}; path=/; max-age=${theme ? 31536000 : 0}; samesite=lax`;
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const button of document.querySelectorAll("[data-theme-to]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeTo === theme));
  }
  document.dispatchEvent(new CustomEvent("netloom:theme"));
}
