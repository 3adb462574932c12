// Selecting rows: tick boxes in the first column, click on a row, shift for a range, arrow keys from
// box to box; from a box, Ctrl-A for all, Ctrl-D or Escape for none, Ctrl-I for the others. A bar with what can be done to them appears below.
//
//   <div data-select> <table> <tr data-job="ID" data-name="..."> <td><input type="checkbox"> ...
//     <div class="bulk" hidden> <output></output> <button data-bulk="/abort_jobs" data-method="POST">
import { send } from "./actions.js";
import { ask, askText } from "./ask.js";
import { say } from "./say.js";

export function attach(root) {
  for (const area of root.querySelectorAll("[data-select]:not([data-ready])")) {
    area.dataset.ready = "";
    new Selection(area);
  }
}

class Selection {
  constructor(area) {
    this.area = area;
    this.last = null;
    area.addEventListener("click", (event) => this.clicked(event));
    area.addEventListener("change", (event) => this.changed(event));
    area.addEventListener("keydown", (event) => this.pressed(event));
    document.addEventListener("htmx:afterSettle", () => this.show());
    this.show();
  }

  get boxes() {
    const boxes = [...this.area.querySelectorAll("tbody td.pick input:not(:disabled)")];
    return boxes.filter((box) => box.checkVisibility()); // not those of a folded group
  }

  get chosen() {
    return this.boxes.filter((box) => box.checked).map((box) => box.closest("tr"));
  }

  clicked(event) {
    const button = event.target.closest("[data-bulk]");
    if (button) return this.act(button);
    if (event.target.closest("[data-clear]")) return this.setAll(false);
    const row = event.target.closest("tbody tr[data-job]");
    if (!row || event.target.closest("a, button, summary, label") || getSelection().toString()) return;
    const box = row.querySelector("td.pick input");
    if (event.target !== box) box.checked = !box.checked;
    if (event.shiftKey && this.last?.isConnected) this.range(this.last, box);
    this.last = box;
    this.show();
  }

  range(from, to) {
    const boxes = this.boxes;
    const [low, high] = [boxes.indexOf(from), boxes.indexOf(to)].sort((a, b) => a - b);
    for (const box of boxes.slice(low, high + 1)) box.checked = to.checked;
  }

  changed(event) {
    if (event.target.matches("thead input")) this.setAll(event.target.checked);
    this.show();
  }

  pressed(event) {
    const boxes = this.boxes;
    const place = boxes.indexOf(event.target);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (place >= 0 && step) {
      event.preventDefault();
      const next = boxes[place + step];
      if (!next) return;
      if (event.shiftKey) next.checked = event.target.checked;
      next.focus();
      this.show();
    } else if (place >= 0 && (event.ctrlKey || event.metaKey) && "adi".includes(event.key)) {
      event.preventDefault();
      if (event.key !== "i") return this.setAll(event.key === "a");
      for (const box of boxes) box.checked = !box.checked;
      this.show();
    } else if (event.key === "Escape" && this.chosen.length) {
      this.setAll(false);
    }
  }

  setAll(checked) {
    for (const box of this.boxes) box.checked = checked;
    this.show();
  }

  show() {
    const chosen = new Set(this.chosen);
    for (const row of this.area.querySelectorAll("tbody tr[data-job]")) {
      row.setAttribute("aria-selected", String(chosen.has(row)));
    }
    const all = this.area.querySelector("thead input");
    if (all) {
      all.checked = chosen.size > 0 && chosen.size === this.boxes.length;
      all.indeterminate = chosen.size > 0 && !all.checked;
    }
    const bar = this.area.querySelector(".bulk");
    if (!bar) return;
    bar.hidden = chosen.size === 0;
    bar.querySelector("output").textContent = `${chosen.size} selected`;
    for (const button of bar.querySelectorAll("[data-needs=running]")) {
      button.disabled = ![...chosen].some((row) => row.dataset.running === "true");
    }
  }

  async act(button) {
    const rows = this.chosen.filter((row) => button.dataset.needs !== "running" || row.dataset.running === "true");
    const word = button.textContent.trim();
    if (button.dataset.confirm) {
      const title = `${word} ${rows.length === 1 ? "this job" : `these ${rows.length} jobs`}?`;
      const items = rows.slice(0, 20).map((row) => row.dataset.name);
      if (rows.length > 20) items.push(`and ${rows.length - 20} more`);
      if (!(await ask({ title, text: button.dataset.confirm, items, button: word }))) return;
    }
    const fields = {};
    if (button.dataset.asks) {
      const { asks, label, help } = button.dataset;
      const title = `${word} ${rows.length === 1 ? "this job" : `these ${rows.length} jobs`}`;
      fields[asks] = await askText({ title, label, help, button: word });
      if (fields[asks] === null) return;
    }
    try {
      say(await send(button.dataset.method ?? "POST", button.dataset.bulk, { ...fields, "job_ids[]": rows.map((row) => row.dataset.job) }));
      this.setAll(false);
    } catch (error) {
      say(error.message, "fail");
    }
    document.dispatchEvent(new CustomEvent("netloom:changed"));
  }
}
