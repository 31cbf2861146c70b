"""Keras, on the backend of torch: ``model.fit(..., callbacks=[LrwatchCallback()])``."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras

from lrwatch.errors import LrwatchError
from lrwatch.loop.frameworks.harmless import harmless
from lrwatch.loop.frameworks.said import say_loss, say_skipped
from lrwatch.loop.frameworks.shadow import Shadow
from lrwatch.loop.frameworks.watches import Watching

_GO_ON = ("iteration", "learning_rate")
_SAVES = ("get_weights", "load_weights", "save", "save_weights", "set_weights")


class LrwatchCallback(Watching, keras.callbacks.Callback):
    """Watches ``fit``, and with ``backoff`` acts on it.

    The loss is that of every batch, as it was before a loss scale; Keras logs its mean over the
    epoch. A back-off scales what the schedule sets; a rewind brings back weights, statistics of the
    model and moments, while the count of steps goes on, as the schedule does. With
    ``gradient_accumulation_steps`` every batch counts as a step. A back-off that gives the run up
    sets ``model.stop_training``.

    The settings are those of :class:`lrwatch.loop.frameworks.settings.Settings`, as arguments. It
    writes to ``run_dir``, else as ``lrwatch.attach``.

    Raises:
        ValueError: If a setting is out of its range, or Keras runs on another backend.
    """

    def __post_init__(self) -> None:
        keras.callbacks.Callback.__init__(self)
        super().__post_init__()
        self._shadow: Shadow | None = None
        if keras.config.backend() != "torch":
            raise ValueError(
                f"Keras must run on torch, got {keras.config.backend()}: set KERAS_BACKEND=torch "
                "before it is imported"
            )

    @harmless
    def on_train_begin(self, logs: Any = None) -> None:
        """Stand a shadow beside the optimizer, and attach to that."""

        def stop(error: LrwatchError) -> None:
            self.model.stop_training = True

        self._release()
        self._shadow = _shadow(self.model)
        n_epochs, n_batches = self.params.get("epochs") or 0, self.params.get("steps") or 0
        self._watches.open(
            [self._shadow],
            self.model,
            log_dir=None,
            writes=True,
            stop=stop,
            total_steps=n_epochs * n_batches or None,
        )
        self.model.__dict__.update({name: self._settled(name) for name in _SAVES})

    @harmless
    def on_train_end(self, logs: Any = None) -> None:
        """Judge what is left, and take the shadow away."""
        self._watches.close()
        self._release()

    def _settled(self, name: str) -> Callable[..., Any]:
        """The method of the model, called when no trial is in its weights any more."""
        method: Callable[..., Any] = getattr(self.model, name)

        @functools.wraps(method)
        def settled(*args: Any, **kwargs: Any) -> Any:
            self._watches.state_dict()  # whoever asks for that saves the run
            return method(*args, **kwargs)

        return settled

    def _release(self) -> None:
        if self._shadow is not None:
            for name in _SAVES:
                self.model.__dict__.pop(name, None)
            for optimizer in (self.model.optimizer, _inner(self.model.optimizer)):
                for name in ("apply", "scale_loss", "_get_current_learning_rate"):
                    vars(optimizer).pop(name, None)
        self._shadow = None


def _shadow(model: Any) -> Shadow:
    """Put a shadow into the way of the model's optimizer, within a ``LossScaleOptimizer``."""
    outer, weights = model.optimizer, [v.value for v in model.trainable_variables]
    if not outer.built:
        outer.build(model.trainable_variables)
    optimizer = _inner(outer)
    beside = [*optimizer.variables, *model.non_trainable_variables]
    kept = {i: v.value for i, v in enumerate(beside) if v.name not in _GO_ON and _is_real(v)}
    apply, scale_loss, scaled_apply = optimizer.apply, outer.scale_loss, outer.apply
    current = optimizer._get_current_learning_rate
    pending: list[Callable[[], Any]] = []
    n_stepped = 0

    def rates() -> Sequence[Any]:
        rate = current()
        return [getattr(rate, "value", rate)]

    def update(scaled: Sequence[Any]) -> None:
        vars(optimizer)["_get_current_learning_rate"] = lambda: scaled[0]
        try:
            pending[-1]()
        finally:
            del vars(optimizer)["_get_current_learning_rate"]

    shadow = Shadow([weights], rates, update, lambda: {weights[0]: kept})

    def stepped(grads: Any, trainable_variables: Any = None) -> None:
        nonlocal n_stepped
        n_stepped += 1
        for weight, grad in zip(weights, grads, strict=True):
            scale = optimizer.loss_scale_factor
            weight.grad = grad if grad is None or not scale else grad / scale
        pending[:] = [lambda: apply(grads, trainable_variables)]
        shadow.announce()
        shadow.step()
        pending.clear()

    def scaled_loss(loss: Any) -> Any:
        say_loss(shadow, loss)
        return scale_loss(loss)

    def unless_skipped(*arguments: Any, **named: Any) -> None:
        before = n_stepped
        scaled_apply(*arguments, **named)
        if n_stepped == before:
            shadow.announce()
            say_skipped(shadow)

    vars(optimizer)["apply"] = stepped
    vars(outer)["scale_loss"] = scaled_loss
    if outer is not optimizer:
        vars(outer)["apply"] = unless_skipped
    return shadow


def _inner(optimizer: Any) -> Any:
    return getattr(optimizer, "inner_optimizer", optimizer)


def _is_real(variable: Any) -> bool:
    """Whether it holds real numbers, unlike a count or the state of a random generator."""
    return bool(variable.value.is_floating_point())
