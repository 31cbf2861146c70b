// The page of the tab "LR Watch": runs on one side, the chosen one on the other.

import { Detail } from "./detail.js";
import { el } from "./dom.js";
import { askRuns } from "./api.js";
import { Heartbeat, watchReload, watchTheme } from "./host.js";
import { Keys } from "./keys.js";
import { RunList } from "./runs.js";

const REMEMBERED = "lrwatch-run";
const PATIENCE_MS = 1000; // for the verdicts, before the first run of the list is opened

export async function render() {
  document.documentElement.lang = "en";
  document.title = "LR Watch";
  await Promise.all(["vendor/uPlot.css", "style.css"].map(styled));
  const detail = new Detail();
  const list = new RunList((row) => open(row));
  const page = el("main.page", {}, list.node, detail.node);
  const keys = new Keys(list, detail);
  document.body.append(page, keys.node);
  const open = (row) => {
    remember(row?.id ?? "");
    page.classList.toggle("has-run", Boolean(row));
    detail.open(row);
  };
  detail.onback = () => list.choose(null);
  detail.onhelp = () => keys.toggle();
  let since = 0;
  let epoch = "";
  let isFirst = true;
  const beganMs = performance.now();
  const beat = new Heartbeat(async () => {
    try {
      const told = await askRuns(since, epoch);
      if (told.epoch !== epoch) list.forget();
      ({ rev: since, epoch } = told);
      list.update(told);
      if (isFirst && list.rows.size) {
        const last = remembered();
        const isSorted = told.complete && (!told.n_waiting || list.rows.size === 1);
        const isLate = performance.now() - beganMs > PATIENCE_MS;
        isFirst = !list.chosen && !isSorted && !isLate && !list.rows.has(last);
        if (list.rows.has(last)) list.choose(last);
        else if (!list.chosen && !isFirst && window.innerWidth >= 900) list.chooseFirst();
      }
      detail.refresh(list.chosenRow());
      if (!told.complete) return 0.2;
      return told.n_waiting ? 1 : 3;
    } catch (error) {
      list.trouble(error);
      return 3;
    }
  });
  watchTheme((dark) => {
    document.documentElement.classList.toggle("dark", dark);
    detail.restyle();
  });
  watchReload(() => {
    beat.beat();
    detail.beat();
  });
  document.addEventListener("visibilitychange", () => beat.beat());
  beat.beat();
}

function styled(name) {
  return new Promise((done) => {
    const href = new URL(name, import.meta.url).href;
    document.head.append(el("link", { rel: "stylesheet", href, onload: done, onerror: done }));
  });
}

function remember(id) {
  try {
    sessionStorage.setItem(REMEMBERED, id);
  } catch {
    // Storage may be forbidden; then nothing is remembered.
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}
