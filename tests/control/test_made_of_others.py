"""Tensors made of others, as quantised weights and eight-bit moments: few functions know them."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD

from lrwatch.control.copying import tensor_bytes
from lrwatch.control.exchanged import Exchanged
from lrwatch.control.snapshot import Snapshots
from lrwatch.loop.device.readback import Readback
from lrwatch.loop.gradient.drift import Drift

torch.set_num_threads(1)


class Bytes(Tensor):
    """Eight-bit numbers and their scale; does nothing but being detached and put into parts."""

    codes: Tensor
    scale: Tensor

    @staticmethod
    def __new__(cls, codes: Tensor, scale: Tensor) -> "Bytes":
        make: Any = Tensor._make_wrapper_subclass
        made: Bytes = make(cls, codes.shape, dtype=torch.float32, device=codes.device)
        made.codes, made.scale = codes, scale
        return made

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        return ["codes", "scale"], None

    @classmethod
    def __tensor_unflatten__(cls, inner: Any, kind: None, size: Any, stride: Any) -> "Bytes":
        return cls(inner["codes"], inner["scale"])

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func is torch.ops.aten.detach.default:
            return cls(args[0].codes, args[0].scale)
        raise NotImplementedError(f"Bytes knows no {func}")


def some(code: int) -> Bytes:
    return Bytes(torch.full((4,), code, dtype=torch.uint8), torch.tensor(0.5))


def test_moments_of_eight_bits_come_back() -> None:
    weight = nn.Parameter(torch.ones(4))
    optimizer = SGD([weight], lr=0.1)
    moment = optimizer.state[weight]["moment"] = some(3)
    snapshots = Snapshots(optimizer)
    snapshots.save("here", 1)
    for code in (7, 9):  # the copy is one of its own, also after it was brought back
        moment.codes.fill_(code)
        snapshots.load("here")
        assert moment.codes.tolist() == [3, 3, 3, 3]
    optimizer.state.clear()
    snapshots.load("here")
    assert optimizer.state[weight]["moment"].codes.tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize("where", ["device", "host"])
def test_quantised_weights_come_back_and_are_no_part_of_a_distance(where: Any) -> None:
    plain, quantised = nn.Parameter(torch.ones(4)), nn.Parameter(some(3))
    optimizer = SGD([plain, quantised], lr=0.1)
    snapshots = Snapshots(optimizer, where=where)
    snapshots.save("here", 1)
    plain.data.fill_(2.0)
    parts: Any = quantised
    parts.codes.fill_(7)
    assert snapshots.displacement("here") == 1.0
    snapshots.load("here")
    assert (plain.tolist(), parts.codes.tolist()) == ([1.0] * 4, [3] * 4)


def test_what_they_take_is_what_their_parts_take() -> None:
    assert tensor_bytes(some(3)) == 4 + 4


def test_quantised_weights_that_are_exchanged_are_seen() -> None:
    weight: Any = nn.Parameter(some(3))
    optimizer = SGD([weight], lr=0.1)
    exchanged = Exchanged(optimizer)
    exchanged.updated()
    assert not exchanged.seen()
    weight.codes.fill_(7)
    assert exchanged.seen()


def test_the_way_of_quantised_weights_is_not_looked_at() -> None:
    drift = Drift(Readback())
    plain = torch.zeros(8, requires_grad=True)
    for step in range(100):
        plain.data.add_(1.0)
        drift.look(step, [plain, nn.Parameter(some(step % 8))])
    assert drift.found[-1][1] == pytest.approx(1.0)


def test_a_snapshot_that_could_not_be_taken_is_none() -> None:
    class NoRoom:
        def __deepcopy__(self, memo: Any) -> "NoRoom":
            raise torch.OutOfMemoryError("no room")

    weight = nn.Parameter(torch.ones(4))
    optimizer = SGD([weight], lr=0.1)
    snapshots = Snapshots(optimizer)
    snapshots.save("start", 0)
    optimizer.state[weight]["more"] = NoRoom()
    for name in ("start", "here"):
        with pytest.raises(torch.OutOfMemoryError):
            snapshots.save(name, 1)
    assert snapshots.steps == {}
