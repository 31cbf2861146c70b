"""How faults are found: within how many steps, by which kind of alert, at which price."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.benchmarks.faults.store import UNHARMED, Case
from tests.benchmarks.judge import Judgement


@dataclass(slots=True)
class FaultScore:
    """Figures of one kind of fault; only alerts of warning or critical count.

    Attributes:
        n_runs: Runs with this fault.
        n_harmed: Those that ended clearly worse than their twins.
        found: Runs with an alert within the window from the fault on.
        found_harmed: Those of ``n_harmed`` with one.
        early: Runs with an alert before the fault; for twins, with any.
        delays: Steps from the fault to the first alert after it, however late.
        kinds: First alert after the fault, by kind.
        too_high: Runs whose rate was called too high from the fault on, and not before.
    """

    n_runs: int = 0
    n_harmed: int = 0
    found: int = 0
    found_harmed: int = 0
    early: int = 0
    delays: list[int] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    too_high: int = 0

    def add(self, case: Case, said: Judgement, within: int) -> None:
        """Count one run."""
        after = [(kind, step) for kind, step in said.alarms if step >= case.at]
        found = bool(after) and after[0][1] < case.at + within
        self.n_runs += 1
        self.n_harmed += case.harmed
        self.found += found
        self.found_harmed += found and case.harmed
        self.too_high += said.first.get("too_high", -1) >= case.at
        self.early += len(after) < len(said.alarms)
        if after:
            self.delays.append(after[0][1] - case.at)
            self.kinds[after[0][0]] += 1


def score(judged: Iterable[tuple[Case, Judgement]], within: int) -> dict[str, FaultScore]:
    """The figures by kind of fault, in the order of first appearance."""
    found: dict[str, FaultScore] = defaultdict(FaultScore)
    for case, said in judged:
        found[case.kind].add(case, said, within)
    return dict(found)


def line(kind: str, s: FaultScore, within: int) -> str:
    """One line of the table."""
    if kind == UNHARMED:
        return f"{'(unharmed twins)':16s} alarmed {s.early} of {s.n_runs}"
    delay = str(sorted(s.delays)[(len(s.delays) - 1) // 2]) if s.delays else "-"
    kinds = ", ".join(f"{name} {n}" for name, n in s.kinds.most_common())
    return (
        f"{kind:16s} within {within} steps {s.found:2d} of {s.n_runs:<2d}"
        f" (of those with harm {s.found_harmed:2d} of {s.n_harmed:<2d})"
        f" | called too high {s.too_high:2d} | before the fault {s.early}"
        f" | median delay {delay:>4s} | first alert: {kinds}"
    )
