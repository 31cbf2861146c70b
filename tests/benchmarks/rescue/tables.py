"""The results in tables, one for the launches and one for the mishaps."""

import statistics
from collections.abc import Iterable, Sequence

from tests.benchmarks.rescue.bench import HEALTHY, Result, Side
from tests.benchmarks.rescue.mishaps import MISHAPS

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
    """A line a mishap: how many end within 2 % of the loss, and 0.02 of regret, of the twin."""
    lines = [f"{'mishap':26s} {'':>4s} {'within 2 %':>16s} {'within 0.02 of regret':>24s}"]
    lines.append(f"{'':31s} {'alone':>8s} {'ours':>7s} {'alone':>14s} {'ours':>9s}")
    for name in MISHAPS:
        found = [r for r in harmed if r.what == name and r.remedy == remedy]
        alone = sum(r.alone.final - r.best <= NEAR * abs(r.best) for r in found)
        near = sum(r.alone.regret(r.best) <= NEAR for r in found)
        ours = sum(r.excess <= NEAR for r in found)
        close = sum(r.regret <= NEAR for r in found)
        lines.append(f"{name:26s} {len(found):4d} {alone:8d} {ours:7d} {near:14d} {close:9d}")
    return lines


def failures(launched: Sequence[Launched], remedy: str) -> list[str]:
    """A line a launch that was not rescued."""
    return [
        f"{r.workload.key} seed {r.seed} {r.what}: regret {r.alone.regret(r.best):.3g} alone, "
        f"{r.regret:.3g} with back-off"
        for side, r in launched
        if side == "hot" and r.remedy == remedy and not r.regret <= HEALTHY
    ]
