// The chosen run: what was found, its curves, and the alerts behind them; renewed while it grows.

import { askRun, askWindow } from "./api.js";
import { Charts } from "./charts.js";
import { el, icon } from "./dom.js";
import { History } from "./history.js";
import { Heartbeat } from "./host.js";
import { Inspector } from "./inspector.js";
import { findingOf, verdictOf, VERDICTS, whole } from "./words.js";

const SETTLED_MS = 40;
const BUCKETS_PER_PIXEL = 0.75;
const END = new Map([[true, ", closed"], [false, ", not closed: it goes on or was killed"], [null, ""]]);

export class Detail {
  constructor() {
    this.charts = new Charts({ onview: (view) => this.setView(view), onpick: (record) => this.pick(record) });
    this.history = new History((record) => this.pick(record));
    this.inspector = new Inspector({ onclose: () => this.pick(null), onmove: (by) => this.step(by), onzoom: (record) => this.zoomOn(record) });
    this.build();
    this.forget();
  }

  build() {
    this.title = el("h2");
    this.badge = el("span.verdict");
    this.finding = el("p.finding");
    this.facts = el("p.facts-line.dim");
    this.note = el("p.notice", { role: "status", hidden: true });
    const tool = (name, words, act) => el("button.quiet", { type: "button", title: words, "aria-label": words, onclick: act }, icon(name));
    this.tools = el("div.tools", {}, this.range = el("span.range.dim"),
      tool("minus", "Zoom out (−)", () => this.zoom(2)), tool("plus", "Zoom in (+)", () => this.zoom(0.5)),
      tool("fit", "All steps (0)", () => this.setView(null)),
      el("button.quiet", { type: "button", title: "Keys (?)", "aria-label": "Keys", onclick: () => this.onhelp() }, "?"));
    this.head = el("header.detail-head", {},
      el("button.quiet.back", { type: "button", "aria-label": "Back to the runs", onclick: () => this.onback() }, icon("left"), "Runs"),
      el("div.title-line", {}, this.title, this.badge), this.finding, this.facts);
    this.work = el("div.work", {}, el("div.main", {}, this.tools, this.charts.node, this.history.node), this.inspector.node);
    this.hint = el("p.empty", {}, "Choose a run to see what happened in it.");
    this.node = el("section.detail", { "aria-label": "The chosen run" }, this.hint, this.head, this.note, this.work);
    this.show(false);
  }

  forget() {
    this.beating?.stop();
    this.fetching?.abort();
    clearTimeout(this.settling);
    Object.assign(this, { row: null, run: null, rev: -1, view: null, held: null, selected: null, heldRev: -1 });
    this.charts.clear();
    this.work.classList.remove("inspects");
    this.inspector.close();
    this.history.show(null);
  }

  show(isOpen) {
    this.hint.hidden = isOpen;
    this.head.hidden = !isOpen;
    this.work.hidden = true;
    this.note.hidden = true;
  }

  open(row) {
    if (row?.id === this.row?.id) return;
    this.forget();
    this.show(row !== null);
    this.node.scrollTop = 0;
    if (!row) return;
    this.refresh(row);
    this.say("reading the run…");
    this.beating = new Heartbeat(() => this.renew(row.id));
    this.beating.beat();
  }

  beat() {
    this.beating?.beat();
  }

  // The line of the table, which may know more than before.
  refresh(row) {
    if (!row) return;
    this.row = row;
    const name = verdictOf(row);
    this.title.replaceChildren(el("bdi", {}, row.name));
    this.badge.className = `verdict v-${name}`;
    this.badge.replaceChildren(icon(VERDICTS[name].icon), VERDICTS[name].words);
    this.finding.textContent = findingOf(row);
    this.finding.hidden = !this.finding.textContent;
  }

  async renew(id) {
    try {
      const told = await askRun(id, this.rev);
      if (id !== this.row?.id) return 3;
      if (told.rev !== this.rev) await this.take(told);
      return told.state === "reading" || told.state === "judging" ? 0.7 : 3;
    } catch (error) {
      this.say(error.status ? error.message : "TensorBoard does not answer; asking again…");
      return 3;
    }
  }

  async take(told) {
    if (told.state === "gone") return this.say("This run is not there any more.");
    this.rev = told.rev;
    this.run = told;
    if (told.error) return this.say(`This run cannot be read: ${told.error}`);
    if (told.state === "reading") return this.say("reading the run…");
    this.say(told.state === "judging" ? "The curves are there; the run is still being judged." : told.about.n_steps ? "" : "Nothing was logged yet.");
    this.work.hidden = told.first === null;
    this.tellFacts(told);
    this.selected = this.selected && (told.story?.records.find((r) => same(r, this.selected)) ?? null);
    this.history.show(told.story);
    this.history.select(this.selected);
    this.charts.setStory(told.story, this.selected);
    if (told.first !== null) await this.apply();
  }

