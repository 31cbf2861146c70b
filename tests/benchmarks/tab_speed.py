"""How fast TensorBoard's tab is in Chromium: a thousand runs listed, a million steps moved through.

Prints, by the page's own clock, when the rows of 1,000 runs were there, and how long the page
stood still between two frames while a run of 1,000,000 steps was zoomed and moved along.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.event_logs import make
from tests.plugin.board import TensorBoard
from tests.plugin.chromium import CTRL, Chromium, found
from tests.plugin.conftest import PAGE
from tests.plugin.person import choose, each, one, over

CACHE = Path(".bench")
N_RUNS, N_SHORT, N_LONG = 1000, 200, 1_000_000
_FRAMES = """(() => {
  window.frames_ms = [];
  let last = performance.now();
  const tick = (now) => {
    window.frames_ms.push(now - last);
    last = now;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
})()"""

_NEXT_FRAME = "new Promise((done) => requestAnimationFrame(done))"


def main() -> None:
    """Measure and print."""
    if found() is None:
        raise SystemExit("this needs Chromium: apt-get install chromium")
    many, long = CACHE / "tab-many", CACHE / "tab-long"
    for number in range(N_RUNS):
        make(many / f"run-{number:04d}" / "events.out.tfevents.1.x", N_SHORT, number)
    make(long / "run" / "events.out.tfevents.1.x", N_LONG, 0)
    with tempfile.TemporaryDirectory() as profile, Chromium(Path(profile)) as page:
        _list(page, many)
        _move(page, long)


def _list(page: Chromium, logdir: Path) -> None:
    board = TensorBoard(logdir, "--load_fast", "auto")
    try:
        for which in ("first visit", "second visit"):
            page.go(board.url + PAGE)
            all_there = f"{one('.status')}.textContent.startsWith('1,000 runs')"
            rows_ms = page.until("!!document.querySelector('.run') && performance.now()")
            all_ms = page.until(f"{all_there} && performance.now()")
            chart_ms = page.until("!!document.querySelector('.uplot') && performance.now()")
            print(f"{N_RUNS:,} runs, {which}: first rows after {rows_ms / 1000:.2f} s,", end=" ")
            print(f"all after {all_ms / 1000:.2f} s, first curves after {chart_ms / 1000:.2f} s")
    finally:
        board.stop()


def _move(page: Chromium, logdir: Path) -> None:
    board = TensorBoard(logdir, "--load_fast", "auto")
    try:
        page.go(board.url + PAGE)
        seen_ms = page.until("!!document.querySelector('.uplot') && performance.now()")
        print(f"{N_LONG:,} steps: curves after {seen_ms / 1000:.2f} s", end=", ")
        page.until("!!document.querySelector('.v-healthy')", limit_s=300)
        choose(page, each(page, ".run .name")[0])
        print(f"judged after {page.run('performance.now()') / 1000:.1f} s")
        page.run(_FRAMES)
        at = over(page, 0.6)
        page.call("Performance.enable", timeDomain="threadTicks")
        _do(page, 30, "zooming in by the wheel", lambda: page.wheel(*at, -60, keys=CTRL))
        _do(page, 60, "moving along by keys", lambda: page.press("ArrowRight"))
        _do(page, 30, "zooming out by the wheel", lambda: page.wheel(*at, 60, keys=CTRL))
        windows = (
            "performance.getEntriesByType('resource').filter((e) => e.name.includes('window'))"
        )
        times_ms = sorted(page.run(f"{windows}.map((e) => e.duration)"))
        half, most = times_ms[len(times_ms) // 2], times_ms[-1]
        print(f"  {len(times_ms)} windows fetched: median {half:.0f} ms, longest {most:.0f} ms")
    finally:
        board.stop()


def _do(page: Chromium, n: int, what: str, act: Callable[[], None]) -> None:
    """Do something so often, a frame each; tell the frames, and the processor time of the page."""
    page.run("window.frames_ms.splice(0)")
    before_s = _busy_s(page)
    for _ in range(n):
        act()
        page.run(_NEXT_FRAME)
    own_ms = 1000 * (_busy_s(page) - before_s) / n
    frames_ms = sorted(page.run("window.frames_ms.splice(0)"))
    share = frames_ms[int(0.95 * len(frames_ms))]
    print(f"  {what}: {own_ms:.0f} ms of the page's processor time each;", end=" ")
    print(f"{len(frames_ms)} frames, 95 % within {share:.0f} ms, longest {frames_ms[-1]:.0f} ms")


def _busy_s(page: Chromium) -> float:
    metrics = page.call("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


if __name__ == "__main__":
    main()
