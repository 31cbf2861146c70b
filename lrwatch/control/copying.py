"""Copies of tensors: what they take, where they lie, and one pass over the memory to write them."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from lrwatch.ranks.shards import local

# Others, as MPS, have no pinned memory to give.
_PINNED = ("cuda", "xpu")
# Where to write, and what.
Pairs = list[tuple[Tensor, Tensor]]


def is_plain(tensor: Tensor) -> bool:
    """Whether it holds numbers itself, and not other tensors, as quantised kinds do."""
    return not hasattr(tensor, "__tensor_flatten__")


def parts(tensor: Tensor) -> list[Tensor]:
    """Itself, or the plain tensors that it is made of: few functions know of such a kind."""
    if is_plain(tensor):
        return [tensor]
    names, _ = tensor.__tensor_flatten__()  # type: ignore[attr-defined]
    return [part for name in names for part in parts(getattr(tensor, name))]


def tensor_bytes(value: Any) -> int:
    """Bytes of all tensors in a nest of dicts, lists and tuples."""
    if isinstance(value, Tensor):
        return sum(part.numel() * part.element_size() for part in parts(local(value)))
    if isinstance(value, Mapping):
        return sum(map(tensor_bytes, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(tensor_bytes, value))
    return 0


def room_for(tensor: Tensor, held: Any, *, host: bool) -> Tensor:
    """What the copy was held in before, or something new where that does not fit.

    Args:
        tensor: What is to be copied.
        held: What was kept in its place before.
        host: Take new memory in the processor's (pinned, where the device can use that).
    """
    if isinstance(held, Tensor) and held.shape == tensor.shape and held.dtype == tensor.dtype:
        return held
    if not is_plain(tensor):
        return _alike(tensor, host=host)
    if not host or tensor.device.type == "cpu":
        return torch.empty_like(tensor, requires_grad=False)
    pin = tensor.device.type in _PINNED
    return torch.empty_like(tensor, device="cpu", pin_memory=pin, requires_grad=False)


def is_writable(tensor: Tensor) -> bool:
    """Whether each element has memory of its own: not in one that was expanded, or is lazy."""
    if is_lazy(tensor):
        return False
    if tensor.layout is not torch.strided:
        return True
    return all(step or n < 2 for n, step in zip(tensor.shape, tensor.stride(), strict=True))


def copy_all(pairs: Pairs) -> None:
    """Write all of them."""
    if pairs:
        targets = [part for target, _ in pairs for part in parts(target)]
        torch._foreach_copy_(targets, [part for _, source in pairs for part in parts(source)])


def _alike(tensor: Any, *, host: bool) -> Tensor:
    """Room of the same kind, made as torch.compile does it."""
    names, kind = tensor.__tensor_flatten__()
    inner = {name: room_for(getattr(tensor, name), None, host=host) for name in names}
    made = type(tensor).__tensor_unflatten__(inner, kind, tensor.shape, tensor.stride())
    return cast(Tensor, made)
