"""Carries out what the policy decides: the one place where a run is changed."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from lrwatch.control.carrying import Carrying
from lrwatch.control.disarm_file import DisarmFile
from lrwatch.control.following import Follower
from lrwatch.control.keeping import Keeping, n_slots_for
from lrwatch.control.levels import Levels
from lrwatch.control.pace import Pace
from lrwatch.control.rate import RateScale
from lrwatch.control.saving import Saving
from lrwatch.control.snapshot import Snapshots
from lrwatch.control.stopped import TrainingStoppedError
from lrwatch.policy.calm import Calm
from lrwatch.policy.ladder import Ladder
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.settings import Backoff
from lrwatch.policy.signs import signs_of
from lrwatch.ranks.together import Together
from lrwatch.records import Action, Alert

N_UNASKED = 64


class BackoffController:
    """Backs one optimizer off; its calls are :class:`lrwatch.loop.backoff.controller.Controller`'s.

    Every action is written before it is applied. With ``backoff.dry_run`` it is only written.
    A rewind brings back weights, model buffers and moments; the schedule, the random generators
    and the data go on. A trial from the start that was no better is taken back as if it had not
    been: then the generators are brought back, too. In a job of several ranks all of them decide on
    the same, merged numbers. If they part (a rank is gone, or failed to act) none acts any more,
    and the scale stays as it is: a rank that went on alone would drift away from the others.

    Args:
        backoff: Bounds and rungs.
        optimizer: Held weakly.
        model: For its buffers, held weakly; without it BatchNorm keeps its statistics in a rewind.
        write_action: Tells an action.
        levels: What steps are judged by, kept and brought back with every snapshot.
        surrogate: Whether the value of the loss says nothing about the run.
        total_steps: Planned number of steps, if known.
        disarm_file: When this file is touched the controller lets go, at the next step; one from
            before this run does not count.
        together: The ranks that do the same; None where there is only this one.
    """

    def __init__(
        self,
        backoff: Backoff,
        *,
        optimizer: Optimizer,
        model: nn.Module | None = None,
        write_action: Callable[[Action], None],
        levels: Levels | None = None,
        surrogate: bool = False,
        total_steps: int | None = None,
        disarm_file: Path | None = None,
        together: Together | None = None,
    ) -> None:
        self._backoff = backoff
        self._together = together or Together(acts=True)
        self._write = write_action
        self._disarm_file = DisarmFile(disarm_file)
        self._rate = RateScale(optimizer, explicit=True)
        self._snapshots = Snapshots(
            optimizer, model, where=backoff.where, max_bytes=backoff.memory_cap
        )
        n_slots = n_slots_for(backoff, self._snapshots)
        self._ladder = Ladder(
            backoff, n_slots=n_slots, surrogate=surrogate, total_steps=total_steps
        )
        self._keeping = Keeping(self._snapshots, levels, n_slots=n_slots, backoff=backoff)
        self._hands = Carrying(
            self._rate,
            self._snapshots,
            self._keeping,
            write=write_action,
            refuse=(lambda: self._ladder.refuse()) if backoff.dry_run else None,
        )
        self._pace, self._wish = Pace(), ""
        self._step, self._is_in_step = 0, False
        self._last: Seen | None = None
        self._saving = Saving(
            optimizer,
            model,
            settle=self._settle,
            is_safe=lambda: self.armed and self._together.alone and not self._is_in_step,
            step=lambda: self._step,
        )
        self.armed, self.closed = True, False

    @property
    def scale(self) -> float:
        """Factor on the schedule's rate at the coming update, in (0, 1]."""
        return self._rate.scale

    @property
    def calm(self) -> Calm | None:
        """Bounds up to which the next steps may be told late, to ``passed``; else None."""
        if not self._together.alone:
            return None
        return self._ladder.calm if self.armed else Calm(math.inf, math.inf, N_UNASKED)

    def before_step(
        self, optimizer: Optimizer, step: int, loss: float | None, grad_norm: float | None
    ) -> bool | None:
        """Judge the step, act, and lend the scaled rates; False where the update is left out."""
        self._step, self._is_in_step = step, True
        self._saving.exchanged.before_update()
        if self._saving.given.take() and self._together.alone:
            self._ladder.given_weights()
        self._look_around()
        goes_on = True
        if self.armed and loss is not None and optimizer.param_groups:
            try:
                rate = self._rate.scheduled(optimizer.param_groups[0])
                goes_on = self._act(self._seen(step, loss, grad_norm, rate))
            except Exception as error:
                if not isinstance(error, TrainingStoppedError):
                    self._together.leave(f"one of them could not act ({type(error).__name__})")
                raise
        self._rate.lend(optimizer)
        self._keeping.n_left_out += not goes_on
        return goes_on

    def passed(self, step: int, loss: float, grad_norm: float | None, rate: float) -> None:
        """Take note of a step whose update was made, as it was within the bounds of ``calm``."""
        if self.armed:
            self._ladder.passed(self._seen(step, loss, grad_norm, rate))

    def lend(self, optimizer: Optimizer) -> None:
        """Bind the scaled rates for an update before which nothing is judged."""
        self._look_around()
        self._rate.lend(optimizer)

    def after_step(self, optimizer: Optimizer, step: int) -> None:
        """Put the schedule's own rates back."""
        self._rate.give_back()
        self._is_in_step = False
        if self._together.alone and self._ladder.is_on_trial:
            self._saving.exchanged.updated()

    def on_alerts(self, alerts: Sequence[Alert]) -> None:
        """Pass on what bears on the rate, and remember which trouble is being answered."""
        for alert in alerts:
            self._hands.trouble = 0 if alert.state == "closed" else alert.trouble
            self._ladder.warn(**signs_of(alert))

    def followed_by(self, optimizer: Optimizer) -> Follower:
        """The controller of an optimizer that is tied to this one's."""
        return Follower(
            optimizer,
            keeping=self._keeping,
            scale_of=lambda: 1.0 if self.closed else self._rate.scale,
            disarm=self.disarm,
            settle=self._saving.now,
        )

    def disarm(self, reason: str = "asked for by the user") -> None:
        """Give the rate back to the schedule and never act again in this run.

        Several ranks do so together, at the next step or the one after.
        """
        self._wish = reason
        self._together.ask_to_disarm()
        if self._together.alone:
            self._let_go(reason, scale=1.0)

    def leave_loss_out(self, why: str) -> None:
        """Act on nothing but values that are not finite from here on; the rate is given back."""
        self._carry_out(self._ladder.leave_loss_out(why))

    def state_dict(self) -> dict[str, Any]:
        """Scale, budget and cooldowns, as JSON can hold them."""
        self._saving.now()
        scale = {} if self.armed else {"scale": self._rate.scale}
        return {"ladder": self._ladder.state_dict(), "armed": self.armed, **scale}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on as the controller went on whose state this is."""
        self._ladder.load_state_dict(state["ladder"])
        self.armed = state["armed"]
        self._rate.scale = self._ladder.scale if self.armed else state.get("scale", 1.0)

    def close(self) -> None:
        """End what is on trial, unless other ranks are in it; give back rates and memory."""
        if self.armed and self._together.alone:
            self._settle("the watch ends")
        self.closed = True
        self._saving.close()
        self._rate.close()
        self._keeping.clear()

    def _settle(self, why: str) -> None:
        self._carry_out(self._ladder.settle(why))

    def _carry_out(self, moves: Sequence[Move]) -> None:
        if self._last is not None and not self._backoff.dry_run:
            stays = self._saving.exchanged.seen()
            for move in moves:
                if not (move.load and stays):
                    self._hands.carry_out(move, self._last)

    def _look_around(self) -> None:
        """Let go where that is wished for, or where the ranks have parted."""
        if self.armed and self._disarm_file.appeared():
            self.disarm("asked for by the file disarm in the run directory")
        if self._together.disarmed and self.armed:
            self._let_go(self._wish or "asked for on another rank", scale=1.0)
        if self._together.parted and self.armed:
            scale, why = self._together.common_scale or self._rate.scale, self._together.parted
            self._let_go(f"the ranks have parted, the scale stays {scale:.3g}: {why}", scale=scale)

    def _let_go(self, reason: str, *, scale: float) -> None:
        if self.armed:
            if scale == 1.0:  # not where ranks have parted: each would go back by itself
                self._settle("the back-off is taken off")
            self._write(Action(kind="disarm", step=self._step, reason=reason, scale=scale))
        self.armed = False
        self._rate.scale = scale
        self._keeping.clear()

    def _seen(self, step: int, loss: float, grad_norm: float | None, rate: float) -> Seen:
        moved = partial(self._keeping.moved, self._together)
        return Seen(step=step, loss=loss, grad_norm=grad_norm, rate=rate, moved=moved)

    def _act(self, seen: Seen) -> bool:
        self._last = seen
        self._ladder.alone = self._together.alone
        moves = self._ladder.decide(seen)
        if self._ladder.save:
            self._save(self._ladder.save, seen.step)
        return all([self._hands.carry_out(move, seen) for move in moves])

    def _save(self, name: str, step: int) -> None:
        began_s = time.perf_counter()
        self._keeping.save(name, step)
        n_steps = self._pace.saved(step, began_s, time.perf_counter())
        if self._together.alone:  # several ranks have to save at the same step
            self._ladder.space_snapshots(n_steps)
