"""The results in tables, one for the launches and one for the mishaps."""

import statistics
from collections.abc import Callable, Iterable, Sequence

from tests.benchmarks.rescue.bench import HEALTHY, Result, Side
from tests.benchmarks.rescue.mishaps import MISHAPS
from tests.benchmarks.rescue.runs import Ended

HARM, NEAR = 0.01, 0.02
Launched = tuple[Side, Result]


def launch_rows(launched: Sequence[Launched], remedies: Iterable[str]) -> list[str]:
    """A line a remedy: rescued, steps lost, stopped with the reason, healthy runs harmed."""
    lines = [
        f"{'remedy':22s} {'rescued':>16s} {'lost':>7s} {'stopped':>8s} {'harmed':>9s} {'worst':>7s}"
    ]
    for remedy in remedies:
        hot = [r for side, r in launched if side == "hot" and r.remedy == remedy]
        harm = [r.harm for side, r in launched if side == "healthy" and r.remedy == remedy]
        if not hot:
            continue
        n = sum(r.regret <= HEALTHY for r in hot)
        lost = statistics.median(r.ended.lost for r in hot)
        harmed = f"{sum(not h <= HARM for h in harm)}/{len(harm)}"
        share = f"{n}/{len(hot)} ({n / len(hot):.0%})"
        stopped = sum(r.ended.stopped for r in hot)
        worst = max(harm, default=0.0)
        lines.append(
            f"{remedy:22s} {share:>16s} {lost:>6.1%} {stopped:>8d} {harmed:>9s} {worst:>7.3f}"
        )
    return lines


def mishap_rows(harmed: Sequence[Result], remedy: str) -> list[str]:
    """A line a mishap: how many end within 2 % of the loss, and 0.02 of regret, of the twin.

    Beside the run alone and the remedy's stands one without the mishap, to which nothing happened
    but that the same updates were left out: how many could end as near at best.
    """
    columns = f"{'alone':>7s} {'ours':>5s} {'left out':>9s}"
    lines = [f"{'mishap':26s} {'':>4s} {'within 2 %':>23s} {'within 0.02 of regret':>25s}"]
    lines.append(f"{'':31s} {columns} {'':>2s} {columns}")
    for name in MISHAPS:
        found = [r for r in harmed if r.what == name and r.remedy == remedy]
        near = _counts(found, lambda r, ended: ended.final - r.best <= NEAR * abs(r.best))
        close = _counts(found, lambda r, ended: ended.regret(r.best) <= NEAR)
        lines.append(f"{name:26s} {len(found):4d} {near} {'':>2s} {close}")
    return lines


def _counts(found: Sequence[Result], near: Callable[[Result, Ended], bool]) -> str:
    alone = sum(near(r, r.alone) for r in found)
    ours = sum(near(r, r.ended) for r in found)
    left_out = sum(near(r, r.left_out) for r in found if r.left_out is not None)
    return f"{alone:7d} {ours:5d} {left_out:9d}"


def failures(launched: Sequence[Launched], remedy: str) -> list[str]:
    """A line a launch that was not rescued."""
    return [
        f"{r.workload.key} seed {r.seed} {r.what}: regret {r.alone.regret(r.best):.3g} alone, "
        f"{r.regret:.3g} with back-off"
        for side, r in launched
        if side == "hot" and r.remedy == remedy and not r.regret <= HEALTHY
    ]
