"""Which module holds the weights of an optimizer."""

import gc
from collections.abc import Iterable, Iterator

from torch import nn
from torch.jit import ScriptModule
from torch.optim import Optimizer

from lrwatch.control.slot import parameters


def owner_of(optimizer: Optimizer) -> nn.Module | None:
    """The smallest module with all that the optimizer trains; None where there is none.

    Every object of the process is looked at, once: about a tenth of a second for a million.
    """
    ids = _ids(optimizer)
    kinds = set(map(id, _below(nn.Module)))  # no class is asked: its own may not be hashable
    found = [m for m in gc.get_objects() if id(type(m)) in kinds]
    sized = [(_n(m.parameters()), _n(m.modules()), m) for m in _holding(found, ids)]
    return min(sized, key=lambda one: one[:2])[2] if sized else None


def inmost(model: nn.Module, optimizer: Optimizer) -> nn.Module:
    """The module that is the model of all that wrap it: what holds all that the optimizer trains.

    To save or load a wrapper saves and loads that one, too, and not the other way round.
    """
    ids = _ids(optimizer)
    while inner := next(iter(_holding(model.children(), ids)), None):
        if isinstance(inner, ScriptModule):  # which takes no hooks
            break
        model = inner
    return model


def _below(kind: type) -> Iterator[type]:
    """A class and all that derive from it: to ask each object for its class is the fastest."""
    yield kind
    derived: type
    for derived in type.__subclasses__(kind):
        yield from _below(derived)


def _ids(optimizer: Optimizer) -> set[int]:
    return {id(p) for p in parameters(optimizer) if p.requires_grad}


def _holding(modules: Iterable[nn.Module], ids: set[int]) -> list[nn.Module]:
    return [m for m in modules if ids and ids <= _held(m)]


def _held(module: nn.Module) -> set[int]:
    try:
        return {id(p) for p in module.parameters()}
    except Exception:  # one that is only half made, or with parameters() of its own
        return set()


def _n(found: Iterable[object]) -> int:
    return sum(1 for _ in found)
