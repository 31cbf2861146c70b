// The table of runs: sorted, filtered, moved through by keys; only the rows in view are elements.

import { clear, el, icon } from "./dom.js";
import { ago, isTakenBack, kindWords, SEVERITIES, verdictOf, VERDICTS, whole } from "./words.js";

const ROW = 52;
const BEYOND = 8;
const FEW = 200; // losses: below this no verdict is given but by an alert
const COLUMNS = [
  { key: "verdict", label: "Verdict", order: 1 },
  { key: "name", label: "Run", order: 1 },
  { key: "onset", label: "Onset", order: 1 },
  { key: "last_step", label: "Steps", order: -1 },
  { key: "changed", label: "Changed", order: -1 },
];
const NAMES = new Intl.Collator(undefined, { numeric: true });

/** A run's name, whose folder gives way before the last part, which tells runs apart. */
function runName(name) {
  const leaf = name.lastIndexOf("/") + 1;
  return el("bdi.name", {}, el("span.folder", {}, name.slice(0, leaf)), el("span.leaf", {}, name.slice(leaf)));
}

export class RunList {
  constructor(chosen) {
    this.rows = new Map();
    this.onchoose = chosen;
    this.chosen = null;
    this.shown = [];
    this.sort = { key: "verdict", order: 1 };
    this.verdict = null;
    this.build();
  }

  build() {
    this.filter = el("input.filter", {
      type: "search", placeholder: "Filter runs", "aria-label": "Filter runs by name or finding",
      spellcheck: "false", autocomplete: "off", oninput: () => this.rearrange(),
    });
    this.status = el("p.status", { role: "status" });
    this.chips = el("div.chips", { role: "group", "aria-label": "Filter by verdict" });
    this.heads = COLUMNS.map((column) => this.head(column));
    this.inner = el("div.rows");
    this.scroller = el("div.scroller", {
      tabindex: "0", role: "grid", "aria-label": "Runs", onscroll: () => this.paint(),
      onkeydown: (event) => this.key(event),
    }, this.inner);
    this.node = el("section.runs", { "aria-label": "Runs" },
      el("header.runs-head", {}, this.filter, this.chips, this.status),
      el("div.heads", { role: "row" }, ...this.heads), this.scroller);
    new ResizeObserver(() => this.paint()).observe(this.scroller);
  }

  head(column) {
    return el(`button.head.c-${column.key}`, {
      type: "button", onclick: () => this.sortBy(column), "data-key": column.key,
    }, el("span", {}, column.label));
  }

  sortBy(column) {
    const again = this.sort.key === column.key;
    this.sort = { key: column.key, order: again ? -this.sort.order : column.order };
    this.rearrange();
    this.scroller.scrollTop = 0;
  }

  forget() {
    this.rows.clear();
  }

  update(told) {
    for (const id of told.removed) this.rows.delete(id);
    for (const row of told.rows) this.rows.set(row.id, { ...row, search: searched(row) });
    const n = this.rows.size;
    const words = [n || told.complete ? `${whole(n)} run${n === 1 ? "" : "s"}` : "looking for runs…"];
    if (told.n_waiting && n) words.push(`${whole(n - told.n_waiting)} judged so far`);
    this.say([...words, ...told.problems].join(" · "), told.problems.length > 0);
    if (told.complete && !n) this.nothing(told.places);
    if (told.rows.length || told.removed.length) this.rearrange();
  }

  nothing(places) {
    const where = places.length ? `No run was found below ${places.join(", ")}.` : "TensorBoard's logdir is not on this machine, and LR Watch reads local folders only.";
    clear(this.inner).append(el("p.empty", {}, where));
    this.inner.style.height = "auto";
  }

  trouble(error) {
    this.say(error.status ? error.message : "TensorBoard does not answer; asking again…", true);
  }

  say(words, isBad) {
    this.status.textContent = words;
    this.status.classList.toggle("bad", isBad);
  }

  rearrange() {
    const wanted = this.filter.value.trim().toLowerCase();
    const matching = [...this.rows.values()].filter((row) => row.search.includes(wanted));
    this.paintChips(matching);
    this.shown = matching.filter((row) => !this.verdict || verdictOf(row) === this.verdict);
    this.shown.sort(comparing(this.sort));
    for (const head of this.heads) {
      const isSorted = head.dataset.key === this.sort.key;
      head.setAttribute("aria-sort", isSorted ? (this.sort.order > 0 ? "ascending" : "descending") : "none");
    }
    this.scroller.setAttribute("aria-rowcount", this.shown.length);
    this.paint();
  }

