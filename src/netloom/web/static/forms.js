// Forms: fields that count only sometimes, messages on leaving a field and again on submit, a count of
// changed fields on folded parts, and the focus on the first field that is wrong.
//
//   <form data-form novalidate> <div data-field="name" data-when='{"other": "value"}'> ... </div>

export function attach(root) {
  for (const form of root.querySelectorAll("form[data-form]:not([data-ready])")) {
    form.dataset.ready = "";
    form.addEventListener("change", () => update(form));
    form.addEventListener("focusout", (event) => {
      if (event.target.matches("input, select, textarea") && event.target.dataset.touched) {
        afterPress(() => check(event.target));
      }
    });
    form.addEventListener("input", (event) => {
      event.target.dataset.touched = "1";
      if (event.target.getAttribute("aria-invalid")) check(event.target);
    });
    form.addEventListener("submit", (event) => submit(form, event));
    update(form);
    firstError(form);
  }
}

// A message that appears while the pointer is down would move the button away from under it.
let pressed = false;
document.addEventListener("pointerdown", () => { pressed = true; }, true);
document.addEventListener("pointerup", () => { pressed = false; }, true);

function afterPress(call) {
  if (pressed) document.addEventListener("click", () => setTimeout(call), { once: true });
  else call();
}

export function valueOf(form, name) {
  const control = form.elements[name];
  if (!control) return "";
  if (control.type === "checkbox") return control.checked ? "true" : "";
  return control.value;
}

function update(form) {
  for (const field of form.querySelectorAll("[data-when]")) {
    field.hidden = !Object.entries(JSON.parse(field.dataset.when)).every(([name, wanted]) =>
      [wanted].flat().some((value) => same(valueOf(form, name), value)));
  }
  for (const fold of form.querySelectorAll("[data-advanced]")) {
    const changed = [...fold.querySelectorAll("[data-field]")].filter(isChanged).length;
    fold.querySelector("summary [data-changed]").textContent = changed ? `${changed} changed` : "";
  }
}

function same(value, wanted) {
  return typeof wanted === "boolean" ? (value === "true") === wanted : value === String(wanted);
}

// The server marks fields that differ from their default; here comes what was changed since.
function isChanged(field) {
  const control = field.querySelector("input, select, textarea");
  if (!control) return false;
  const now = control.type === "checkbox" ? control.checked !== control.defaultChecked
    : control.tagName === "SELECT" ? !(control.selectedOptions[0]?.defaultSelected ?? true) && control.selectedIndex > 0
    : control.value !== control.defaultValue;
  return now || field.hasAttribute("data-changed");
}

function check(control) {
  const field = control.closest("[data-field]");
  const message = field?.querySelector(".error");
  if (!message) return true;
  const text = field.closest("[hidden]") ? "" : sentence(control);
  message.hidden = !text;
  message.querySelector("[data-text]").textContent = text;
  if (text) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
  return !text;
}

function sentence(control) {
  const { validity, min, max, step } = control;
  if (validity.valueMissing) return "This field is required.";
  if (validity.badInput) return "This is not a number.";
  if (validity.rangeUnderflow) return `Must be at least ${Number(min).toLocaleString("en")}.`;
  if (validity.rangeOverflow) return `Must be at most ${Number(max).toLocaleString("en")}.`;
  if (validity.stepMismatch && step === "1") return "This is not a whole number.";
  if ("numbers" in control.dataset && !areNumbers(control.value)) return "Numbers, separated by commas.";
  return "";
}

function areNumbers(text) {
  return text.replace(/^\s*\[|\]\s*$/g, "").split(",").every((part) => Number.isFinite(Number(part)));
}

function submit(form, event) {
  const wrong = [...form.elements].filter((control) => control.willValidate && !check(control));
  if (wrong.length) {
    event.preventDefault();
    reveal(wrong[0]);
    return;
  }
  const button = event.submitter;
  if (button) {
    // After the form data has been taken, so that a named button would still be sent.
    setTimeout(() => { button.disabled = true; });
    window.addEventListener("pageshow", () => { button.disabled = false; }, { once: true });
  }
}

function firstError(form) {
  const name = form.dataset.firstError;
  const control = name && (document.getElementById(`field-${name}`) ?? form.elements[name]);
  if (control?.focus) reveal(control);
}

function reveal(control) {
  for (let fold = control.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  control.focus();
  control.scrollIntoView({ block: "center" });
}
