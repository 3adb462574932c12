// The page of an evaluation: counts or shares in the cells of the confusion matrix.

const matrix = document.querySelector("[data-evaluated-matrix]");

matrix?.querySelector("[data-cells]").addEventListener("click", (event) => {
  const chosen = event.target.closest("button");
  if (!chosen) return;
  for (const one of chosen.parentElement.children) one.setAttribute("aria-pressed", String(one === chosen));
  matrix.classList.toggle("shares", chosen.value === "shares");
});
