"""fastai: ``Learner(..., cbs=LrwatchCallback())`` watches every fit of a learner."""

import math
from collections.abc import Sequence
from typing import Any

from fastai.callback.core import Callback, CancelFitException

from lrwatch.errors import LrwatchError
from lrwatch.loop.frameworks.harmless import harmless
from lrwatch.loop.frameworks.shadow import Shadow
from lrwatch.loop.frameworks.watches import Watching


class LrwatchCallback(Watching, Callback):
    """Watches a fit, and with ``backoff`` acts on it.

    ``fit_one_cycle`` and every other schedule stay as they are: a back-off scales what they set, in
    all groups; a rewind brings back weights and moments. One that gives the run up ends the fit as
    ``CancelFitException`` does. ``lr_find`` and predictions are not watched.

    The settings are those of :class:`lrwatch.loop.frameworks.settings.Settings`, as arguments. It
    writes to ``run_dir``, else as ``lrwatch.attach``.

    Raises:
        ValueError: If a setting is out of its range.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self._optimizer: Any = None
        self._is_over = False

    @harmless
    def before_fit(self) -> None:
        """Stand a shadow beside the optimizer, and attach to that."""

        def stop(error: LrwatchError) -> None:
            self._is_over = True

        self._release()
        if hasattr(self.learn, "lr_finder") or hasattr(self.learn, "gather_preds"):
            return
        self._optimizer, self._is_over = self.learn.opt, False
        self._watches.open(
            [_shadow(self.learn.opt)],
            self.learn.model,
            log_dir=None,
            writes=True,
            stop=stop,
            total_steps=_planned(self.learn),
        )

    def after_batch(self) -> None:
        """Hand a stop on."""
        if self._is_over and self.learn.training:
            raise CancelFitException

    @harmless
    def after_fit(self) -> None:
        """Judge what is left, and take the shadow away."""
        self._watches.close()
        self._release()

    def _release(self) -> None:
        if self._optimizer is not None:
            vars(self._optimizer).pop("step", None)
        self._optimizer = None


def _planned(learn: Any) -> int | None:
    """Steps of the fit; ``GradientAccumulation`` makes one when so many samples were seen."""
    n_samples = max((getattr(callback, "n_acc", 0) for callback in learn.cbs), default=0)
    loader = learn.dls.train
    size = getattr(loader, "bs", None) or getattr(loader, "batch_size", None) or 1
    return learn.n_epoch * len(loader) // max(1, math.ceil(n_samples / size)) or None


def _shadow(optimizer: Any) -> Shadow:
    """Put a shadow into the optimizer's way."""
    step = optimizer.step

    def rates() -> Sequence[Any]:
        return [hyper["lr"] for hyper in optimizer.hypers]

    def update(scaled: Sequence[Any]) -> None:
        scheduled = rates()
        optimizer.set_hypers(lr=list(scaled))
        try:
            step()
        finally:
            optimizer.set_hypers(lr=scheduled)

    groups = [list(parameters) for parameters in optimizer.param_lists]
    shadow = Shadow(groups, rates, update, lambda: getattr(optimizer, "opt", optimizer).state)

    def stepped(*arguments: Any, **named: Any) -> None:
        shadow.announce()
        shadow.step()

    vars(optimizer)["step"] = stepped
    return shadow
