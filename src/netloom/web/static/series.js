// Curve data: from the server's columns to the aligned table that the chart draws.
//
// The server sends {columns: [[name, v0, v1 ...] ...], xs: {name: name of its x column}, axes: {name: "y2"},
// names: {name: label}}; a missing value is null or "none".

export function read({ columns, xs, axes = {}, names = {} }) {
  const values = new Map(columns.map(([name, ...rest]) => [name, rest.map((v) => (v === "none" ? null : v))]));
  const curves = [];
  for (const [name, x] of Object.entries(xs ?? {})) {
    if (!values.has(name) || !values.has(x)) continue;
    curves.push({ name, label: (names[name] ?? name).replace("accuracy_top5", "top-5 accuracy"), scale: axes[name] === "y2" ? "share" : "loss", points: sorted(values.get(x), values.get(name)) });
  }
  return curves.sort((a, b) => a.scale.localeCompare(b.scale) || a.name.localeCompare(b.name));
}

export function readRates({ columns }) {
  const byName = new Map(columns.map(([name, ...rest]) => [name, rest]));
  const x = byName.get("epoch");
  const [name] = [...byName.keys()].filter((key) => key !== "epoch");
  return x && name ? [{ name, label: "learning rate", scale: "rate", points: sorted(x, byName.get(name)) }] : [];
}

function sorted(x, y) {
  // Later values win where two fall on one epoch; the chart needs each x once, in order.
  const points = [...new Map(x.map((at, place) => [at, y[place]])).entries()];
  points.sort((a, b) => a[0] - b[0]);
  return [points.map(([at]) => at), points.map(([, value]) => (Number.isFinite(value) ? value : null))];
}

export function smooth(values, weight) {
  // Exponential average with the start corrected, so that the first values are not drawn to zero.
  let mean = 0;
  let sum = 0;
  return values.map((value) => {
    if (value == null) return value;
    mean = weight * mean + (1 - weight) * value;
    sum = weight * sum + (1 - weight);
    return mean / sum;
  });
}

export function nearest(sortedValues, wanted) {
  let best = null;
  for (const value of sortedValues) {
    if (best === null || Math.abs(value - wanted) < Math.abs(best - wanted)) best = value;
  }
  return best;
}

export function valueAt([xs, ys], at) {
  // The last value that was known at this place.
  let found = null;
  for (let place = 0; place < xs.length && xs[place] <= at + 1e-9; place++) {
    if (ys[place] != null) found = ys[place];
  }
  return found;
}
