"""What the demo tells: a training that goes wrong, what lrwatch says of it, and what follows."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import NamedTuple, TextIO

from lrwatch.demo.screen import Screen
from lrwatch.demo.training import N_LAST, Outcome, Plan, n_parameters, train
from lrwatch.records import Alert

_VERDICTS = {
    "too_high": "the rate is too high",
    "too_low": "the rate is too low",
    "healthy": "the rate is fine",
    "undecided": "none on the rate",
}


def play(plan: Plan, *, run_dir: Path, out: TextIO) -> None:
    """Train as planned and tell what happens; then show the two ways to mend it.

    Where a rate is advised the same training is done with that rate, and then, if the plan has
    back-off, once more as it was, with back-off.
    """
    stage = _Stage(run_dir, out)
    name = f"lr-{plan.lr:.4g}"
    stage.say(
        f"A character transformer ({n_parameters():,} parameters) learns the text of Python's own",
        f"standard library: {plan.n_steps} steps of {plan.optimizer} at a rate of {plan.lr:.4g}.",
    )
    advice = rate_advice(stage.show(replace(plan, backoff=False), name).alerts)
    if advice is not None:
        stage.say(f"Advice:  {advice.words}.", f"The same training at {advice.lr:.2g}:")
        stage.show(replace(plan, lr=advice.lr, backoff=False), f"lr-{advice.lr:.2g}")
    if advice is not None and plan.backoff:
        stage.say("", f"At {plan.lr:.4g} again, but now lrwatch may act on what it sees:")
        stage.show(plan, f"{name}-backoff")
    stage.compare()
    where = quote(_short(run_dir))
    stage.say(
        "",
        f"To see it in TensorBoard:    {_program('tensorboard')} --logdir {where}",
        "                             (tab LR Watch: each run with its verdict and its alerts)",
        f"To read the alerts again:    {_program('lrwatch')} tail {where}/{name}",
    )


class _Stage:
    """Where the trainings are shown, one after the other."""

    def __init__(self, run_dir: Path, out: TextIO) -> None:
        self._run_dir = run_dir
        self._out = out
        self._ends: list[str] = []

    def say(self, *lines: str) -> None:
        self._out.writelines(f"{line}\n" for line in lines)
        self._out.flush()

    def show(self, plan: Plan, name: str) -> Outcome:
        """Train into a run of that name, and say how it went."""
        self.say("")
        screen = Screen(self._out, plan.n_steps)
        outcome = train(plan, run_dir=self._run_dir / name, sink=screen)
        self.say("", _summary(outcome, plan))
        how = " with back-off" if plan.backoff else ""
        self._ends.append(f"{outcome.loss:.3g} at {plan.lr:.4g}{how}")
        return outcome

    def compare(self) -> None:
        """Say how all of them ended, where there was more than one."""
        if len(self._ends) > 1:
            self.say("", f"In short: {', '.join(self._ends)}.")


class Advice(NamedTuple):
    """What an alert says to try, and the nearer of the two rates that it names."""

    words: str
    lr: float


def rate_advice(alerts: Sequence[Alert]) -> Advice | None:
    """The advice of the last alert about the rate itself, or None if there was none."""
    for alert in reversed(alerts):
        lr = alert.evidence.get("lr_to_try")
        if isinstance(lr, float):
            return Advice(alert.advice, lr)
    return None


def _summary(outcome: Outcome, plan: Plan) -> str:
    sides = [alert.step for alert in outcome.alerts if alert.verdict == outcome.verdict]
    when = f", said at step {sides[0]} of {plan.n_steps}" if sides else ""
    verdict = f"Verdict: {_VERDICTS[outcome.verdict]}{when}"
    said = f"{verdict}; the last {N_LAST} losses have a median of {outcome.loss:.3g}."
    if outcome.scale == 1.0:
        return said
    lr = outcome.scale * plan.lr
    return f"{said}\nBack-off: {plan.lr:.4g} was lowered to {lr:.2g}, where the next run may begin."


def _program(name: str) -> str:
    """How to call a program of this environment from where the user is."""
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if found is not None and (not beside.exists() or Path(found).samefile(beside)):
        return name
    return quote(_short(beside))


def _short(path: Path) -> str:
    """The path as seen from here, where that is no longer."""
    return min(os.path.relpath(path), str(path.absolute()), key=len)
