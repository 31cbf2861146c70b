"""What the demo tells: a training that goes wrong, what lrwatch says of it, and what follows."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TextIO

from lrwatch.demo.screen import Screen
from lrwatch.demo.training import Outcome, Plan, n_parameters, train
from lrwatch.records import Alert

_VERDICTS = {
    "too_high": "the rate is too high",
    "too_low": "the rate is too low",
    "healthy": "the rate is fine",
    "undecided": "too early to tell",
}


def play(plan: Plan, *, run_dir: Path, out: TextIO) -> None:
    """Train as planned and tell what happens; where a rate is advised, train with that one too."""

    def say(*lines: str) -> None:
        out.writelines(f"{line}\n" for line in lines)
        out.flush()

    def trained(plan: Plan, name: str) -> Outcome:
        return train(plan, run_dir=run_dir / name, sink=Screen(out, plan.n_steps))

    say(
        f"A character transformer ({n_parameters():,} parameters) learns the text of Python's own",
        f"standard library: {plan.n_steps} steps of {plan.optimizer} at a rate of {plan.lr:.4g}.",
        "",
    )
    first = trained(plan, f"lr-{plan.lr:.4g}")
    say("", f"Verdict: {_VERDICTS[first.verdict]}; the loss ends at {first.loss:.3g}.")
    lr = advised_lr(first.alerts)
    if lr is not None:
        say(f"Advice:  try {lr:.4g}. The same training with that:", "")
        second = trained(replace(plan, lr=lr, backoff=False), f"lr-{lr:.4g}")
        say("", f"Verdict: {_VERDICTS[second.verdict]}; the loss ends at {second.loss:.3g}.")
    where = quote(_short(run_dir))
    say(
        "",
        f"To see it in TensorBoard:    {_program('tensorboard')} --logdir {where}",
        "                             (the loss in its band: tab Custom Scalars; alerts: tab Text)",
        f"To read the alerts again:    {_program('lrwatch')} tail {where}/lr-{plan.lr:.4g}",
    )


def advised_lr(alerts: Sequence[Alert]) -> float | None:
    """The rate that the last alert with a number for it says to try."""
    for alert in reversed(alerts):
        lr = alert.evidence.get("suggested_lr")
        if isinstance(lr, float):
            return lr
    return None


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
