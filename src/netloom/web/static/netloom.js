// What every page needs: theme switch, messages, live updates, and the parts that a page declares
// by data attributes. Each part is a module with one `attach(root)`; it is called for the whole page
// and again for each fragment that htmx brings in.
import * as actions from "./actions.js";
import * as complete from "./complete.js";
import * as forms from "./forms.js";
import * as live from "./live.js";
import * as menus from "./menus.js";
import * as select from "./select.js";
import * as tables from "./tables.js";
import * as zoom from "./zoom.js";
import "./morph.js";
import { say } from "./say.js";

const parts = [menus, actions, forms, complete, select, tables, zoom];

function attach(root) {
  for (const part of parts) part.attach(root);
}

attach(document);
live.start();
document.addEventListener("htmx:load", (event) => {
  if (event.detail.elt !== document.body) attach(event.detail.elt);
});
document.addEventListener("htmx:sendError", () => say("The server does not answer. Is it still running?", "fail"));
document.addEventListener("htmx:responseError", (event) => say(readable(event.detail.xhr), "fail"));

function readable(xhr) {
  const text = xhr.responseText?.trim() ?? "";
  return text && text.length < 300 && !text.startsWith("<") ? text : `The server answered ${xhr.status}.`;
}
