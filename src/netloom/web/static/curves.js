// Live training curves: losses on the left axis, accuracy in percent on the right, learning rate below,
// one cursor for both with its values. Drag zooms, a double click shows all, a click selects the nearest
// snapshot. With the keyboard: arrow keys move the cursor, Enter selects, Escape shows all.
import { axis, colour, faded, number, onResize } from "./chart.js";
import { download } from "./download.js";
import { nearest, read, readRates, smooth, valueAt } from "./series.js";

const LEFT = 60;
const RIGHT = 48;
const LABEL = 16; // beside the axis
const HEIGHTS = { main: 320, rate: 110 };
const AROUND = 390; // what a large graph leaves of the window for all else
const APART = 4; // at least, between the ticks of two snapshots

class Curves {
  constructor(card) {
    this.card = card;
    this.plot = card.querySelector("[data-plot]");
    this.ratePlot = card.querySelector("[data-plot-rate]");
    this.hidden = new Set();
    this.curves = [];
    this.rates = [];
    this.others = [];
    this.weight = 0;
    this.log = false;
    this.zoom = null;
    this.listen();
    this.load();
  }

  listen() {
    const { card } = this;
    card.querySelector("[data-smoothing]").addEventListener("input", (event) => {
      this.weight = Number(event.target.value);
      this.draw();
    });
    card.querySelector("[data-log]").addEventListener("click", (event) => {
      this.log = !this.log;
      event.currentTarget.setAttribute("aria-pressed", String(this.log));
      this.draw();
    });
    card.querySelector("[data-reset]").addEventListener("click", () => this.zoomTo(null));
    card.querySelector("[data-compare]")?.addEventListener("change", (event) => this.compare(event.target));
    for (const button of card.querySelectorAll("[data-download]")) {
      button.addEventListener("click", () => download(button.dataset.download, this));
    }
    this.plot.addEventListener("keydown", (event) => this.pressed(event));
    for (const plot of [this.plot, this.ratePlot]) plot.addEventListener("dblclick", () => this.zoomTo(null));
    onResize(this.plot, () => this.draw());
    document.addEventListener("netloom:theme", () => this.draw());
    document.addEventListener("netloom:event", ({ detail: { kind } }) => {
      if (kind === "metrics" || kind === "status") this.later();
      if (kind === "snapshot") setTimeout(() => this.redrawMarks(), 1500);
    });
    document.addEventListener("change", (event) => event.target.matches("[data-snapshots]") && this.redrawMarks());
  }

