// A small editor on top of a <textarea>: line numbers, colours for Python, Tab and Enter that indent.
// The textarea stays what is posted, read aloud and undone; the coloured copy lies behind it.
//
// Tab would trap the keyboard: after Escape the next Tab leaves the box.

const TOKEN = /(#[^\n]*)|("""[\s\S]*?(?:"""|$)|'''[\s\S]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|\b(def|class|return|import|from|as|if|elif|else|for|while|in|not|and|or|is|None|True|False|lambda|with|yield|raise|try|except|finally|pass|break|continue|self)\b|\b(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b/g;
const KINDS = ["comment", "string", "word", "number"];

for (const area of document.querySelectorAll("textarea[data-editor]")) edit(area);

function edit(area) {
  const box = document.createElement("div");
  box.className = "editor";
  const lines = document.createElement("pre");
  lines.className = "editor-lines";
  const copy = document.createElement("pre");
  copy.className = "editor-copy";
  for (const behind of [lines, copy]) behind.setAttribute("aria-hidden", "true");
  area.replaceWith(box);
  const pane = document.createElement("div");
  pane.className = "editor-pane";
  pane.append(copy, area);
  box.append(lines, pane);
  area.wrap = "off";
  const draw = () => {
    const count = area.value.split("\n").length;
    lines.textContent = Array.from({ length: count }, (_, place) => place + 1).join("\n");
    copy.replaceChildren(...coloured(area.value), "\n");
    scroll();
  };
  const scroll = () => {
    lines.scrollTop = area.scrollTop;
    copy.scrollTop = area.scrollTop;
    copy.scrollLeft = area.scrollLeft;
  };
  area.addEventListener("input", draw);
  area.addEventListener("scroll", scroll);
  area.addEventListener("keydown", (event) => pressed(area, event));
  area.addEventListener("blur", () => delete area.dataset.leaving);
  draw();
}

function coloured(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const kind = match.slice(1).findIndex((group) => group !== undefined);
    const span = document.createElement("span");
    span.className = `code-${KINDS[kind]}`;
    span.textContent = match[0];
    parts.push(text.slice(end, match.index), span);
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}

function pressed(area, event) {
  if (event.key === "Escape") area.dataset.leaving = "";
  else if (event.key === "Tab" && !("leaving" in area.dataset)) {
    event.preventDefault();
    indent(area, event.shiftKey);
  } else if (event.key === "Enter") {
    const before = area.value.slice(0, area.selectionStart);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const space = line.match(/^ */)[0] + (line.trimEnd().endsWith(":") ? "    " : "");
    if (!space) return;
    event.preventDefault();
    insert(area, `\n${space}`);
  }
}

function indent(area, back) {
  const { selectionStart: start, selectionEnd: end, value } = area;
  if (start === end && !back) return insert(area, "    ");
  const from = value.lastIndexOf("\n", start - 1) + 1;
  const block = value.slice(from, end);
  const moved = back ? block.replace(/^ {1,4}/gm, "") : block.replace(/^(?=.)/gm, "    ");
  area.setSelectionRange(from, end);
  insert(area, moved);
  area.setSelectionRange(from, from + moved.length);
}

// The one way to change the text that the browser's undo knows about.
function insert(_area, text) {
  document.execCommand("insertText", false, text);
}
