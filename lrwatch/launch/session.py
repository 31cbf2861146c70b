"""The watched optimizers of one process below ``lrwatch run``, from the first to the last line."""

import atexit
import functools
import logging
import os
import sys
import weakref
from collections.abc import Callable, MutableMapping, MutableSet
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

from lrwatch.errors import let_pass
from lrwatch.launch import place
from lrwatch.launch.closing_line import Summary, Trained, closing_line
from lrwatch.launch.plan import Plan
from lrwatch.loop import patches
from lrwatch.loop.attach import begin, end_orphans, is_watched
from lrwatch.loop.compiled import interpreted, step_hook
from lrwatch.loop.ears import Ears
from lrwatch.loop.terminal import on_terminal
from lrwatch.ranks import job
from lrwatch.switches import strict

if TYPE_CHECKING:
    from lrwatch.range_test.session import FindSession

logger = logging.getLogger("lrwatch")

MAX_AT_ONCE = 16
MAX_KEPT = 8
MAX_WATCHED = 256


class Session:
    """Listens to every optimizer that is made, and watches each from its first step on.

    So an optimizer that never steps leaves nothing. Left alone are one that the script attaches to
    by itself, one that steps within the step of another, and those for which there is no place: 16
    are watched at a time and 256 in all, as each writes to a folder of its own. Up to 8 places are
    kept for optimizers that were made earlier and have not stepped yet, such as the outer one of a
    meta-learner. Of one that is gone a line for the end is kept, and its place is free.

    Args:
        plan: What was asked for.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._pid = os.getpid()
        self._seen: MutableSet[Optimizer] = weakref.WeakSet()
        self._heard: MutableMapping[Optimizer, tuple[int, Ears]] = weakref.WeakKeyDictionary()
        self._n_made = 0
        self._trained: list[Trained | Summary] = []
        self._is_full_told = False
        self._path: Path | None = None
        register_optimizer_step_pre_hook(self._hook())
        atexit.register(self.end)

    def _hook(self) -> Callable[..., Any]:
        """``before_step``, at the cost of one call where no optimizer is waited for."""
        # The dict within: to ask a WeakKeyDictionary whether it is empty takes calls of Python.
        waited_for, guarded = vars(self._heard)["data"], step_hook(self.before_step)

        @interpreted
        def hook(optimizer: Any, args: Any, kwargs: Any) -> Any:
            return guarded(optimizer, args, kwargs) if waited_for else None

        return hook

    def made(self, optimizer: Optimizer) -> None:
        """Listen to an optimizer; a forked child listens to none."""
        if optimizer in self._seen or os.getpid() != self._pid:
            return
        self._seen.add(optimizer)
        if len(self._trained) >= MAX_WATCHED:
            return
        backoff = self._plan.backoff
        ears = Ears.of(
            optimizer,
            at_once=backoff,
            norm_every=None,
            total_steps=self._plan.total_steps,
            surrogate=self._plan.surrogate,
            notice=self._say,
            name=f"opt{self._n_made}",
            acts=backoff,
        )
        self._heard[optimizer] = self._n_made, ears
        self._n_made += 1
        patches.listen(ears.recorder)
        weakref.finalize(optimizer, patches.unlisten, ears.recorder).atexit = False

    def before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Watch an optimizer that is about to step for the first time; raises nothing."""
        if (heard := self._heard.pop(optimizer, None)) is None:
            return
        if os.getpid() != self._pid:
            return
        number, ears = heard
        try:
            if self._is_free(optimizer, number):
                self._begin(optimizer, number, ears)
            else:
                patches.unlisten(ears.recorder)
        except Exception as error:
            if strict():
                raise
            let_pass(error)
            logger.error("an optimizer is not watched", exc_info=error)

    def end(self) -> None:
        """Close all watches, and say in a line how it went."""
        if os.getpid() != self._pid:
            return
        for one in self._trained:
            if isinstance(one, Trained):
                one.watch.close()
        found = self._fold()
        if found and self._path is not None:
            self._say(closing_line(found, self._path))

    def _is_free(self, optimizer: Optimizer, number: int) -> bool:
        if is_watched(optimizer) or _within_another_step():
            return False
        end_orphans()
        n_open = len(self._trained) - len(self._fold())
        n_kept = min(sum(made < number for made, _ in self._heard.values()), MAX_KEPT)
        has_place = n_open + n_kept < MAX_AT_ONCE and len(self._trained) + n_kept < MAX_WATCHED
        if not has_place and not self._is_full_told:
            self._is_full_told = True
            self._say(
                f"opt{number} is not watched: at most {MAX_AT_ONCE} optimizers are at a time, "
                f"and {MAX_WATCHED} in all"
            )
        return has_place

    def _fold(self) -> list[Summary]:
        """Keep no more than a summary of those whose watch has ended; these summaries."""
        self._trained = [
            one.summary() if isinstance(one, Trained) and one.watch.closed else one
            for one in self._trained
        ]
        return [one for one in self._trained if isinstance(one, Summary)]

    def _begin(self, optimizer: Optimizer, number: int, ears: Ears) -> None:
        writes = not job.rank()
        if writes and self._path is None:
            self._path = place.claimed(self._plan)
        name = f"opt{number}"
        is_only = not self._trained and len(self._seen) == 1
        watch = begin(
            optimizer,
            ears,
            model=None,
            run_dir=str(self._path) if writes else False,
            backoff=self._plan.backoff,
            name=None if is_only else name,
            stderr=writes and not self._plan.quiet,
        )
        self._trained.append(Trained(name, watch))

    def _say(self, line: str) -> None:
        if self._plan.quiet or job.rank():
            return
        on_terminal(line)


@functools.cache
def session() -> "Session | FindSession":
    """The one of this process: it watches, or it looks for a rate."""
    plan = Plan.of()
    if plan.find is None:
        return Session(plan)
    from lrwatch.range_test.session import FindSession

    return FindSession(plan.find)


def _within_another_step() -> bool:
    """Whether one optimizer steps by means of another, as ZeroRedundancyOptimizer does."""
    frame, n_steps = sys._getframe(), 0
    name = "Optimizer.profile_hook_step.<locals>.wrapper"
    while frame.f_back is not None:
        frame = frame.f_back
        n_steps += frame.f_code.co_qualname == name
    return n_steps > 1