  later() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.load();
    }, 700);
  }

  async load() {
    const [curves, rates] = await Promise.all([fetched(this.card.dataset.curves), fetched(this.card.dataset.rates)]);
    if (curves) this.curves = read(curves);
    if (rates) this.rates = readRates(rates);
    this.draw();
  }

  async compare(select) {
    const data = select.value && (await fetched(`${select.value}/curves.json`));
    const name = select.selectedOptions[0].textContent;
    this.others = data ? read(data).map((curve) => ({ ...curve, name: `other ${curve.name}`, label: `${name}: ${curve.label}`, other: true })) : [];
    this.draw();
  }

  get all() {
    return [...this.curves, ...this.others];
  }

  get last() {
    return Math.max(0.01, ...[...this.all, ...this.rates].map(({ points: [xs] }) => xs.at(-1) ?? 0));
  }

  // As tall as the window allows where the graph has a page of its own.
  get height() {
    return "large" in this.card.dataset ? Math.max(HEIGHTS.main, innerHeight - AROUND) : HEIGHTS.main;
  }

  draw() {
    const empty = this.all.every(({ points: [xs] }) => xs.length === 0);
    this.card.querySelector("[data-none]").hidden = !empty;
    for (const part of [this.plot, this.ratePlot, this.card.querySelector(".hint")]) part.hidden = empty;
    if (empty) return;
    this.ratePlot.hidden = !this.rates.length;
    this.cursorAt = null;
    this.main = this.renew(this.main, this.plot, this.options("main"), this.all);
    this.rate = this.rates.length ? this.renew(this.rate, this.ratePlot, this.options("rate"), this.rates) : null;
    this.applyZoom();
    this.legend();
  }

  // A chart whose curves stay the same gets new numbers only, so that nothing flickers.
  renew(chart, box, options, curves) {
    const { series, data } = this.table(curves);
    const shape = JSON.stringify([series.map(({ label, stroke, show, width }) => [label, stroke, show, width]), this.log, box.clientWidth, colour("--text")]);
    if (chart && chart.shape === shape) {
      chart.setData(data, false);
      return chart;
    }
    chart?.destroy();
    const made = new globalThis.uPlot({ ...options, width: box.clientWidth, series: [{}, ...series] }, data, box);
    made.shape = shape;
    made.over.addEventListener("click", () => this.clicked(made));
    return made;
  }

  table(curves) {
    const tables = [];
    const series = [];
    for (const curve of curves) {
      const smoothed = this.weight > 0 && curve.scale !== "rate" && curve.points[0].length > 2;
      const stroke = this.colourOf(curve);
      const line = { scale: curve.scale, label: curve.label, show: !this.hidden.has(curve.name), spanGaps: true, width: 2, stroke, dash: curve.other ? [5, 4] : undefined, points: { show: curve.points[0].length < 2, size: 5 } };
      if (smoothed) {
        tables.push([curve.points[0], curve.points[1], smooth(curve.points[1], this.weight)]);
        series.push({ ...line, stroke: faded(stroke, 0.3), width: 1 }, line);
      } else {
        tables.push(curve.points);
        series.push(line);
      }
    }
    return { series, data: globalThis.uPlot.join(tables) };
  }

  colourOf({ name, scale }) {
    if (scale === "rate") return colour("--curve-rate");
    if (name.includes("top5")) return colour("--curve-top5");
    if (scale === "share") return colour("--curve-accuracy");
    return colour(name.includes("val") ? "--curve-loss-val" : "--curve-loss-train");
  }

  options(which) {
    const main = which === "main";
    return {
      height: main ? this.height : HEIGHTS.rate,
      padding: [8, main ? 0 : RIGHT + LABEL, 0, 0],
      legend: { show: false },
      cursor: { y: false, sync: { key: "netloom-curves", scales: ["x", null] }, drag: { x: true, y: false, dist: 6 }, points: { size: 7 } },
      scales: {
        x: { time: false, range: () => this.zoom ?? [0, this.last] },
        loss: this.log ? { distr: 3 } : { range: (_, low, high) => (high == null ? [0, 1] : [Math.min(0, low), high * 1.05 || 1]) },
        share: { range: (_, low, high) => (high == null ? [0, 100] : [Math.max(0, Math.floor((low - 1) / 10) * 10), high > 60 ? 100 : Math.ceil(high / 10) * 10 + 10]) },
        rate: { range: (_, low, high) => (high == null ? [0, 1] : [0, high * 1.1 || 1]) },
      },
      axes: main
        ? [axis({ size: 28, space: 70, ...(this.rates.length ? {} : { label: "epoch" }) }), axis({ scale: "loss", label: "loss", size: LEFT, values: (_, ticks) => ticks.map((tick) => (tick == null ? "" : number(tick))) }),
          axis({ scale: "share", side: 1, label: "accuracy, %", size: RIGHT, grid: { show: false } })]
        : [axis({ label: "epoch", size: 28, space: 70 }), axis({ scale: "rate", label: "rate", size: LEFT, space: 30, values: (_, ticks) => ticks.map(number) })],
      hooks: {
        setCursor: [(chart) => this.moved(chart)],
        setSelect: [(chart) => this.selected(chart)],
        drawAxes: [(chart) => this.marks(chart)],
      },
    };
  }

  // Zoom. uPlot would set its own scale; one range for both charts stays under our control.

  selected(chart) {
    if (chart.select.width < 6) return;
    this.dragged = true;
    setTimeout(() => { this.dragged = false; });
    const low = chart.posToVal(chart.select.left, "x");
    const high = chart.posToVal(chart.select.left + chart.select.width, "x");
    this.zoomTo([low, high]);
  }

  zoomTo(range) {
    this.zoom = range && range[1] - range[0] > 1e-6 ? range : null;
    this.applyZoom();
  }

  applyZoom() {
    const [min, max] = this.zoom ?? [0, this.last];
    for (const chart of [this.main, this.rate]) chart?.setScale("x", { min, max });
    this.card.querySelector("[data-reset]").disabled = !this.zoom;
  }

  // Snapshots: a tick for each, a line at the best and at the selected one.

  get snapshots() {
    return [...document.querySelectorAll("[data-snapshots] option")];
  }

  clicked(chart) {
    if (this.dragged) return;
    this.choose(chart.posToVal(chart.cursor.left, "x"));
  }

  choose(epoch) {
    const usable = this.snapshots.filter((option) => !option.disabled);
    const wanted = nearest(usable.map((option) => Number(option.dataset.epoch)), epoch);
    const option = usable.find((one) => Number(one.dataset.epoch) === wanted);
    if (!option) return;
    const select = option.closest("select");
    select.value = option.value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    this.say(`Snapshot of epoch ${wanted} selected.`);
  }

  redrawMarks() {
    this.main?.redraw(false);
    this.rate?.redraw(false);
  }

  marks(chart) {
    const { ctx, bbox } = chart;
    const ratio = devicePixelRatio;
    const place = (epoch) => chart.valToPos(epoch, "x", true);
    const inside = (x) => x >= bbox.left - 1 && x <= bbox.left + bbox.width + 1;
    let before = Infinity; // the newest snapshot comes first
    ctx.save();
    for (const option of this.snapshots) {
      const x = place(Number(option.dataset.epoch));
      const best = "best" in option.dataset;
      const tick = !best && !option.selected;
      if (!inside(x) || (tick && before - x < APART * ratio)) continue;
      if (tick) before = x;
      ctx.strokeStyle = colour(option.selected ? "--accent" : best ? "--done" : "--line-strong");
      ctx.lineWidth = (option.selected || best ? 1.5 : 1) * ratio;
      ctx.setLineDash(best && !option.selected ? [4 * ratio, 4 * ratio] : []);
      ctx.beginPath();
      ctx.moveTo(x, option.selected || best ? bbox.top : bbox.top + bbox.height - 6 * ratio);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (best && chart === this.main) {
        ctx.font = `${12 * ratio}px system-ui, sans-serif`;
        ctx.fillStyle = colour("--done");
        const right = x > bbox.left + bbox.width - 60 * ratio;
        ctx.textAlign = right ? "right" : "left";
        ctx.textBaseline = "middle"; // curves run along the top and the bottom
        ctx.fillText("★ best", x + (right ? -5 : 5) * ratio, bbox.top + bbox.height / 2);
      }
    }
    ctx.restore();
  }

  // Cursor and legend.

  moved(chart) {
    const at = chart.cursor.left >= 0 ? chart.posToVal(chart.cursor.left, "x") : null;
    if (at === this.cursorAt) return;
    this.cursorAt = at;
    this.figures();
  }

  legend() {
    const box = this.card.querySelector("[data-legend]");
    const shape = JSON.stringify([...this.all, ...this.rates].map(({ name, label }) => [name, label, this.hidden.has(name)]));
    if (box.dataset.shape !== shape) {
      box.dataset.shape = shape;
      const where = document.createElement("span");
      where.className = "legend-at";
      box.replaceChildren(where, ...[...this.all, ...this.rates].map((curve) => this.legendItem(curve)));
    }
    for (const item of box.querySelectorAll("button")) {
      item.firstChild.style.color = this.colourOf(this.curveNamed(item.value));
    }
    this.figures();
  }

  legendItem({ name, label, scale, other }) {
    const item = document.createElement("button");
    item.type = "button";
    item.value = name;
    item.disabled = scale === "rate";
    item.setAttribute("aria-pressed", String(!this.hidden.has(name)));
    item.title = "Show or hide this curve";
    const line = document.createElement("i");
    line.className = other ? "dashed" : "";
    const words = document.createElement("span");
    words.textContent = label;
    item.append(line, words, document.createElement("b"));
    item.addEventListener("click", () => {
      if (!this.hidden.delete(name)) this.hidden.add(name);
      this.draw();
    });
    return item;
  }

  curveNamed(name) {
    return [...this.all, ...this.rates].find((curve) => curve.name === name);
  }

  figures() {
    const box = this.card.querySelector("[data-legend]");
    const at = this.cursorAt ?? this.last;
    box.querySelector(".legend-at").textContent = `epoch ${at.toFixed(at < 10 ? 2 : 1)}`;
    for (const item of box.querySelectorAll("button")) {
      const curve = this.curveNamed(item.value);
      const value = curve ? valueAt(curve.points, at) : null;
      item.lastChild.textContent = value == null ? "–" : curve.scale === "share" ? `${value.toFixed(2)} %` : number(value);
    }
  }

  pressed(event) {
    const chart = this.main;
    if (!chart) return;
    const { key } = event;
    if (key === "Escape" && this.zoom) return this.zoomTo(null);
    if (key === "Enter") return this.choose(this.cursorAt ?? this.last);
    const [low, high] = this.zoom ?? [0, this.last];
    const step = (high - low) / (event.shiftKey ? 10 : 100);
    const at = { ArrowRight: (this.cursorAt ?? low) + step, ArrowLeft: (this.cursorAt ?? high) - step, Home: low, End: high }[key];
    if (at === undefined) return;
    event.preventDefault();
    const held = Math.min(high, Math.max(low, at));
    chart.setCursor({ left: chart.valToPos(held, "x"), top: 10 });
    this.cursorAt = held;
    this.figures();
    this.say([...this.card.querySelectorAll("[data-legend] button")].map((item) => item.textContent).join(", "));
  }

  say(text) {
    this.card.querySelector("[data-words]").textContent = text;
  }
}

async function fetched(address) {
  if (!address) return null;
  try {
    const reply = await fetch(address, { headers: { accept: "application/json" } });
    return reply.ok ? await reply.json() : null;
  } catch {
    return null;
  }
}

for (const card of document.querySelectorAll("[data-curves]")) new Curves(card);
