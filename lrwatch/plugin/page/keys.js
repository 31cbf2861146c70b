// The keys of the page, and the card that lists them.

import { el } from "./dom.js";

const KEYS = [
  ["↑ ↓", "previous, next run"], ["/", "filter runs"], ["n p", "next, previous alert or action"],
  ["← →", "move along the steps"], ["+ −", "zoom"], ["0", "all steps"], ["l", "logarithmic loss"],
  ["Esc", "close"], ["?", "this card"],
];
const MOUSE = [
  ["drag", "zoom to a range"], ["Shift + drag", "move along"], ["Ctrl or Alt + wheel", "zoom at the pointer"],
  ["double click", "all steps"],
];

export class Keys {
  constructor(list, detail) {
    this.list = list;
    this.detail = detail;
    const rows = [...KEYS, ...MOUSE].flatMap(([key, words]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, words)]);
    this.node = el("dialog.keys", { "aria-label": "Keys" }, el("h3", {}, "Keys and mouse"), el("dl", {}, ...rows),
      el("button.plain", { type: "button", onclick: () => this.node.close() }, "Close"));
    document.addEventListener("keydown", (event) => this.press(event));
  }

  toggle() {
    if (this.node.open) this.node.close();
    else this.node.showModal();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.node.open) return;
    if (event.target instanceof HTMLInputElement) {
      if (event.key === "Escape") this.list.scroller.focus();
      return;
    }
    const done = this.does(event.key, this.list.node.contains(event.target));
    if (done) event.preventDefault();
  }

  does(key, isInList) {
    const detail = this.detail;
    const acts = {
      "/": () => this.list.filter.focus(), "?": () => this.toggle(),
      n: () => detail.step(1), p: () => detail.step(-1),
      "+": () => detail.zoom(0.5), "=": () => detail.zoom(0.5), "-": () => detail.zoom(2),
      0: () => detail.setView(null), l: () => detail.charts.toggleLog("loss"),
      ArrowLeft: () => detail.move(-0.25), ArrowRight: () => detail.move(0.25),
      Escape: () => detail.escape(),
    };
    // The list moves by its own keys while it has the focus.
    if (!isInList) Object.assign(acts, { ArrowUp: () => this.list.move(-1), ArrowDown: () => this.list.move(1) });
    if (!Object.hasOwn(acts, key)) return false;
    acts[key]();
    return true;
  }
}
