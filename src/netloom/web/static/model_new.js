// The new model page: summary of the dataset, rate preview redrawn while one types, Customize, sweeps.
import { say } from "./say.js";
import { ask } from "./ask.js";
import { axis, colour, number, onResize } from "./chart.js";
import { valueOf } from "./forms.js";
import "./editor.js";

const form = document.querySelector("form[data-form]");
let inserted = ""; // the network text that Customize put into the editor last
if (form) {
  dataset();
  rates();
  customize();
  sweeps();
}

function dataset() {
  const select = form.elements.dataset;
  // The summary route knows the dataset as job_id.
  select.addEventListener("htmx:configRequest", (event) => {
    event.detail.parameters = { job_id: select.value };
  });
}

// Learning rates.

function rates() {
  const box = document.getElementById("rate-chart");
  let chart = null;
  let asked = 0;
  let timer;
  const draw = (columns, epochs) => {
    const data = [columns[0].slice(1).map((_, place) => (place / 100) * epochs), ...columns.map((c) => c.slice(1))];
    chart?.destroy();
    chart = new globalThis.uPlot({
      width: box.clientWidth,
      height: 200,
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      legend: { show: false },
      scales: { x: { time: false }, y: { range: (_, low, high) => [Math.min(0, low), high * 1.05 || 1] } },
      axes: [axis({ label: "epoch", size: 28 }), axis({ size: 64, values: (_, ticks) => ticks.map(number) })],
      series: [{}, ...columns.map((_, place) => ({
        stroke: colour(columns.length > 1 ? `--class-${place % 20}` : "--accent"),
        width: 2,
        points: { show: false },
      }))],
      hooks: {
        setCursor: [(self) => {
          const at = self.cursor.idx;
          words(at == null ? "" : `Epoch ${number(self.data[0][at])}: ${columns.map((_, s) => number(self.data[s + 1][at])).join(", ")}`);
        }],
      },
    }, data, box);
  };
  const words = (text) => {
    document.getElementById("rate-words").textContent = text || "Learning rate over the training";
  };
  const update = async () => {
    const mine = ++asked;
    const body = new URLSearchParams();
    for (const control of form.elements) {
      if (control.name === "learning_rate" || control.name?.startsWith("lr_")) body.append(control.name, control.value);
    }
    const reply = await fetch(box.dataset.rates, { method: "POST", body, headers: { accept: "application/json" } }).catch(() => null);
    if (!reply || mine !== asked) return;
    if (!reply.ok) return words("These values do not give a curve.");
    const { data } = JSON.parse(await reply.text());
    if (!data.columns.length) return;
    words("");
    draw(data.columns, Number(valueOf(form, "train_epochs")) || 100);
  };
  form.addEventListener("input", (event) => {
    const { name } = event.target;
    if (name !== "learning_rate" && name !== "train_epochs" && !name?.startsWith("lr_")) return;
    clearTimeout(timer);
    timer = setTimeout(update, 150);
  });
  document.addEventListener("netloom:theme", update);
  onResize(box, () => chart?.setSize({ width: box.clientWidth, height: 200 }));
  update();
}

// Customize: the text of a network goes into the editor.

function customize() {
  const editor = form.elements.custom_network;
  inserted = editor.value;
  form.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-customize]");
    if (!button) return;
    const { customize: network, framework } = button.dataset;
    const edited = editor.value.trim() && editor.value !== inserted;
    if (edited && !(await ask({ title: "Replace the network text?", text: "What you wrote in the editor is replaced.", button: "Replace" }))) return;
    try {
      const address = `/models/customize?${new URLSearchParams({ network, framework })}`;
      const body = new URLSearchParams({ snapshot_epoch: form.elements[`${network}-snapshot`]?.value ?? "" });
      const reply = await fetch(address, { method: "POST", body });
      if (!reply.ok) throw new Error();
      const answer = JSON.parse(await reply.text());
      inserted = answer.network;
      form.elements.custom_network_snapshot.value = answer.snapshot ?? "";
      editor.value = inserted;
      editor.dispatchEvent(new Event("input", { bubbles: true }));
      form.querySelector('input[name="method"][value="custom"]').checked = true;
      form.dispatchEvent(new Event("change"));
      editor.focus();
      editor.setSelectionRange(0, 0);
      editor.scrollTop = 0;
    } catch {
      say("The network text cannot be fetched.", "fail");
    }
  });
}

// Several rates or batch sizes start several jobs: say how many.

function sweeps() {
  const words = document.getElementById("sweep-words");
  const usual = words.textContent;
  for (const name of ["learning_rate", "batch_size"]) form.elements[name].dataset.numbers = "";
  const count = (name) => Math.max(1, valueOf(form, name).split(",").filter((part) => part.trim()).length);
  const update = () => {
    const jobs = count("learning_rate") * count("batch_size");
    words.textContent = jobs > 1 ? `${jobs} models will be trained, one for each combination.` : usual;
  };
  form.addEventListener("input", update);
  update();
}
