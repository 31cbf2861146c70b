// One chart of uPlot in the colours of the page.

import uPlot from "./vendor/uPlot.js";

export const GUTTER = 68;

export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export function faded(name, alpha) {
  const hex = color(name).replace("#", "");
  const [r, g, b] = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

const [CLOSE, NEAR] = [48, 24]; // pixels that a power of ten takes, at least
const DIGITS = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const FONT = "11px Roboto, 'Helvetica Neue', Arial, sans-serif";

function axis(extra) {
  const line = { stroke: color("grid"), width: 1 };
  return { stroke: color("dim"), font: FONT, grid: line, ticks: { ...line, size: 4 }, gap: 4, ...extra };
}

// Few digits, and short ones for what is large or small.
function ticks(u, values) {
  const largest = Math.max(0, ...values.map((value) => Math.abs(value ?? 0)));
  const long = largest >= 1e5 || (largest > 0 && largest < 1e-3);
  return values.map((value) => {
    if (value === null || value === undefined) return "";
    if (value === 0) return "0";
    return long ? value.toExponential(1).replace(".0e", "e").replace("e+", "e") : String(Number(value.toPrecision(6)));
  });
}

// Where a logarithmic scale has lines: at each digit of each power of ten; where these would lie
// close, at powers only, and not at all of them; within one power, evenly.
function decades(u, axis, min, max) {
  if (max / min < 3) return even(min, max);
  const [low, high] = [min, max].map((end) => Math.floor(Math.log10(end)));
  const digits = (high - low) * CLOSE < u.height ? DIGITS : [1];
  const every = Math.ceil(((high - low) * NEAR) / u.height);
  const powers = Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((power) => power % every === 0);
  return powers.flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`))).filter((x) => x >= min && x <= max);
}

function even(min, max) {
  const step = STEPS_OF_ANY.find((one) => (max - min) / one < 5);
  const first = Math.ceil(min / step);
  return Array.from({ length: Math.floor(max / step) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

// Which of these are written: powers of ten, and where few are in view, twice and five times them.
function written(u, values) {
  const { min, max } = u.scales.y;
  if (max / min < 3) return values;
  const wanted = max / min > 1000 ? [1] : max / min > 8 ? [1, 2, 5] : DIGITS;
  return values.map((value) => {
    const lead = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
    return wanted.some((one) => Math.abs(lead - one) < 1e-6) ? value : null;
  });
}

function stepTicks(u, values) {
  return values.map((value) => (Number.isInteger(value) ? value.toLocaleString("en-US") : ""));
}

// Where all values are alike, or there is none, a scale still needs two ends.
function ends(isLog) {
  return (u, low, high) => {
    if (low === null || high === null) return isLog ? [0.1, 1] : [0, 1];
    if (isLog) return low === high ? [low / 2, high * 2] : [low / 1.15, high * 1.15];
    const room = (high - low) * 0.07 || Math.abs(high) * 0.1 || 1;
    return [low - room, high + room];
  };
}

// Args: width, height, range (a function that gives both ends of the steps), series, bands, isLog,
// hasSteps (whether the steps are written below), above (room for more), cursor, hooks.
export function plot(target, data, { width, height, range, series, bands, isLog, hasSteps, above, cursor, hooks }) {
  const options = {
    width, height, series: [{}, ...series], bands, cursor, hooks,
    legend: { show: false },
    padding: [above ?? 8, 14, hasSteps ? 0 : 6, 0],
    scales: {
      x: { time: false, range },
      y: { distr: isLog ? 3 : 1, range: ends(isLog) },
    },
    axes: [
      axis({ size: hasSteps ? 26 : 0, values: hasSteps ? stepTicks : (u, v) => v.map(() => ""), space: 90, incrs: STEPS }),
      axis({ size: GUTTER, values: ticks, space: 32, incrs: STEPS_OF_ANY }),
    ],
  };
  // uPlot wants a step that fits, also where it is not used.
  if (isLog) Object.assign(options.axes[1], { splits: decades, filter: written, incrs: (u, i, min, max) => [Math.max(max, 5)] });
  return new uPlot(options, data, target);
}

// A step is a whole number: no tick lies between two of them.
const STEPS = Array.from({ length: 16 }, (_, i) => [1, 2, 5].map((m) => m * 10 ** i)).flat();

// A value is of any size: a loss that diverges ends far beyond uPlot's own steps.
const STEPS_OF_ANY = Array.from({ length: 340 }, (_, i) => [1, 2, 2.5, 5].map((m) => Number(`${m}e${i - 32}`))).flat().filter(Number.isFinite);
