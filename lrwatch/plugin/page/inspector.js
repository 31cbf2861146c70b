// One alert or action: the words, the evidence, and the steps around it, every one of them.

import { askAround } from "./api.js";
import { clear, el, icon } from "./dom.js";
import { color, faded, plot } from "./plots.js";
import { kindWords, levelWord, number, recordText, recordTitle, tone, VERDICTS, when, whole } from "./words.js";

const AROUND = 40;
const HEIGHT = 150;
const HEADS = ["step", "loss", "expected", "norm", "rate"];

export class Inspector {
  constructor({ onclose, onmove, onzoom }) {
    this.onzoom = onzoom;
    this.place = el("span.dim");
    this.body = el("div.inspector-body");
    this.u = null;
    this.asking = null;
    this.sizes = new ResizeObserver(([{ contentRect }]) => this.u?.setSize({ width: Math.max(contentRect.width, 160), height: HEIGHT }));
    this.sizes.observe(this.body);
    this.node = el("aside.inspector", { "aria-label": "What was found", hidden: true },
      el("header", {},
        el("button.quiet", { type: "button", title: "Previous (p)", "aria-label": "Previous", onclick: () => onmove(-1) }, icon("left")),
        el("button.quiet", { type: "button", title: "Next (n)", "aria-label": "Next", onclick: () => onmove(1) }, icon("right")),
        this.place,
        el("button.quiet.close", { type: "button", title: "Close (Esc)", "aria-label": "Close", onclick: onclose }, icon("cross"))),
      this.body);
  }

  close() {
    this.asking?.abort();
    this.u?.destroy();
    this.u = null;
    this.node.hidden = true;
  }

  async show(id, record, place, n) {
    this.close();
    this.node.hidden = false;
    this.place.textContent = `${place + 1} of ${n}`;
    const around = el("div.around", {}, el("p.dim", {}, "reading the steps around it…"));
    clear(this.body).append(
      el(`p.level.t-${tone(record)}`, {}, `${levelWord(record)} · step ${whole(record.step)}`),
      el("h3", {}, recordTitle(record)),
      el("p.lead", {}, recordText(record)),
      record.advice ? el("p.advice", {}, el("b", {}, "Try: "), record.advice) : "",
      el("dl.facts", {}, ...facts(record)),
      evidence(record) ?? "",
      el("button.plain", { type: "button", onclick: () => this.onzoom(record) }, "Zoom the charts to it"),
      around);
    this.asking = new AbortController();
    try {
      const { arrays } = await askAround(id, record.step, AROUND, this.asking.signal);
      this.draw(around, arrays, record);
    } catch (error) {
      if (error.name !== "AbortError") clear(around).append(el("p.dim", {}, error.message));
    }
  }

  draw(around, arrays, record) {
    if (!arrays.step.length) return clear(around);
    const target = el("div.plot");
    clear(around).append(el("h4", {}, "Every step around it"), target, rows(arrays, record));
    const [from, to] = [arrays.step[0], arrays.step[arrays.step.length - 1]];
    this.u = plot(target, [arrays.step, arrays.lo, arrays.hi, arrays.loss], {
      width: Math.max(around.clientWidth, 160), height: HEIGHT, isLog: false, hasSteps: true,
      range: () => (from < to ? [from, to] : [from - 1, to + 1]),
      series: [
        { stroke: faded("curve", 0.35), points: { show: false }, auto: false },
        { stroke: faded("curve", 0.35), points: { show: false }, auto: false },
        { stroke: color("curve"), width: 1.5, points: { show: true, size: 4 } },
      ],
      bands: [{ series: [2, 1], fill: faded("curve", 0.16) }],
      cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
      hooks: { draw: [(u) => upright(u, record.step, 0.8), (u) => upright(u, record.onset, 0.4)] },
    });
    const marked = around.querySelector("tr.at");
    if (marked) marked.parentNode.parentNode.parentNode.scrollTop = marked.offsetTop - 60;
  }
}

function upright(u, step, alpha) {
  if (step === undefined || step === null) return;
  const x = u.valToPos(step, "x", true);
  if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
  u.ctx.save();
  u.ctx.globalAlpha = alpha;
  u.ctx.fillStyle = color("critical");
  u.ctx.fillRect(x, u.bbox.top, 1.5, u.bbox.height);
  u.ctx.restore();
}

function facts(record) {
  const pairs = [];
  const fact = (name, value) => { if (value !== null && value !== undefined && value !== "") pairs.push(el("dt", {}, name), el("dd", {}, value)); };
  if (record.onset !== undefined && record.onset !== record.step) fact("began", `step ${whole(record.onset)}`);
  if (record.verdict) fact("verdict", VERDICTS[record.verdict]?.words ?? record.verdict);
  if (record.value !== undefined && record.value !== null) fact("value", number(record.value));
  if (record.limit !== undefined && record.limit !== null) fact("limit", number(record.limit));
  if (record.lr !== undefined && record.lr !== null) fact("rate", number(record.lr));
  if (record.lr_before !== undefined && record.lr_before !== null) fact("rate", `${number(record.lr_before)} → ${number(record.lr_after)}`);
  if (record.scale !== undefined && record.scale !== null) fact("scale", number(record.scale));
  if (record.to_step !== undefined && record.to_step !== null) fact("back to", `step ${whole(record.to_step)}`);
  fact("state", record.state);
  fact("at", when(record.time));
  return pairs;
}

function evidence(record) {
  if (!record.evidence?.length) return null;
  return el("table.evidence", {}, el("caption", {}, "Evidence"), el("tbody", {}, ...record.evidence.map(([name, value]) =>
    el("tr", {}, el("th", { scope: "row" }, kindWords(name)), el("td", {}, number(value, 5))))));
}

// As scheduled and, where the back-off scaled it, as applied.
function rate(scheduled, applied) {
  const isScaled = applied !== null && Math.abs(applied - scheduled) > 1e-6 * Math.abs(scheduled);
  return isScaled ? `${number(scheduled, 3)} → ${number(applied, 3)}` : number(scheduled, 3);
}

function rows(arrays, record) {
  const at = arrays.step.findIndex((step) => step >= record.step);
  const body = arrays.step.map((step, i) => {
    const band = arrays.lo[i] === null ? "–" : `${number(arrays.lo[i], 3)} to ${number(arrays.hi[i], 3)}`;
    const cells = [whole(step), number(arrays.loss[i], 5), band, number(arrays.norm[i], 3), rate(arrays.lr[i], arrays.applied[i])];
    return el("tr", { class: i === at ? "at" : null }, ...cells.map((cell) => el("td", {}, cell)));
  });
  return el("div.steps", { tabindex: "0", "aria-label": "The steps as numbers" }, el("table", {},
    el("thead", {}, el("tr", {}, ...HEADS.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, ...body)));
}
