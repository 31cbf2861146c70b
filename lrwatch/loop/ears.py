"""What hears an optimizer train: it may listen before anything is hooked or written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from torch.optim import Optimizer

from lrwatch.loop.backoff.leaving_out import LeavingOut
from lrwatch.loop.device.readback import Readback
from lrwatch.loop.gradient.grad_norm import Cadence
from lrwatch.loop.judgement.judge import Judge
from lrwatch.loop.loss import reinforcement
from lrwatch.loop.recorder import Recorder
from lrwatch.ranks.together import Together
from lrwatch.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Ears:
    """The recorder of one optimizer, and the judge it tells; both are still without effect.

    Told to ``patches.listen``, the recorder takes the losses from there on, so that also the first
    step has one where an optimizer is attached to only then.

    Attributes:
        judge: Judges the steps.
        recorder: Records them.
        together: The ranks that train this optimizer.
        surrogate: Whether the value of the loss says nothing about progress; None: where this
            optimizer and another are seen to be adversaries.
        environments: What told reinforcement learning, where nobody said what the loss is.
        total_steps: Planned number of steps, if known.
    """

    judge: Judge
    recorder: Recorder
    together: Together
    surrogate: bool | None = None
    total_steps: int | None = None
    environments: str | None = None

    @classmethod
    def of(
        cls,
        optimizer: Optimizer,
        *,
        at_once: bool,
        norm_every: int | None,
        total_steps: int | None,
        notice: Callable[[str], None],
        pretrained: bool = False,
        surrogate: bool | None = None,
        name: str | None = None,
        acts: bool = False,
    ) -> Self:
        """Make them for an optimizer, which is held weakly.

        In a job of several ranks ``name`` and ``acts`` must be the same on each.

        Raises:
            ValueError: If a number is out of its range.
        """
        environments = reinforcement.library() if surrogate is None else None
        surrogate = True if environments else surrogate
        watcher = Watcher(total_steps=total_steps, pretrained=pretrained, surrogate=bool(surrogate))
        together = Together(name or "optimizer", acts=acts)
        judge = Judge(watcher, [], at_once=at_once, together=together)
        cadence = Cadence(norm_every)
        cadence.press(acts)
        recorder = Recorder(
            optimizer,
            judge=judge,
            readback=Readback(wait=at_once),
            cadence=cadence,
            notice=notice,
        )
        if surrogate is None:
            recorder.on_rival = LeavingOut(judge, recorder.asking, notice, name)
        return cls(judge, recorder, together, surrogate, total_steps, environments)
