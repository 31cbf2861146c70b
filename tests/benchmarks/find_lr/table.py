"""The figures of all tools, and ours against the best of the others."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from tests.benchmarks.find_lr.suggestions import ON_SCRIPT, OURS, RAMP_ONLY, TOLD

TIES = (0.0, 0.005, 0.02)


@dataclass(frozen=True, slots=True)
class Result:
    """One tool on one workload and seed.

    Attributes:
        tool: Its name.
        workload: Key of the workload.
        seed: Seed.
        lr: What it suggested.
        n_steps: Optimizer steps that it took.
        regret: Of training there.
    """

    tool: str
    workload: str
    seed: int
    lr: float | None
    n_steps: int
    regret: float


def line(tool: str, results: Sequence[Result]) -> str:
    """All figures of one tool."""
    regrets = [r.regret for r in results]
    clipped = [min(r, 1.0) for r in regrets]
    return (
        f"{tool:28s} median {median(regrets):7.4f}  mean {fmean(clipped):6.3f}"
        f"  > 0.05: {sum(r > 0.05 for r in regrets):3d}  > 0.2: {sum(r > 0.2 for r in regrets):3d}"
        f"  none: {sum(r.lr is None for r in results):2d} of {len(results)}"
        f"  steps {median([r.n_steps for r in results]):g}"
    )


def by_workload(results: Sequence[Result]) -> dict[str, dict[str, float]]:
    """Mean regret over the seeds, at most 1 each, by tool and workload."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        found[result.tool][result.workload].append(min(result.regret, 1.0))
    return {t: {w: fmean(r) for w, r in of.items()} for t, of in found.items()}


def worse(ours: Mapping[str, float], theirs: Mapping[str, float], tie: float) -> list[str]:
    """Workloads on which we are worse by more than ``tie``."""
    return [name for name, regret in ours.items() if regret > theirs[name] + tie]


def report(results: Sequence[Result]) -> str:
    """All tables as text."""
    groups = defaultdict(list)
    for result in results:
        groups[result.tool].append(result)
    means = by_workload(results)
    peers = [tool for tool in groups if tool not in (OURS, TOLD, RAMP_ONLY, ON_SCRIPT)]
    best = min(peers, key=lambda tool: median(r.regret for r in groups[tool]))
    oracle = {w: min(means[tool][w] for tool in peers) for w in means[OURS]}
    lines = [line(tool, of) for tool, of in groups.items()]
    for tool in (OURS, TOLD, ON_SCRIPT):
        for name, theirs in (
            (f"the best peer, {best}", means[best]),
            ("the best peer each", oracle),
        ):
            counts = " ".join(f"{len(worse(means[tool], theirs, tie))}" for tie in TIES)
            names = ", ".join(worse(means[tool], theirs, TIES[-1]))
            of = f"on so many of {len(oracle)} workloads, by more than {TIES}: {counts}; {names}"
            lines.append(f"{tool} is worse than {name}, {of}")
    return "\n".join(lines)
