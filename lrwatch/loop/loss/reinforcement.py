"""Reinforcement learning is known by what its scripts import: environments, or trainers for it.

Its losses say nothing about progress: those of a policy gradient hover around zero whatever the
policy is worth, and those of a value function grow with the rewards.
"""

import sys
from collections.abc import Callable

from lrwatch.ranks import job

LIBRARIES = (
    "gymnasium",
    "gym",
    "pettingzoo",
    "dm_env",
    "torchrl",
    "trl.trainer.grpo_trainer",
    "trl.trainer.rloo_trainer",
    "trl.trainer.ppo_trainer",
)

_said = False


def library() -> str | None:
    """The first of these that this process has imported; TRL imports a trainer when it is used."""
    return next((name for name in LIBRARIES if name in sys.modules), None)


def tell(name: str | None, say: Callable[[str], None]) -> None:
    """Say what follows from it, once in a process, on rank 0; nothing where there is none."""
    global _said
    if name is None or _said or job.rank():
        return
    _said = True
    say(
        f"{name} is imported, so the losses are taken for those of reinforcement learning, which "
        "say nothing about progress, and are not judged; surrogate=False, or lrwatch run "
        "--no-surrogate, has them judged"
    )
