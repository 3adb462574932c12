// What all charts share: colours of the theme, axes, and redrawing when theme or width change.

export function colour(name) {
  // Custom properties with light-dark() are resolved only where they are used.
  const probe = document.createElement("i");
  probe.hidden = true;
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export function faded(value, alpha) {
  return value.replace(/^rgba?\(([^)]+)\)$/, (_, parts) => `rgba(${parts.split(/[\s,/]+/).slice(0, 3).join(", ")}, ${alpha})`);
}

export const FONT = "12px system-ui, sans-serif";

export function axis(options = {}) {
  return {
    stroke: colour("--muted"),
    font: FONT,
    labelFont: FONT,
    labelSize: 16,
    ticks: { show: false },
    grid: { stroke: colour("--line"), width: 1 },
    border: { show: false },
    ...options,
  };
}

export function number(value) {
  if (value == null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (value !== 0 && (size < 0.001 || size >= 1e5)) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  return Number(value.toPrecision(4)).toString();
}

export function onResize(element, call) {
  let width = element.clientWidth;
  new ResizeObserver(() => {
    if (element.clientWidth === width || !element.clientWidth) return;
    width = element.clientWidth;
    call(width);
  }).observe(element);
}
