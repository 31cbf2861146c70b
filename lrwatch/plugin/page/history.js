// All that was found, as a list in order of the steps.

import { clear, el } from "./dom.js";
import { levelWord, recordText, recordTitle, tone, whole } from "./words.js";

export class History {
  constructor(pick) {
    this.pick = pick;
    this.list = el("ol.records");
    this.note = el("p.dim");
    this.node = el("section.history", { "aria-label": "Alerts and actions" },
      el("h3", {}, "Alerts and actions"), this.note, this.list);
  }

  show(story) {
    const records = story?.records ?? [];
    this.note.textContent = said(story, records.length);
    clear(this.list).append(...records.map((record) => el("li", {},
      el("button.record", { type: "button", "data-record": record.id, onclick: () => this.pick(record) },
        el(`span.level.t-${tone(record)}`, {}, levelWord(record)),
        el("span.figure", {}, whole(record.step)),
        el("span.title", {}, recordTitle(record)),
        el("span.text", {}, recordText(record))))));
  }

  select(record) {
    for (const button of this.list.querySelectorAll("button.record")) {
      const isChosen = record !== null && Number(button.dataset.record) === record.id;
      button.setAttribute("aria-current", String(isChosen));
    }
  }
}

function said(story, n) {
  if (!story) return "The run is being judged; this takes a while for a long one.";
  if (!n) return "Nothing was found.";
  return story.n_left_out ? `${whole(story.n_left_out)} in the middle are left out here.` : "";
}
