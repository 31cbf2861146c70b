// How numbers, times and findings are said.

const GROUPED = new Intl.NumberFormat("en-US");

export const VERDICTS = {
  too_high: { words: "rate too high", short: "too high", icon: "up", rank: 0 },
  too_low: { words: "rate too low", short: "too low", icon: "down", rank: 1 },
  trouble: { words: "in trouble, but not by the rate", short: "trouble", icon: "alarm", rank: 2 },
  undecided: { words: "undecided", short: "undecided", icon: "unknown", rank: 3 },
  healthy: { words: "healthy", short: "healthy", icon: "check", rank: 4 },
  large: { words: "too large to judge unasked", short: "large", icon: "unknown", rank: 5 },
  waiting: { words: "not judged yet", short: "waiting", icon: "wait", rank: 6 },
  unreadable: { words: "unreadable", short: "unreadable", icon: "cross", rank: 7 },
};
export const SEVERITIES = ["info", "warning", "critical"];
const ACTIONS = {
  skip: "skipped an update",
  backoff: "lowered the rate",
  rewind: "went back to earlier weights",
  ramp: "raised the rate again",
  stop: "stopped the training",
  disarm: "was disarmed",
};
const OUTCOMES = new Map([[true, "that helped"], [false, "that did not help"], [null, "what came of it"]]);
const GLYPHS = { critical: "!", warning: "!", info: "i", over: "✓", skip: "×", backoff: "↓", rewind: "←", ramp: "↑", stop: "■" };

// What the table says of a run: the verdict on its rate, unless something else is badly wrong.
export function verdictOf(row) {
  if (row.state !== "judged") return row.state;
  const namesSide = row.verdict === "too_high" || row.verdict === "too_low";
  return !namesSide && row.severity === "critical" && !isTakenBack(row) ? "trouble" : row.verdict;
}

// Whether its worst alert accused the rate, and the verdict does so no more: the run came back.
export function isTakenBack(row) {
  return row.kind === `lr_${row.verdict}` ? false : row.kind === "lr_too_high" || row.kind === "lr_too_low";
}

// The worst of what was found, in a sentence, and what to try.
export function findingOf(row) {
  if (!row.message) return row.error ?? "";
  if (isTakenBack(row)) return `It came back from this: ${row.message}.`;
  return `${upper(row.message)}.${row.advice ? ` Try: ${row.advice}.` : ""}`;
}

export function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/\.$/, "");
}

export function whole(number) {
  return number === null || number === undefined ? "–" : GROUPED.format(number);
}

// Four digits that say most: 0.0003, 12.35, 1.2e+8; words stay as they are.
export function number(value, digits = 4) {
  if (typeof value === "string") return value;
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return GROUPED.format(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace("e+", "e").replace("-", "−");
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

export function kindWords(kind) {
  return kind.replaceAll("_", " ").replace(/^lr\b/, "rate");
}

export function recordTitle(record) {
  if (record.kind === "outcome") return OUTCOMES.get(record.helped ?? null);
  if (record.type === "action") return ACTIONS[record.kind] ?? kindWords(record.kind);
  return record.state === "closed" ? `${kindWords(record.kind)}: over` : kindWords(record.kind);
}

export function recordText(record) {
  return record.type === "action" ? record.reason : record.message;
}

export function levelWord(record) {
  if (record.type === "action") return "action";
  return record.state === "closed" ? "over" : record.severity;
}

// The sign on its mark.
export function glyph(record) {
  if (record.kind === "outcome") return record.helped ? "✓" : record.helped === false ? "✗" : "?";
  return GLYPHS[record.type === "action" ? record.kind : tone(record)] ?? "•";
}

// The class that gives a record its colour.
export function tone(record) {
  if (record.type === "action") return "action";
  return record.state === "closed" ? "over" : record.severity;
}

export function when(seconds) {
  return seconds ? new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }) : "";
}

export function ago(seconds) {
  const age = Date.now() / 1000 - seconds;
  if (!(seconds > 0)) return "";
  if (age < 90) return "just now";
  if (age < 5400) return `${Math.round(age / 60)} min ago`;
  if (age < 129600) return `${Math.round(age / 3600)} h ago`;
  return `${Math.round(age / 86400)} days ago`;
}
