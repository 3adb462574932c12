// One dialog for confirmations: it names what will go, and the button says what it does.

export function ask({ title, text, items = [], button }) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "ask-title");
  const heading = element("h2", title);
  heading.id = "ask-title";
  const list = document.createElement("ul");
  for (const item of items) list.append(element("li", item));
  const cancel = element("button", "Cancel", "button");
  const go = element("button", button, "button danger");
  const row = document.createElement("div");
  row.className = "actions";
  row.append(cancel, go);
  dialog.append(heading, element("p", text), list, row);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let answer = false;
    go.addEventListener("click", () => { answer = true; dialog.close(); });
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => { dialog.remove(); resolve(answer); });
  });
}

function element(tag, text, className = "") {
  const made = document.createElement(tag);
  if (tag === "button") made.type = "button";
  made.className = className;
  made.textContent = text;
  return made;
}

// Asks for a text; null means that nothing shall be done.
export function askText({ title, label, help, button }) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "ask-title");
  const heading = element("h2", title);
  heading.id = "ask-title";
  const form = document.createElement("form");
  form.method = "dialog";
  const name = element("label", label);
  const input = document.createElement("input");
  input.type = "text";
  input.id = "ask-text";
  name.htmlFor = input.id;
  const cancel = element("button", "Cancel", "button");
  const go = element("button", button, "button primary");
  go.type = "submit";
  const row = document.createElement("div");
  row.className = "actions";
  row.append(cancel, go);
  form.append(heading, name, input, element("p", help, "help"), row);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", () => { answer = input.value.trim(); });
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => { dialog.remove(); resolve(answer); });
  });
}