  tellFacts(told) {
    const { about } = told;
    const words = [`${whole(about.n_steps)} ${about.watched ? "points drawn" : "steps"}, ${whole(told.first)} to ${whole(told.last)}`];
    if (about.n_judged) words.unshift(`${whole(about.n_judged)} steps judged`);
    words.push(about.watched ? `watched by lrwatch as it ran${END.get(about.closed ?? null)}` : `judged from its log (${about.format}: ${about.tags.join(", ")})`);
    if (about.n_damaged) words.push(`${whole(about.n_damaged)} damaged records left out`);
    this.facts.textContent = [...words, ...about.notes].join(" · ");
  }

  say(words) {
    this.note.textContent = words;
    this.note.hidden = !words;
  }

  bounds() {
    const { first, last } = this.run;
    return first === last ? [first - 1, last + 1] : [first, last];
  }

  // null is all of the run, also when it grows.
  setView(view) {
    if (!this.run || this.run.first === null) return undefined;
    this.view = view && this.within(view);
    return this.apply();
  }

  within([from, to]) {
    const [first, last] = this.bounds();
    const span = Math.min(Math.max(to - from, Math.min(4, last - first)), last - first);
    if (span >= last - first) return null;
    const start = Math.min(Math.max((from + to - span) / 2, first), last - span);
    return [start, start + span];
  }

  apply() {
    const [from, to] = this.view ?? this.bounds();
    this.charts.setView([from, to]);
    this.range.textContent = `steps ${whole(Math.round(from))} to ${whole(Math.round(to))}`;
    if (this.heldRev === this.rev && this.isHeld(from, to)) return undefined;
    clearTimeout(this.settling);
    if (this.held === null) return this.fetch();
    this.settling = setTimeout(() => this.fetch(), SETTLED_MS);
    return undefined;
  }

  // Whether what was fetched reaches beyond the view, and is fine enough for it.
  isHeld(from, to) {
    if (!this.held) return false;
    const [first, last] = this.bounds();
    const [a, b, width] = this.held;
    const reaches = a <= Math.max(first, from - 0.2 * width) && b >= Math.min(last, to + 0.2 * width);
    return reaches && to - from > 0.7 * width && to - from < 1.5 * width;
  }

  // The view and half as much again to both sides, so that moving along shows curves at once.
  async fetch() {
    this.fetching?.abort();
    this.fetching = new AbortController();
    const { id } = this.row;
    const rev = this.rev;
    const [from, to] = this.view ?? this.bounds();
    const width = to - from;
    const [a, b] = this.view ? [from - width / 2, to + width / 2] : [from, to];
    const n = Math.min(BUCKETS_PER_PIXEL * this.charts.width() * ((b - a) / width), 4000);
    try {
      const { header, arrays } = await askWindow(id, a, b, n, this.fetching.signal);
      if (id !== this.row?.id) return;
      this.held = [a, b, width];
      this.heldRev = header.rev === rev ? rev : -1;
      this.charts.draw(arrays);
    } catch (error) {
      if (error.name !== "AbortError") this.say(error.message);
    }
  }

  zoom(factor) {
    if (!this.run || this.run.first === null) return;
    const [from, to] = this.view ?? this.bounds();
    const middle = this.selected && this.selected.step > from && this.selected.step < to ? this.selected.step : (from + to) / 2;
    this.setView([middle - (middle - from) * factor, middle + (to - middle) * factor]);
  }

  move(share) {
    if (!this.run || this.run.first === null) return;
    const [from, to] = this.view ?? this.bounds();
    this.setView([from + share * (to - from), to + share * (to - from)]);
  }

  zoomOn(record) {
    const of = (one) => record.trouble && one.trouble === record.trouble && one.kind === record.kind;
    const span = this.run.story.spans.find(of);
    const from = Math.min(record.onset ?? record.step, record.step);
    const to = Math.max(span?.to ?? record.step, record.step);
    const room = Math.max(0.4 * (to - from), 30);
    this.setView([from - room, to + room]);
  }

  pick(record) {
    this.selected = record;
    this.charts.setStory(this.run?.story ?? null, record);
    this.history.select(record);
    this.work.classList.toggle("inspects", record !== null);
    if (!record) return this.inspector.close();
    const { records } = this.run.story;
    const [from, to] = this.view ?? this.bounds();
    if (record.step < from || record.step > to) this.setView([record.step - (to - from) / 2, record.step + (to - from) / 2]);
    this.inspector.show(this.row.id, record, records.indexOf(record), records.length);
    if (this.node.clientWidth < 960) this.inspector.node.scrollIntoView({ block: "nearest" });
    return undefined;
  }

  step(by) {
    const records = this.run?.story?.records ?? [];
    if (!records.length) return;
    const at = this.selected ? records.indexOf(this.selected) + by : by > 0 ? 0 : records.length - 1;
    this.pick(records[(at + records.length) % records.length]);
  }

  escape() {
    if (this.selected) this.pick(null);
    else if (this.view) this.setView(null);
    else if (window.innerWidth < 900) this.onback();
  }

  restyle() {
    this.charts.remake();
    if (this.selected) this.pick(this.selected);
  }
}

function same(a, b) {
  return a.step === b.step && a.kind === b.kind && a.state === b.state && a.time === b.time;
}
