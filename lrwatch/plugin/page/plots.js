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

// On a logarithmic scale: powers of ten, and where few are in view, twice and five times them.
function decades(u, values) {
  const { min, max } = u.scales.y;
  const wanted = max / min > 1000 ? [1] : max / min > 8 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
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
      axis({ size: GUTTER, values: ticks, space: 32 }),
    ],
  };
  if (isLog) options.axes[1].filter = decades;
  return new uPlot(options, data, target);
}

// A step is a whole number: no tick lies between two of them.
const STEPS = Array.from({ length: 16 }, (_, i) => [1, 2, 5].map((m) => m * 10 ** i)).flat();
