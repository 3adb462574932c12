// What is drawn, as a file: a table, the data, or the picture.

export function download(kind, curves) {
  const { name } = curves.card.dataset;
  const made = { csv: table, json: data, png: picture }[kind](curves);
  Promise.resolve(made).then((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name.replace(/[^\w.-]+/g, "_").slice(0, 80)}-curves.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

function drawn(curves) {
  return [...curves.all, ...curves.rates];
}

function table(curves) {
  const all = drawn(curves);
  const epochs = [...new Set(all.flatMap(({ points: [xs] }) => xs))].sort((a, b) => a - b);
  const known = all.map(({ points: [xs, ys] }) => new Map(xs.map((x, place) => [x, ys[place]])));
  const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [["epoch", ...all.map(({ label }) => quote(label))]];
  for (const epoch of epochs) lines.push([epoch, ...known.map((values) => values.get(epoch) ?? "")]);
  return new Blob([lines.map((line) => line.join(",")).join("\n") + "\n"], { type: "text/csv" });
}

function data(curves) {
  const content = drawn(curves).map(({ label, points: [epoch, value] }) => ({ label, epoch, value }));
  return new Blob([JSON.stringify(content, null, 1)], { type: "application/json" });
}

function picture(curves) {
  const parts = [curves.main, curves.rate].filter(Boolean).map((chart) => chart.ctx.canvas);
  const ratio = devicePixelRatio;
  const head = 56 * ratio;
  const canvas = document.createElement("canvas");
  canvas.width = parts[0].width;
  canvas.height = head + parts.reduce((sum, part) => sum + part.height, 0);
  const ctx = canvas.getContext("2d");
  const style = getComputedStyle(curves.card);
  ctx.fillStyle = style.backgroundColor;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.fillStyle = style.color;
  ctx.font = `600 ${16 * ratio}px system-ui, sans-serif`;
  ctx.fillText(curves.card.dataset.name, 12 * ratio, 24 * ratio, canvas.width - 24 * ratio);
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  let x = 12 * ratio;
  for (const curve of drawn(curves)) {
    ctx.fillStyle = curves.colourOf(curve);
    ctx.fillRect(x, 41 * ratio, 14 * ratio, 3 * ratio);
    ctx.fillStyle = style.color;
    ctx.fillText(curve.label, x + 20 * ratio, 46 * ratio);
    x += ctx.measureText(curve.label).width + 40 * ratio;
  }
  let y = head;
  for (const part of parts) {
    ctx.drawImage(part, 0, y);
    y += part.height;
  }
  return new Promise((resolve) => { canvas.toBlob(resolve, "image/png"); });
}
