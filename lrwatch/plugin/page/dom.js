// Elements are built from parts; text is only ever text, so that no name of a run can be markup.

const SVG = "http://www.w3.org/2000/svg";

// el("div.row", {title: "x", onclick: f}, "text", child): an element with classes and children.
export function el(what, props = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  node.classList.add(...classes);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// A picture of 16 by 16 out of paths.
export function icon(name) {
  const node = document.createElementNS(SVG, "svg");
  node.setAttribute("viewBox", "0 0 16 16");
  node.setAttribute("aria-hidden", "true");
  node.classList.add("icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  path.setAttribute("fill-rule", "evenodd");
  node.append(path);
  return node;
}

const PATHS = {
  up: "M8 3l4.5 5H9.5v5h-3V8H3.5z",
  down: "M8 13L3.5 8h3V3h3v5h3z",
  check: "M6.4 12.2L2.6 8.4l1.4-1.4 2.4 2.4 5.6-5.6 1.4 1.4z",
  alarm: "M8 1.8l6.8 12.4H1.2zM7.2 6v4.4h1.6V6zm0 5.4V13h1.6v-1.6z",
  unknown: "M3 7h10v2H3z",
  wait: "M4 8a1.3 1.3 0 1 1-2.6 0A1.3 1.3 0 0 1 4 8zm5.3 0a1.3 1.3 0 1 1-2.6 0 1.3 1.3 0 0 1 2.6 0zm5.3 0a1.3 1.3 0 1 1-2.6 0 1.3 1.3 0 0 1 2.6 0z",
  cross: "M4.2 2.8L8 6.6l3.8-3.8 1.4 1.4L9.4 8l3.8 3.8-1.4 1.4L8 9.4l-3.8 3.8-1.4-1.4L6.6 8 2.8 4.2z",
  left: "M10.5 2.5L5 8l5.5 5.5 1.2-1.2L7.4 8l4.3-4.3z",
  right: "M5.5 2.5L11 8l-5.5 5.5-1.2-1.2L8.6 8 4.3 3.7z",
  plus: "M7 3h2v4h4v2H9v4H7V9H3V7h4z",
  minus: "M3 7h10v2H3z",
  fit: "M2 3h1.6v10H2zm10.4 0H14v10h-1.6zM4.6 8l2.6-2.6v1.8h1.6V5.4L11.4 8 8.8 10.6V8.8H7.2v1.8z",
};

export function clear(node) {
  node.replaceChildren();
  return node;
}
