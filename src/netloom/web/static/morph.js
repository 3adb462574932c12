// Morph: makes an element equal to another one by changing only what differs, so that live updates
// neither flicker nor lose focus, scroll positions, open folds or ticked boxes. Children are matched by
// `id` first, then by tag and place. Elements with `data-keep` belong to scripts and stay as they are.
//
// htmx uses it where a page says hx-swap="morph".

export function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.hasAttribute("data-keep") || old.isEqualNode(fresh)) return;
  morphAttributes(old, fresh);
  morphChildren(old, fresh);
}

// What the user changed on the page, which the server does not know.
const THEIRS = { DETAILS: ["open"], INPUT: ["value", "checked"], DIALOG: ["open"], TR: ["aria-selected"] };

function morphAttributes(old, fresh) {
  const theirs = [...(THEIRS[old.tagName] ?? []), "data-ready"];
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !theirs.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!theirs.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function morphChildren(old, fresh) {
  const wanted = [...fresh.childNodes];
  const ids = new Set(wanted.map((node) => node.id).filter(Boolean));
  let place = old.firstChild;
  for (const node of wanted) {
    const known = node.id ? childWithId(old, node.id) : null;
    if (known) {
      if (known !== place) old.insertBefore(known, place);
      morph(known, node);
      place = known.nextSibling;
      continue;
    }
    // An element that will be used further down by its id must not be overwritten here.
    if (!node.id && place && !ids.has(place.id) && place.nodeName === node.nodeName) {
      const next = place.nextSibling;
      morph(place, node);
      place = next;
      continue;
    }
    old.insertBefore(node, place);
    if (node.nodeType === Node.ELEMENT_NODE) globalThis.htmx?.process(node);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function childWithId(parent, id) {
  return [...parent.children].find((child) => child.id === id) ?? null;
}

globalThis.htmx?.defineExtension("morph", {
  isInlineSwap: (style) => style === "morph",
  handleSwap(style, target, fragment) {
    if (style !== "morph") return false;
    const fresh = fragment.firstElementChild ?? fragment;
    morph(target, fresh);
    return [target];
  },
});
