// Loss in its band, gradient norm and rate, one above the other on the same steps.

import { el } from "./dom.js";
import { listen } from "./gestures.js";
import { barsHeight, Marks } from "./marks.js";
import { color, faded, plot } from "./plots.js";
import { number, whole } from "./words.js";

const SYNC = "lrwatch";
const REACH = 3;
const CHARTS = [
  { name: "loss", title: "Loss", height: 250, columns: ["lo", "hi", "loss"], band: true },
  { name: "norm", title: "Gradient norm", height: 130, columns: ["norm"] },
  { name: "rate", title: "Learning rate", height: 150, columns: ["lr", "applied"] },
];
const LABELS = { loss: "loss", norm: "norm", lr: "as scheduled", applied: "as applied" };

export class Charts {
  constructor({ onview, onpick }) {
    this.onview = onview;
    this.onpick = onpick;
    this.node = el("div.charts", { tabindex: "0", "aria-label": "Charts of the run; arrow keys move, plus and minus zoom" });
    this.marks = new Marks((record) => this.onpick(record));
    this.parts = CHARTS.map((chart) => this.part(chart));
    this.logs = { loss: false, norm: false, rate: false };
    this.view = [0, 1];
    this.story = null;
    this.selected = null;
    this.arrays = null;
    this.hovered = null;
    this.waiting = 0;
    new ResizeObserver(() => this.resize()).observe(this.node);
  }

  part(chart) {
    const readout = el("span.readout");
    const log = el("button.quiet", { type: "button", "aria-pressed": "false", title: "Logarithmic scale", onclick: () => this.toggleLog(chart.name) }, "log");
    const legend = el("span.legend");
    const target = el("div.plot");
    const node = el("section.chart", { "aria-label": chart.title },
      el("header", {}, el("h3", {}, chart.title), legend, readout, log), target);
    this.node.append(node);
    return { ...chart, node, target, readout, log, legend, u: null };
  }

  width() {
    return Math.max(this.node.clientWidth - 2, 200);
  }

  clear() {
    this.arrays = null;
    this.story = null;
    this.selected = null;
    this.logs = { loss: false, norm: false, rate: false };
    for (const part of this.parts) {
      part.u?.destroy();
      part.u = null;
      part.readout.textContent = "";
    }
  }

  // New numbers for the steps in view, and somewhat beyond.
  draw(arrays) {
    const isFirst = this.arrays === null;
    this.arrays = arrays;
    if (isFirst) this.guessLogs();
    for (const part of this.parts) this.drawPart(part);
  }

  drawPart(part) {
    const data = [this.arrays[`${part.name}/step`], ...part.columns.map((c) => this.arrays[`${part.name}/${c}`])];
    const isEmpty = data.slice(1).every((column) => column.every((x) => x === null));
    part.node.hidden = isEmpty && part.name !== "loss";
    if (part.node.hidden) return;
    if (part.u) part.u.setData(data, false), part.u.setScale("x", { min: this.view[0], max: this.view[1] });
    else this.make(part, data);
    this.paintLegend(part, data);
  }

  make(part, data) {
    part.u = plot(part.target, data, {
      width: this.width(), height: part.height, isLog: this.logs[part.name],
      range: () => this.view, hasSteps: part === this.lowest(),
      series: part.columns.map((column) => this.series(column)),
      bands: part.band ? [{ series: [2, 1], fill: faded("curve", 0.2) }] : [],
      above: () => 8 + (part.band ? barsHeight(this.story) : 0),
      cursor: this.cursor(part), hooks: this.hooks(part),
    });
    this.listen(part.u);
    part.log.setAttribute("aria-pressed", String(this.logs[part.name]));
  }

  lowest() {
    const shown = this.parts.filter((part) => this.has(part));
    return shown[shown.length - 1];
  }

  has(part) {
    return part.name === "loss" || part.columns.some((c) => this.arrays[`${part.name}/${c}`].some((x) => x !== null));
  }

  series(column) {
    const bare = { points: { show: false }, auto: false };
    if (column === "lo" || column === "hi") return { ...bare, stroke: "transparent", width: 0 };
    const isAlone = this.arrays["rate/applied"].every((x) => x === null);
    if (column === "lr") return { stroke: isAlone ? color("applied") : color("dim"), width: 1.5, dash: isAlone ? undefined : [5, 4], points: { show: false } };
    const stroke = { loss: color("curve"), norm: color("norm"), applied: color("applied") }[column];
    return { stroke, width: 1.5, points: { size: 4 } };
  }

