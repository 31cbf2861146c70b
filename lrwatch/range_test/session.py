"""``lrwatch find`` in the process that trains: the first optimizer that steps is tested."""

import atexit
import json
import os
import sys
import threading
import weakref
from collections.abc import Mapping, MutableMapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

from lrwatch.loop import patches
from lrwatch.loop.compiled import step_hook
from lrwatch.range_test.advice import advice
from lrwatch.range_test.ear import Ear
from lrwatch.range_test.finding import LrFinding, none_found
from lrwatch.range_test.on_script import OnScript
from lrwatch.range_test.pause import paused
from lrwatch.range_test.progress import Progress
from lrwatch.range_test.search import search
from lrwatch.range_test.settings import Settings
from lrwatch.range_test.stepper import Stepper
from lrwatch.ranks import job

_MAX_ENDS = 3
NOT_UNDONE = "what the script itself wrote before it was ended (logs, checkpoints) is still there"


class FindSession:
    """Listens to every optimizer that is made, until one steps; that one is taken for the search.

    The others go on as the script has them. When the answer is there, the weights of the start are
    back, and SystemExit ends the script; where that is caught three times, or in a thread, the
    process ends at once. All ranks of a job come to the same answer; rank 0 writes it.

    Args:
        asked: ``settings`` of the search, ``answer`` as the path to write to, and ``quiet``.
    """

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self._settings = Settings(**asked["settings"])
        self._answer = Path(asked["answer"])
        self._pid = os.getpid()
        self._ears: MutableMapping[Optimizer, Ear] = weakref.WeakKeyDictionary()
        self._writes = not job.rank()
        self._bar = Progress(sys.stderr, None if self._writes and not asked["quiet"] else False)
        self._stepper = Stepper(search(self._settings, paired=False), self._bar.show)
        self._on_script: OnScript | None = None
        self._chosen: weakref.ref[Optimizer] | None = None
        self._n_ends = 0
        self._is_told = False
        self._pauses = ExitStack()
        register_optimizer_step_pre_hook(step_hook(self._before_step))
        atexit.register(self._at_exit)

    def made(self, optimizer: Optimizer) -> None:
        """Listen to an optimizer; a forked child listens to none."""
        if os.getpid() != self._pid or self._on_script is not None or optimizer in self._ears:
            return
        ear = Ear(optimizer, self._skipped)
        self._ears[optimizer] = ear
        patches.listen(ear)
        weakref.finalize(optimizer, patches.unlisten, ear).atexit = False

    def _before_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        if self._on_script is not None or os.getpid() != self._pid:
            return
        ear = self._ears.get(optimizer)
        if ear is None:
            return
        for other in self._ears.values():
            patches.unlisten(other)
        self._pauses.enter_context(paused(optimizer))  # for good: no watch is to judge the ramp
        patches.listen(ear)
        chosen = OnScript(optimizer, ear, self._stepper, self._end)
        optimizer.register_step_pre_hook(step_hook(chosen.before_step))
        optimizer.register_step_post_hook(step_hook(chosen.after_step))
        self._on_script, self._chosen = chosen, weakref.ref(optimizer)

    def _skipped(self) -> None:
        if self._on_script is not None:
            self._on_script.skipped()

    def _end(self, finding: LrFinding) -> NoReturn:
        self._n_ends += 1
        self._tell(finding)
        if self._n_ends > _MAX_ENDS or threading.current_thread() is not threading.main_thread():
            sys.stdout.flush()
            os._exit(0)
        raise SystemExit(0)

    def _at_exit(self) -> None:
        """The script has ended by itself."""
        if os.getpid() != self._pid or self._is_told or self._on_script is None:
            return
        n = self._stepper.n_observed
        words = f"too short: the script ended after {n} steps, before the ramp was done"
        self._tell(self._stepper.end() or none_found(words))

    def _tell(self, finding: LrFinding) -> None:
        self._bar.__exit__(None, None, None)
        if self._is_told or not self._writes:
            return
        self._is_told = True
        notes = (*finding.notes, NOT_UNDONE)
        told = replace(finding, n_steps=self._stepper.n_observed, notes=notes)
        if self._chosen is not None and (optimizer := self._chosen()) is not None:
            kind = type(optimizer).__name__
            told = replace(told, optimizer=kind, advice=advice(optimizer) if told.lr else ())
        draft = self._answer.with_name(f"{self._answer.name}.{os.getpid()}")
        draft.write_text(json.dumps(told.to_dict()), encoding="utf-8")
        draft.replace(self._answer)
