"""The hooks of one optimizer: from backward() and step() to one sample a step."""

import functools
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

from lrwatch.loop import patches
from lrwatch.loop.backoff.asking import Asking
from lrwatch.loop.device.readback import Readback, is_capturing
from lrwatch.loop.gradient.amp import found_inf, fused_scale, scale_left
from lrwatch.loop.gradient.grad_norm import Cadence
from lrwatch.loop.gradient.groups import is_maximized
from lrwatch.loop.gradient.groups import parameters as parameters_of
from lrwatch.loop.gradient.step_norm import StepNorm
from lrwatch.loop.guard import Guard
from lrwatch.loop.judgement.judge import Judge
from lrwatch.loop.loss.step_loss import StepLoss
from lrwatch.loop.nesting import is_inner, may_nest
from lrwatch.loop.sample import LateSample, Value
from lrwatch.loop.short_step import ShortStep
from lrwatch.loop.step_rates import StepRates
from lrwatch.loop.unseen import Unseen
from lrwatch.ranks import job

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class Recorder:
    """Collects what belongs to the coming step of one optimizer, and hands it to the judge.

    Args:
        optimizer: Held weakly.
        judge: Takes one sample a step.
        readback: Reads scalars from their device.
        cadence: Says at which steps the gradient norm is computed.
        notice: Says a line to the user.

    ``asking`` has a controller act before the update, where there is one; ``on_rival`` is called at
    each step from which on the optimizer and another are known to be adversaries.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        judge: Judge,
        readback: Readback,
        cadence: Cadence,
        notice: Callable[[str], None],
    ) -> None:
        self._optimizer = weakref.ref(optimizer)
        self._may_nest = may_nest(optimizer)
        self._judge = judge
        self._readback = readback
        self.asking = Asking(judge, cadence)
        self._unseen = Unseen(notice)
        parameters = functools.partial(parameters_of, self._optimizer)
        self.loss = StepLoss(readback, parameters)
        self._cadence = cadence
        self._norm = StepNorm(readback, cadence, parameters)
        judge.drift = self._norm.drift
        self._rates = StepRates(readback)
        self._norm_guard = Guard("taking the gradient norm")
        self._step_guard = Guard("the step hook")
        self.short_way = ShortStep(
            losses=self.loss.short,
            judge=judge,
            cadence=cadence,
            norm=self._norm,
            rates=self._rates,
            guard=self._step_guard,
            long_way=self.before_step,
            asking=self.asking,
            after=self.after_step,
            no_norm=self._missed_norm,
        )
        self.inert, self.home = False, threading.get_ident()
        self.on_rival: Callable[[], None] | None = None

    @property
    def n_steps(self) -> int:
        """Steps seen so far."""
        return self.short_way.n_steps

    def resume(self, n_steps: int) -> None:
        """Go on from a step."""
        self.short_way.n_steps = n_steps
        self._cadence.expect()

    def say_if_idle(self) -> bool:
        """Say so where the optimizer never stepped, although it is gone or gradients reached it."""
        was_trained = self._optimizer() is None or self.loss.n_reached > 0
        return self._unseen.end(n_steps=self.n_steps, was_trained=was_trained)

    def owns(self, optimizer: Any) -> bool:
        """Whether this is its optimizer."""
        return self._optimizer() is optimizer

    def before_clip(self, parameters: Sequence[torch.Tensor], norm: torch.Tensor | None) -> None:
        """Take the norm before gradients are clipped; raises nothing."""
        if self._norm_guard.off:
            return
        try:
            scale = scale_left(self.loss.scaler, self._optimizer())
            self._norm.before_clip(parameters, norm, scale, self.n_steps, self.loss.n_reached)
        except Exception as error:
            self._norm_guard.failed(error)

    def after_clip(self) -> None:
        """Take the clipped gradients as they are; raises nothing."""
        try:
            self.loss.reach.rewritten()
        except Exception as error:
            self._norm_guard.failed(error)

    def before_step(
        self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Arguments | None:
        """Record the step now, or after the first evaluation of its closure.

        As torch calls it, ``args`` begins with the optimizer itself.
        """
        if self.inert or (self._may_nest and is_inner(optimizer)):
            return None
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if not callable(closure):  # None, or a loss: step() may take what it likes
            self._record(optimizer)
            return None
        watched = self._watched(optimizer, closure)
        if len(args) > 1:
            return (args[0], watched, *args[2:]), kwargs
        return args, {**kwargs, "closure": watched}

    def after_step(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        """Let the controller put back what was meant for this step only."""
        if (acts := self.asking.intervention) is None or self.inert:
            return
        if not (self._may_nest and is_inner(optimizer)):
            self.asking.acted = False
            acts.after(optimizer, self.n_steps - 1)

    def skipped_by_scaler(self) -> None:
        """Record a step that a GradScaler kept from the optimizer."""
        optimizer = self._optimizer()
        if optimizer is not None and not self.inert:
            self._record(optimizer, skipped=True)

    def _watched(self, optimizer: Optimizer, closure: Callable[[], Any]) -> Callable[[], Any]:
        recorded = False

        def watched(*args: Any, **kwargs: Any) -> Any:
            nonlocal recorded
            result = closure(*args, **kwargs)
            if not recorded:
                recorded = True
                self._record_in_closure(optimizer, result)
            return result

        return watched

    def _record_in_closure(self, optimizer: Optimizer, result: Any) -> None:
        try:
            if self.loss.short:
                self.short_way.before_step(optimizer, (optimizer,), {})
                return
            self.loss.returned(result)
            self._record(optimizer)
        except Exception as error:
            self._step_guard.failed(error)

    def _record(self, optimizer: Optimizer, *, skipped: bool = False) -> None:
        if self._step_guard.off:
            return
        try:
            if is_capturing():  # only captured in a graph: nothing was computed
                self.loss.drop()
                self._norm.drop()
                return
            number, now_s, norm = self.n_steps, time.perf_counter(), self._norm
            if self.loss.running is None:  # within a backward() this may be a thread of a device
                self.home = threading.get_ident()
            if self.loss.rival.declared and self.on_rival is not None:
                self.on_rival()
            norm.drop_older_than(self.loss.n_reached)
            clipped = norm.known
            value: Value = None
            if is_due := clipped or self._cadence.due(number, now_s):
                value = self._norm_of(number)
            losses, rates = self.loss.take(), self._rates.take(optimizer, number)
            late = LateSample(
                step=number,
                clock_s=now_s,
                losses=losses,
                grad_norm=value,
                lrs=rates,
                grad_scale=norm.scale if clipped else fused_scale(optimizer, self._readback),
                found_inf=found_inf(optimizer, self._readback),
                skipped=skipped,
                lr_scale=self.asking.scale,
                is_share=norm.is_share,
                is_maximized=is_maximized(optimizer),
            )
            self.short_way.n_steps = number + 1
            if not losses:
                self._unseen.loss()
            elif is_due or self._unseen.n_without_gradient:
                self._unseen.gradient(optimizer, has_norm=bool(value))
            if losses:
                self._unseen.n_without_loss = 0
            if self._readback.n_lost:
                self._unseen.lost()
            step = self._judge.take(late if self._readback.late else late.arrive())
            if self.loss.is_regular and not self._unseen.n_without_gradient:
                self._shorten(optimizer)
        except Exception as error:
            self._step_guard.failed(error)
            return
        if step is not None:
            self.asking.act(optimizer, step)
        elif self._judge.waiting and not skipped:
            self.asking.lend(optimizer)

    def _norm_of(self, number: int) -> Value:
        if self._norm_guard.off:
            return None
        try:
            return self._norm.take(number)
        except Exception as error:
            self._norm_guard.failed(error)
            return None

    def _missed_norm(self, optimizer: Optimizer) -> None:
        """Look at the gradients where a norm was due on the short way, and is none or zero."""
        self._unseen.gradient(optimizer, has_norm=False)
        if self._unseen.n_without_gradient:
            self.loss.come_back()

    def _shorten(self, optimizer: Optimizer) -> None:
        """Let the next steps go the short way, where nothing forbids it."""
        acts_alone = self.asking.intervention is not None and job.n_ranks() == 1
        is_slow = self._readback.is_remote or (self._judge.at_once and not acts_alone)
        is_sole = all(listener is self for listener in patches.listeners)
        if is_sole and not is_slow and not is_maximized(optimizer):
            self.loss.go_short()