  cursor(part) {
    return {
      y: false, sync: { key: SYNC, scales: ["x", null], setSeries: false },
      drag: { x: true, y: false, setScale: false }, points: { size: 6 },
      dataIdx: (u, series, closest) => (series === 0 ? closest : this.nearest(part, u, closest)),
      bind: {
        mousedown: (u, target, handler) => (event) => { if (event.button === 0 && !event.shiftKey) handler(event); return null; },
        dblclick: () => () => { this.onview(null); return null; },
      },
    };
  }

  hooks(part) {
    return {
      setCursor: [(u) => this.read(part, u)],
      setSelect: [(u) => this.zoomTo(u)],
      drawClear: [(u) => this.marks.shade(u, this.story, this.selected, this.view)],
      draw: [(u) => {
        this.marks.line(u, this.selected);
        if (part.name === "loss") this.marks.place(u, this.story, this.selected, this.view);
      }],
    };
  }

  zoomTo(u) {
    const { left, width } = u.select;
    if (width < 4) return;
    const [from, to] = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.onview([from, to]);
  }

  // Where many points share a pixel the one by the pointer is meant, so that a peak can be read.
  nearest(part, u, closest) {
    const values = u.data[part.columns.length - (part.name === "rate" ? 1 : 0)];
    if (this.hovered !== u || closest === null || !values) return closest;
    const { left, top } = u.cursor;
    let [best, least] = [closest, Infinity];
    const near = (i) => Math.abs(u.valToPos(u.data[0][i], "x") - left) <= REACH;
    const weigh = (i) => {
      if (values[i] === null) return;
      const far = Math.abs(u.valToPos(values[i], "y") - top);
      if (far < least) [best, least] = [i, far];
    };
    for (let i = closest; i >= 0 && near(i); i -= 1) weigh(i);
    for (let i = closest + 1; i < values.length && near(i); i += 1) weigh(i);
    return best;
  }

  listen(u) {
    u.over.addEventListener("pointerenter", () => { this.hovered = u; });
    listen(u, () => this.view, (view) => this.onview(view));
  }

  read(part, u) {
    const at = this.nearest(part, u, u.cursor.idx);
    if (at === null || at === undefined || u.cursor.left < 0) {
      part.readout.textContent = "";
      return;
    }
    const value = (column) => this.arrays[`${part.name}/${column}`][at];
    const words = [`step ${whole(u.data[0][at])}`];
    for (const column of part.columns.filter((c) => c in LABELS)) {
      if (value(column) !== null || column === "loss") words.push(`${LABELS[column]} ${value(column) === null ? "not finite" : number(value(column))}`);
    }
    if (part.band && value("lo") !== null) words.push(`expected ${number(value("lo"))} to ${number(value("hi"))}`);
    part.readout.textContent = words.join("  ·  ");
  }

  paintLegend(part, data) {
    const items = [];
    const key = (tone, words) => items.push(el(`span.key.k-${tone}`, {}, words));
    if (part.band && data[1].some((x) => x !== null)) key("band", "expected");
    if (part.band && data[3].some((x) => x === null)) key("bad", "not finite");
    if (part.name === "rate" && data[2].some((x) => x !== null)) key("lr", "as scheduled"), key("applied", "as applied");
    part.legend.replaceChildren(...items);
  }

  // A loss or norm that spans orders of magnitude is first shown on a logarithmic scale.
  guessLogs() {
    for (const name of ["loss", "norm"]) {
      const values = this.arrays[`${name}/${name}`].filter((x) => x !== null).sort((a, b) => a - b);
      const middle = values[values.length >> 1];
      this.logs[name] = values.length > 0 && values[0] > 0 && values[values.length - 1] > 30 * middle;
    }
  }

  toggleLog(name) {
    const column = { loss: "loss", norm: "norm", rate: "lr" }[name];
    const isPositive = this.arrays?.[`${name}/${column}`].every((x) => x === null || x > 0);
    this.logs[name] = !this.logs[name] && Boolean(isPositive);
    this.remake();
  }

  // Of many moves within a frame the last one is drawn.
  setView(view) {
    this.view = view;
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      const [min, max] = this.view;
      for (const { u } of this.parts) u?.setScale("x", { min, max });
    });
  }

  setStory(story, selected) {
    this.story = story;
    this.selected = selected;
    for (const { u } of this.parts) u?.redraw(false, true);
  }

  resize() {
    for (const { u, height } of this.parts) if (u && u.width !== this.width()) u.setSize({ width: this.width(), height });
  }

  remake() {
    if (!this.arrays) return;
    for (const part of this.parts) {
      part.u?.destroy();
      part.u = null;
    }
    this.draw(this.arrays);
  }
}
