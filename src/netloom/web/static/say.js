// Short messages that float in a corner; screen readers hear them through the live region.

export function say(text, kind = "") {
  const region = document.getElementById("toasts");
  const toast = document.createElement("div");
  toast.className = `toast ${kind}`;
  const words = document.createElement("p");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button plain small";
  close.textContent = "Close";
  close.addEventListener("click", () => toast.remove());
  toast.append(words, close);
  region.append(toast);
  if (kind !== "fail") setTimeout(() => toast.remove(), 6000);
}
