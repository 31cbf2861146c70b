"""What attach() gives back: the alerts and the verdict of one optimizer's run."""

from collections.abc import Callable, Mapping
from threading import get_ident
from types import TracebackType
from typing import Any, Self

from lrwatch.errors import LrwatchError
from lrwatch.loop.backoff.intervention import Intervention
from lrwatch.loop.guard import Guard
from lrwatch.loop.judgement.judge import Judge
from lrwatch.loop.loss.observing import Observing
from lrwatch.loop.recorder import Recorder
from lrwatch.records import Action, Alert, Verdict


class Watch:
    """A watched optimizer. Made by :func:`lrwatch.attach`, never by hand; a context manager.

    No method but ``load_state_dict`` raises because of what it is given, unless
    ``LRWATCH_STRICT=1``. Only ``flush``, ``state_dict``, ``load_state_dict`` and ``close`` wait for
    the device; the rest judges what has arrived from it. A copy, pickled or deep-copied, is inert;
    so is the watch in a forked child, which knows what was judged before the fork.

    Args:
        judge: Judges the steps; None makes an inert watch.
        recorder: Records them.
        intervention: Acts on them, or None.
        detach: Takes the hooks away.

    ``said_idle`` is whether close() said that the optimizer never stepped.
    """

    def __init__(
        self,
        judge: Judge | None = None,
        recorder: Recorder | None = None,
        intervention: Intervention | None = None,
        detach: Callable[[], None] | None = None,
    ) -> None:
        self._judge = judge
        self._recorder = recorder
        self._intervention = intervention
        self._detach = detach
        self._observing = Observing()
        self._guard = Guard("the watch")
        self.said_idle = False

    @property
    def alerts(self) -> list[Alert]:
        """The last 1000 alerts, oldest first; judges what has arrived from the device."""
        if self._judge is None:
            return []
        self._look()
        try:
            return list(self._judge.watcher.alerts)
        except Exception as error:
            self._guard.failed(error)
            return []

    @property
    def verdict(self) -> Verdict:
        """``"too_high"``, ``"too_low"``, ``"healthy"`` or ``"undecided"``, by the run so far."""
        if self._judge is None:
            return "undecided"
        self._look()
        try:
            return self._judge.watcher.verdict
        except Exception as error:
            self._guard.failed(error)
            return "undecided"

    @property
    def backoff(self) -> Any:
        """What acts on this optimizer, or None: ``attach(second, backoff=watch.backoff)`` ties one.

        The second optimizer then has the same scale, leaves out the same updates and goes back to
        the same step. It is attached before the first step, and steps after this one.
        """
        return None if self._intervention is None else self._intervention.controller

    @property
    def n_steps(self) -> int:
        """Optimizer steps seen so far, those skipped by a GradScaler included."""
        return 0 if self._recorder is None else self._recorder.n_steps

    @property
    def closed(self) -> bool:
        """Whether nothing is watched any more."""
        return self._detach is None

    def observe(self, loss: Any) -> None:
        """Say the loss of the coming step by hand, between backward() and step().

        It takes the place of what backward() told; the last one before the step counts. Tensors
        of one element, numbers and everything with ``__float__`` are taken; anything else is
        refused with one log line. Never waits for the device.
        """
        if self._recorder is None or self._is_inert:
            return
        self._observing.observe(loss, self._recorder.loss)

    def note(self, action: Action) -> None:
        """Write down what somebody else did to the run, such as a rewind by its framework."""
        self._look()
        if self._judge is not None and not self._is_inert:
            self._judge.write_action(action)

    def stop_with(self, stop: Callable[[LrwatchError], None]) -> None:
        """Let a back-off that gives the run up call this, instead of raising out of step().

        No update is made from there on: weights and moments stay as they are.
        """
        if self._intervention is not None:
            self._intervention.on_stop = stop

    def flush(self) -> None:
        """Judge everything seen so far, now; waits for the device."""
        self._look(wait=True)

    def disarm(self) -> None:
        """Stop acting on the run, for good: the rate is the schedule's again; watching goes on."""
        if self._intervention is not None and not self._is_inert:
            try:
                self._intervention.controller.disarm()
                if self._recorder is not None:
                    self._recorder.asking.renew()
            except Exception as error:
                self._guard.failed(error)

    def close(self) -> None:
        """Judge what is left, write it, and take every hook away; waits for the device, once."""
        detach, self._detach = self._detach, None
        if detach is None or self._recorder is None or self._is_inert:
            return
        self._recorder.inert = True
        ends = [self._say_if_idle, detach]
        if self._intervention is not None:
            ends.append(self._intervention.close)
        if self._judge is not None:
            ends.append(self._judge.close)
        for end in ends:
            try:
                end()
            except Exception as error:
                self._guard.failed(error)

    def state_dict(self) -> dict[str, Any]:
        """What it takes to go on judging in a resumed run, as JSON can hold it.

        Waits for the device. A trial of the back-off is called off, so that weights which are saved
        beside it are those of the run.
        """
        if self._judge is None or self._recorder is None:
            return {"v": 1}
        state: dict[str, Any] = {"v": 1}
        try:
            self.flush()
            state["n_steps"] = self._recorder.n_steps
            state["watcher"] = self._judge.watcher.state_dict()
            if self._intervention is not None:
                state["controller"] = self._intervention.controller.state_dict()
        except Exception as error:
            self._guard.failed(error)
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the watch was whose state this is; to be called before training goes on.

        ``{"v": 1, "n_steps": 1000}`` is the state of a run that was not watched so far.

        Raises:
            ValueError: If this is no state of a watch.
        """
        if not isinstance(state, Mapping):
            raise ValueError(f"state of a watch must be a mapping, got {type(state).__name__}")
        if state.get("v") != 1:
            raise ValueError(f"state of a watch must have v = 1, got {state.get('v')!r}")
        if self._judge is None or self._recorder is None or "n_steps" not in state:
            return
        self.flush()
        self._recorder.resume(int(state["n_steps"]))
        if "watcher" not in state:
            return
        watcher = self._judge.watcher
        was_judged = not watcher.surrogate
        watcher.load_state_dict(state["watcher"])
        if self._intervention is not None and watcher.surrogate and was_judged:
            self._intervention.leave_loss_out("resumed")
        if self._intervention is not None and "controller" in state:
            self._intervention.controller.load_state_dict(state["controller"])
            self._recorder.asking.renew()

    def __repr__(self) -> str:
        """What was judged so far; judges nothing itself, and waits for nothing."""
        if self._judge is None:
            return "Watch(inert)"
        watcher = self._judge.watcher
        state = "closed" if self.closed else "watching"
        return (
            f"Watch({state}, {self.n_steps} steps, {len(watcher.alerts)} alerts, {watcher.verdict})"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show it in a cell, where what the cell trained is judged first."""
        self._look()
        printer.text(repr(self))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[type["Watch"], tuple[()]]:
        return Watch, ()

    @property
    def _is_inert(self) -> bool:
        """Whether nothing is seen or told any more: a copy, closed, or in a forked child."""
        return self._recorder is None or self._recorder.inert

    def _say_if_idle(self) -> None:
        if self._recorder is not None:
            self.said_idle = self._recorder.say_if_idle()

    def _look(self, *, wait: bool = False) -> None:
        """Judge what has arrived, or everything."""
        if self._judge is None or self._is_inert:
            return
        try:
            self._judge.judge(wait=wait)
        except Exception as error:
            self._guard.failed(error)


def steps_here(watch: Watch) -> bool:
    """Whether its optimizer stepped in this thread, when it last did."""
    recorder = watch._recorder
    return recorder is not None and recorder.home == get_ident()
