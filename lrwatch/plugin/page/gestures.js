// Wheel and drag on a chart: Ctrl or Alt and the wheel zoom, Shift moves along.

const MOST = 120;
const PER_NOTCH = 0.004;

// Args: the chart; a function that gives the steps in view; one that takes new ones.
export function listen(u, view, moved) {
  u.over.addEventListener("wheel", (event) => wheel(u, event, view(), moved), { passive: false });
  u.over.addEventListener("pointerdown", (event) => pan(u, event, view(), moved));
}

function wheel(u, event, [from, to], moved) {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    event.preventDefault();
    const at = u.posToVal(event.offsetX, "x");
    const factor = Math.exp(Math.max(-MOST, Math.min(MOST, event.deltaY)) * PER_NOTCH);
    moved([at - (at - from) * factor, at + (to - at) * factor]);
  } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault();
    const by = ((event.deltaX || event.deltaY) / u.over.clientWidth) * (to - from);
    moved([from + by, to + by]);
  }
}

function pan(u, event, [from, to], moved) {
  if (!event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  u.over.setPointerCapture(event.pointerId);
  const perPixel = (to - from) / u.over.clientWidth;
  const move = (e) => {
    const by = (event.clientX - e.clientX) * perPixel;
    moved([from + by, to + by]);
  };
  u.over.addEventListener("pointermove", move);
  const end = () => u.over.removeEventListener("pointermove", move);
  u.over.addEventListener("pointerup", end, { once: true });
  u.over.addEventListener("pointercancel", end, { once: true });
}
