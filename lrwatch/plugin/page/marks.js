// What lrwatch found, on the curves: troubles as shaded spans, alerts and actions as buttons.

import { el } from "./dom.js";
import { color, faded } from "./plots.js";
import { glyph, levelWord, recordText, recordTitle, SEVERITIES, tone, whole } from "./words.js";

const APART = 14;
const BAR = 5;
const LANES = 6;

export class Marks {
  constructor(pick) {
    this.pick = pick;
    this.pool = [];
    this.tip = el("div.tip", { role: "tooltip", hidden: true });
  }

  // From onset to recovery, or to the end of the run; of several at once, those of the chosen
  // record. What spans the whole view would only tint it: it has its bar above the loss alone.
  shade(u, story, selected, [from, to]) {
    const { left, top, width, height } = u.bbox;
    const lanes = [];
    u.ctx.save();
    for (const span of story?.spans ?? []) {
      const end = span.to ?? Infinity;
      const isChosen = belongs(span, selected);
      if (end < from || span.from > to) continue;
      const a = Math.max(u.valToPos(span.from, "x", true), left);
      const b = Math.max(Math.min(end === Infinity ? left + width : u.valToPos(end, "x", true), left + width), a + 2);
      if (isChosen || (!selected && b - a < 0.9 * width)) {
        u.ctx.fillStyle = faded(span.severity, isChosen ? 0.16 : 0.08);
        u.ctx.fillRect(a, top, b - a, height);
      }
      if (u.series.length === 4) this.bar(u, a, b, lane(lanes, a, b), isChosen || !selected ? faded(span.severity, 0.85) : faded(span.severity, 0.4));
    }
    u.ctx.restore();
  }

  bar(u, a, b, at, fill) {
    if (at >= LANES) return;
    const size = BAR * devicePixelRatio;
    u.ctx.fillStyle = fill;
    u.ctx.fillRect(a, u.bbox.top - (at + 1) * size, b - a, size - devicePixelRatio);
  }

  // The step of the chosen record, and ticks where the loss is not finite.
  line(u, selected) {
    const { left, top, width, height } = u.bbox;
    u.ctx.save();
    if (selected) {
      const x = u.valToPos(selected.step, "x", true);
      if (x >= left && x <= left + width) {
        u.ctx.fillStyle = color("text");
        u.ctx.globalAlpha = 0.7;
        u.ctx.fillRect(x, top, 1.5, height);
      }
    }
    if (u.series.length === 4) this.ticks(u);
    u.ctx.restore();
  }

  ticks(u) {
    const { left, top, width } = u.bbox;
    u.ctx.globalAlpha = 1;
    u.ctx.fillStyle = color("critical");
    for (let i = 0; i < u.data[0].length; i += 1) {
      if (u.data[3][i] !== null) continue;
      const x = u.valToPos(u.data[0][i], "x", true);
      if (x >= left && x <= left + width) u.ctx.fillRect(x - 1, top + u.bbox.height - 8 * devicePixelRatio, 2, 8 * devicePixelRatio);
    }
  }

  place(u, story, selected, [from, to]) {
    if (this.tip.parentNode !== u.over) u.over.append(this.tip);
    const groups = grouped(u, (story?.records ?? []).filter((record) => record.step >= from && record.step <= to), selected);
    groups.forEach((group, i) => this.dress(this.button(u, i), group, selected));
    for (const button of this.pool.slice(groups.length)) button.hidden = true;
  }

  button(u, i) {
    if (!this.pool[i]) {
      this.pool[i] = el("button.mark", {
        type: "button",
        onmousedown: (event) => event.stopPropagation(),
        onpointerdown: (event) => event.stopPropagation(),
        ondblclick: (event) => event.stopPropagation(),
        onclick: () => this.pick(this.pool[i].group.first),
        onpointerenter: () => this.show(this.pool[i].group), onpointerleave: () => this.hide(),
        onfocus: () => this.show(this.pool[i].group), onblur: () => this.hide(),
      });
    }
    if (this.pool[i].parentNode !== u.over) u.over.append(this.pool[i]);
    return this.pool[i];
  }

  dress(button, group, selected) {
    const { first, records } = group;
    button.group = group;
    button.hidden = false;
    button.className = `mark t-${tone(first)}${records.includes(selected) ? " chosen" : ""}`;
    button.textContent = records.length > 1 ? String(records.length) : glyph(first);
    button.style.transform = `translate(${group.x}px, ${group.y}px)`;
    const more = records.length > 1 ? `, and ${records.length - 1} more here` : "";
    button.setAttribute("aria-label", `${levelWord(first)}: ${recordTitle(first)} at step ${first.step}${more}`);
  }

  show({ x, y, records }) {
    const lines = records.slice(0, 6).map((record) =>
      el("p", {}, el(`b.t-${tone(record)}`, {}, recordTitle(record)), ` · step ${whole(record.step)}`, el("br"), recordText(record)));
    if (records.length > 6) lines.push(el("p.dim", {}, `and ${records.length - 6} more`));
    this.tip.replaceChildren(...lines);
    this.tip.hidden = false;
    const room = this.tip.parentNode.clientWidth;
    this.tip.style.left = `${Math.max(0, Math.min(x - 20, room - this.tip.offsetWidth - 4))}px`;
    this.tip.style.top = `${y + 16}px`;
  }

  hide() {
    this.tip.hidden = true;
  }
}

// Room above the loss for the bars.
export function barsHeight(story) {
  const lanes = [];
  let n = 0;
  for (const span of story?.spans ?? []) n = Math.max(n, lane(lanes, span.from, span.to ?? Infinity) + 1);
  return BAR * Math.min(n, LANES);
}

// An alert has its own span; an action belongs to all of its trouble.
function belongs(span, selected) {
  if (!selected || !selected.trouble || span.trouble !== selected.trouble) return false;
  return selected.type === "action" || span.kind === selected.kind;
}

// The first line above the chart in which there is room.
function lane(lanes, a, b) {
  let at = lanes.findIndex((end) => end < a);
  if (at < 0) at = lanes.length;
  lanes[at] = b;
  return at;
}

// Records that would cover each other share a mark; it shows the worst of them.
function grouped(u, records, selected) {
  const height = u.over.clientHeight;
  const groups = [];
  for (const record of [...records].sort((a, b) => a.step - b.step)) {
    const x = u.valToPos(record.step, "x");
    const last = groups[groups.length - 1];
    if (last && x - last.x < APART) {
      last.records.push(record);
      if (record === selected || (last.first !== selected && rank(record) > rank(last.first))) last.first = record;
      continue;
    }
    const y = record.height === null ? height / 2 : u.valToPos(record.height, "y");
    groups.push({ x, y: Math.min(Math.max(Number.isFinite(y) ? y : height / 2, 10), height - 10), first: record, records: [record] });
  }
  return groups;
}

function rank(record) {
  if (record.state === "closed") return -1;
  return 2 * SEVERITIES.indexOf(record.severity) + (record.type === "alert") + (record.verdict ? 0.5 : 0);
}
