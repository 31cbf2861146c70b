"""What a watcher, or a rule of somebody else, says about the rows of a run."""

import importlib.util
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from lrwatch.records import Alert, Side, Step, Verdict
from lrwatch.watcher import Watcher
from tests.benchmarks.truth import Rows

ALARMING = ("warning", "critical")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was said about one run.

    Attributes:
        first: Step of the first accusation of each side.
        alarms: Kind and step of each alert of warning or critical.
        final: The verdict at the end of the run.
        to_try: What the first accusation says to multiply the rate with, first and then; None
            where it names no rate.
    """

    first: dict[Side, int]
    alarms: tuple[tuple[str, int], ...]
    final: Verdict
    to_try: tuple[float, float] | None = None

    @property
    def verdict(self) -> Verdict:
        """The side of the first accusation, or healthy where there was none."""
        if not self.first:
            return "healthy"
        return min(self.first, key=lambda side: self.first[side])


Judge = Callable[[Rows], Judgement]


def steps(rows: Rows) -> Iterator[Step]:
    """The rows as a watcher gets them."""
    for number, (loss, norm, lr, *more) in enumerate(rows.tolist()):
        drift = more[0] if more and more[0] == more[0] else None
        yield Step(step=number, loss=loss, grad_norm=norm, lr=lr, drift=drift)


def watcher(rows: Rows) -> Judgement:
    """What lrwatch says; it is not told how long the run will be."""
    return _judged(rows, Watcher())


def short_steps(rows: Rows) -> Judgement:
    """What lrwatch says where steps take a millisecond: few norms, but for the first 256 steps."""
    return _judged(rows, Watcher(), has_norm=lambda step: step < 256 or step % 15 == 0)


def log(rows: Rows) -> Judgement:
    """What lrwatch says of the log of a run, which does not know the way of the weights."""
    return _judged(rows[:, :3], Watcher())


def told_length(rows: Rows) -> Judgement:
    """What lrwatch says when it is told how long the run will be."""
    return _judged(rows, Watcher(total_steps=len(rows)))


def surrogate(rows: Rows) -> Judgement:
    """What lrwatch says when it is told that the loss is only a surrogate."""
    return _judged(rows, Watcher(surrogate=True))


def _judged(
    rows: Rows, judge: Watcher, has_norm: Callable[[int], bool] = lambda _: True
) -> Judgement:
    first, alarms, to_try = dict[Side, int](), [], None
    for each in steps(rows):
        step = each if has_norm(each.step) else replace(each, grad_norm=None)
        for alert in judge.update(step):
            if alert.state == "closed":
                continue
            if alert.verdict is not None:
                to_try = to_try if first else _to_try(alert)
                first.setdefault(alert.verdict, step.step)
            if alert.severity in ALARMING:
                alarms.append((alert.kind, step.step))
    return Judgement(first, tuple(alarms), judge.verdict, to_try)


def _to_try(alert: Alert) -> tuple[float, float] | None:
    lrs = [alert.evidence.get(n) for n in ("lr_judged", "lr_to_try", "lr_to_try_next")]
    judged, nearer, farther = (lr if isinstance(lr, float) else math.nan for lr in lrs)
    return None if judged != judged else (nearer / judged, farther / judged)


def peers(folder: Path) -> dict[str, Judge]:
    """The rules of ``peer_rules.py`` in this folder, each as a judge; none without the file."""
    path = folder / "peer_rules.py"
    if not path.exists():
        return {}
    rules = _module(path)
    return {name: _peer(rules, name) for name in rules.all_baselines()}


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a module of Python")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _peer(rules: ModuleType, name: str) -> Judge:
    """Its first alert is its verdict: a rule on slow progress means a rate too low."""

    def judge(rows: Rows) -> Judgement:
        rule = rules.all_baselines(len(rows))[name]
        for step, (loss, norm, *_) in enumerate(rows.tolist()):
            if rule.fire(step, loss, norm):
                finite = math.isfinite(loss) and math.isfinite(norm)
                side: Side = "too_low" if finite and _is_slow(rule, name) else "too_high"
                return Judgement({side: step}, ((name, step),), side)
        return Judgement({}, (), "healthy")

    return judge


def _is_slow(rule: Any, name: str) -> bool:
    return name in ("smdebug10", "plateau") or getattr(rule, "why", None) == "non-decreasing"