  paintChips(matching) {
    const counts = new Map();
    for (const row of matching) counts.set(verdictOf(row), (counts.get(verdictOf(row)) ?? 0) + 1);
    const names = Object.keys(VERDICTS).filter((name) => counts.has(name) || name === this.verdict);
    clear(this.chips).append(...(names.length > 1 || this.verdict ? names : []).map((name) =>
      el(`button.chip.v-${name}`, {
        type: "button", "aria-pressed": String(this.verdict === name),
        onclick: () => { this.verdict = this.verdict === name ? null : name; this.rearrange(); },
      }, icon(VERDICTS[name].icon), `${VERDICTS[name].short} `, el("b", {}, whole(counts.get(name) ?? 0)))));
  }

  paint() {
    if (!this.rows.size) return;
    const top = Math.max(Math.floor(this.scroller.scrollTop / ROW) - BEYOND, 0);
    const bottom = Math.ceil((this.scroller.scrollTop + this.scroller.clientHeight) / ROW) + BEYOND;
    this.inner.style.height = `${Math.max(this.shown.length, 1) * ROW}px`;
    const lines = this.shown.slice(top, bottom).map((row, i) => this.line(row, top + i));
    if (!this.shown.length) lines.push(el("p.empty", {}, "No run matches the filter."));
    clear(this.inner).append(...lines);
    const has = this.shown.some((row) => row.id === this.chosen);
    if (has) this.scroller.setAttribute("aria-activedescendant", `run-${this.chosen}`);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  line(row, place) {
    const name = verdictOf(row);
    const verdict = VERDICTS[name];
    const found = row.error || (row.kind ? `${kindWords(row.kind)}${isTakenBack(row) ? ", over" : ""}: ${row.message}` : "");
    const about = found || [row.format, name === "undecided" && row.n_steps < FEW ? "too few steps" : ""].filter(Boolean).join(", ");
    const node = el("div.run", {
      id: `run-${row.id}`, role: "row", "aria-rowindex": place + 1, "data-id": row.id,
      "aria-selected": String(row.id === this.chosen), onclick: () => this.choose(row.id),
    },
      el(`span.verdict.v-${name}`, { role: "gridcell", title: verdict.words }, icon(verdict.icon), verdict.short),
      el("span.what", { role: "gridcell", title: found ? `${row.name}\n${found}` : row.name }, runName(row.name), el("span.found", {}, about || "\u00a0")),
      el("span.figure", { role: "gridcell" }, whole(row.onset)),
      el("span.figure", { role: "gridcell" }, whole(row.last_step)),
      el("span.figure.dim", { role: "gridcell" }, ago(row.changed)));
    node.style.transform = `translateY(${place * ROW}px)`;
    return node;
  }

  choose(id) {
    this.chosen = id;
    this.paint();
    this.onchoose(this.rows.get(id) ?? null);
  }

  chooseFirst() {
    if (this.shown.length) this.choose(this.shown[0].id);
  }

  chosenRow() {
    return this.rows.get(this.chosen) ?? null;
  }

  move(by) {
    if (!this.shown.length) return;
    const at = this.shown.findIndex((row) => row.id === this.chosen);
    const to = Math.min(Math.max(at + by, 0), this.shown.length - 1);
    const top = to * ROW;
    const { scrollTop, clientHeight } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    if (top + ROW > scrollTop + clientHeight) this.scroller.scrollTop = top + ROW - clientHeight;
    this.choose(this.shown[to].id);
  }

  key(event) {
    const page = Math.max(Math.floor(this.scroller.clientHeight / ROW) - 1, 1);
    const n = this.shown.length;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -n, End: n };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.move(steps[event.key]);
  }
}

function searched(row) {
  return `${row.name} ${row.kind ?? ""} ${row.message ?? ""} ${row.error ?? ""}`.toLowerCase();
}

// What is not known comes last, whichever way the column is sorted.
function comparing({ key, order }) {
  const byName = (a, b) => NAMES.compare(a.name, b.name);
  if (key === "name") return (a, b) => order * byName(a, b);
  if (key === "verdict") return (a, b) => order * (concern(a) - concern(b)) || byName(a, b);
  return (a, b) => {
    const [x, y] = [a[key] ?? null, b[key] ?? null];
    if (x === null || y === null) return (x === null) - (y === null) || byName(a, b);
    return order * (x - y) || byName(a, b);
  };
}

// The verdict first, then how bad the worst alert is.
function concern(row) {
  return 4 * VERDICTS[verdictOf(row)].rank - SEVERITIES.indexOf(row.severity ?? "");
}
