// Making elements, and bringing those on the page up to date without touching what stays the same:
// focus, selection and the reading position of a screen reader survive a tick.

const SVG = "http://www.w3.org/2000/svg";

/** h("p.note", {title}, "text", child, null): an element; nothing is made of null and false. */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const svg = ["svg", "path", "circle", "use", "g"].includes(tag);
  const element = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    // A style as an attribute would be inline code to the content security policy.
    if (name === "width%") element.style.width = `${value}%`;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0).map((child) =>
    child instanceof Node ? child : document.createTextNode(String(child))));
  return element;
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

function sync(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.style && old.style.width !== fresh.style.width) old.style.width = fresh.style.width;
  for (const { name, value } of [...fresh.attributes]) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    // What the person opened stays open.
    if (name !== "style" && name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  morph(old, [...fresh.childNodes]);
}

/** Makes `parent` hold what `children` say. */
export function morph(parent, children) {
  const keyed = new Map();
  for (const node of parent.childNodes) if (keyOf(node)) keyed.set(keyOf(node), node);
  let place = parent.firstChild;
  for (const fresh of children.flat(Infinity).filter(Boolean)) {
    const key = keyOf(fresh);
    const known = key ? keyed.get(key) : place && !keyOf(place) && alike(place, fresh) ? place : null;
    if (known && alike(known, fresh)) {
      if (known === place) place = place.nextSibling;
      else parent.insertBefore(known, place);
      sync(known, fresh);
    } else {
      parent.insertBefore(fresh, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

export const byId = (id) => document.getElementById(id);
