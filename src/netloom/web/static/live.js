// Live pages: one stream of events from the server.
//
// An element with data-live="status name ..." is fetched again (its hx-get, by the trigger
// `netloom:refresh`) when an event of one of these kinds comes, at most once per data-pace milliseconds.
// One with data-every is fetched each second, too, while it is in sight.
// Other modules listen to `netloom:event` on the document.

const KINDS = ["added", "deleted", "status", "progress", "facts", "metrics", "snapshot", "name", "group", "notes", "disk", "resources"];
const SECOND = 1000;
const timers = new WeakMap();

let source = null;
let last = document.body.dataset.after;
const job = document.body.dataset.job ?? "";

export function start() {
  if (last === undefined) return;
  connect();
  // A hidden tab gives its connection back; browsers allow only six to one server.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) disconnect();
    else if (!source) connect();
  });
  window.addEventListener("pagehide", disconnect);
  setInterval(look, SECOND);
  document.addEventListener("netloom:changed", () => document.querySelectorAll("[data-live]").forEach((element) => refresh(element, 0)));
  for (const fold of document.querySelectorAll("details")) {
    const inside = fold.querySelector("[data-live]");
    if (inside && !inside.innerHTML.trim()) {
      fold.addEventListener("toggle", () => fold.open && refresh(inside, 0));
      if (fold.open) refresh(inside, 0);
    }
  }
}

function connect() {
  source = new EventSource(`/events?after=${last}`);
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      last = event.lastEventId;
      hear(kind, JSON.parse(event.data));
    });
  }
}

function disconnect() {
  source?.close();
  source = null;
}

function hear(kind, data) {
  const shared = kind === "resources" || kind === "added" || kind === "deleted" || kind === "status";
  if (shared) refresh(document.getElementById("meters"));
  if (job && data.job_id && data.job_id !== job) return;
  for (const element of document.querySelectorAll("[data-live]")) {
    if (element.dataset.live.split(" ").includes(kind)) refresh(element);
  }
  document.dispatchEvent(new CustomEvent("netloom:event", { detail: { kind, data } }));
}

// What changes all the time, such as the load of the machine, is asked for instead of told.
function look() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-every]")) {
    const { top, bottom } = element.getBoundingClientRect();
    if (bottom > 0 && top < innerHeight) refresh(element, 0);
  }
}

function refresh(element, pace = Number(element?.dataset.pace ?? 400)) {
  if (!element || timers.has(element) || element.closest("details:not([open])")) return;
  timers.set(element, setTimeout(() => {
    timers.delete(element);
    if (element.isConnected) globalThis.htmx.trigger(element, "netloom:refresh");
  }, pace));
}
