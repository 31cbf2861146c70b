"""From a batch to its loss, for the usual shapes of both."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

LossFn = Callable[[Any, Any], Tensor]


class BatchLoss:
    """The loss of a batch: ``loss_fn(model(inputs), targets)``, or what the model itself returns.

    A pair is inputs and targets. A mapping is handed over as keyword arguments, to a model that
    then returns its loss, as the models of Hugging Face do. For anything else there is ``loss_of``.

    Args:
        model: What is called.
        loss_fn: Loss of outputs and targets; None where the model returns its loss.
        loss_of: Takes a whole batch and returns its loss; in the place of ``loss_fn``.

    Raises:
        TypeError: If one of them cannot be called, or both are given.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: LossFn | None,
        loss_of: Callable[[Any], Tensor] | None,
    ) -> None:
        _check(loss_fn, loss_of)
        self._model = model
        self._loss_fn = loss_fn
        self._loss_of = loss_of
        first = next(model.parameters(), None)
        self._device = torch.device("cpu") if first is None else first.device

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._device

    def __call__(self, batch: Any) -> Tensor:
        """Loss of one batch, which is moved to the model's device."""
        batch = moved(batch, self._device)
        found = self._of(batch)
        if not isinstance(found, Tensor) or found.numel() != 1:
            shape = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise TypeError(f"the loss must be a tensor of one element, got {shape}")
        return found.reshape(())

    def _of(self, batch: Any) -> Any:
        if self._loss_of is not None:
            return self._loss_of(batch)
        if isinstance(batch, Mapping) and self._loss_fn is None:
            return _returned(self._model(**batch))
        if self._loss_fn is None:
            raise TypeError("loss_fn is needed, unless batches are mappings that the model takes")
        if isinstance(batch, (tuple, list)) and len(batch) == 2:
            return self._loss_fn(self._model(batch[0]), batch[1])
        raise TypeError(
            f"a batch must be a pair of inputs and targets, got {_shape(batch)}: "
            "say loss_of=lambda batch: ..."
        )


def _check(loss_fn: Any, loss_of: Any) -> None:
    for name, given in (("loss_fn", loss_fn), ("loss_of", loss_of)):
        if not (given is None or callable(given)):
            raise TypeError(f"{name} must be callable, got {given!r}")
    if isinstance(loss_fn, type) and issubclass(loss_fn, nn.Module):
        raise TypeError(f"loss_fn must be made first: {loss_fn.__name__}(), got the class")
    if loss_fn is not None and loss_of is not None:
        raise TypeError("loss_fn and loss_of are two ways to say the loss: give one of them")


def moved(batch: Any, device: torch.device) -> Any:
    """The batch with every tensor in its tuples, lists and mappings on the device."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: moved(value, device) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        values = [moved(value, device) for value in batch]
        return type(batch)(*values) if hasattr(batch, "_fields") else type(batch)(values)
    return batch


def _returned(output: Any) -> Any:
    if isinstance(output, Mapping):
        return output.get("loss")
    return getattr(output, "loss", output)


def _shape(batch: Any) -> str:
    size = f" of {len(batch)}" if isinstance(batch, (tuple, list)) else ""
    return f"{type(batch).__name__}{size}"
