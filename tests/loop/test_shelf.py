"""Numbers on a device without events: fetched together, and only when steps are judged.

A tensor that says it is not on the CPU stands in for one on such a device.
"""

import math

import pytest
import torch

from lrwatch import attach
from lrwatch.loop.device.readback import Readback
from lrwatch.loop.device.shelf import Shelf
from lrwatch.loop.device.slot import Slot
from tests.loop.training import Told, small_model


class Elsewhere(torch.Tensor):
    """A tensor on a device that is neither the CPU nor CUDA."""

    is_cpu = False

    device = torch.device("mps")


def elsewhere(number: float, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.tensor(number, dtype=dtype).as_subclass(Elsewhere)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many numbers were fetched at a time."""
    sizes = []
    stack = torch.stack

    def counted(tensors: list[torch.Tensor]) -> torch.Tensor:
        sizes.append(len(tensors))
        return stack(tensors)

    monkeypatch.setattr(torch, "stack", counted)
    return sizes


def test_nothing_is_fetched_until_one_is_taken_and_then_all_are(fetched: list[int]) -> None:
    readback = Readback()
    slots = [readback.read(elsewhere(float(i))) for i in range(50)]
    assert fetched == []
    assert [slot.take() for slot in slots if isinstance(slot, Slot)] == [*map(float, range(50))]
    assert fetched == [50]


def test_a_number_is_that_of_its_moment() -> None:
    value = torch.tensor(1.0)
    held = Shelf().send(value)
    value.fill_(2.0)
    assert held is not None
    assert held.take() == 1.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_dtype_arrives_as_it_was(dtype: torch.dtype) -> None:
    readback = Readback()
    slots = [readback.read(elsewhere(0.1, each)) for each in (dtype, torch.float32)]
    wanted = [torch.tensor(0.1, dtype=each).item() for each in (dtype, torch.float32)]
    assert [slot.take() for slot in slots if isinstance(slot, Slot)] == wanted


def test_who_waits_has_the_number_at_once() -> None:
    assert Readback(wait=True).read(elsewhere(0.5)) == 0.5


def test_what_is_given_up_takes_no_room() -> None:
    full = Shelf()
    for i in range(5000):
        held = full.send(torch.tensor(float(i)))
        assert held is not None
        held.give_up()
    last = full.send(torch.tensor(5.0))
    assert last is not None
    assert last.take() == 5.0


def test_a_full_shelf_costs_numbers_and_not_memory() -> None:
    readback = Readback()
    slots = [readback.read(elsewhere(float(i))) for i in range(4100)]
    assert (slots[4095] is None, slots[4096] is None) == (False, True)
    assert readback.n_lost == 4


def test_a_loop_whose_losses_lie_elsewhere_is_told_in_full_with_few_transfers(
    fetched: list[int],
) -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=False, norm_every=1000, sinks=[told]) as watch:
        for i in range(200):
            optimizer.zero_grad()
            model(torch.ones(1, 4)).sum().backward()
            watch.observe(elsewhere(math.sqrt(i)))
            optimizer.step()
    assert told.losses == [torch.tensor(math.sqrt(i)).item() for i in range(200)]
    assert sum(fetched) >= 200
    assert len(fetched) < 100
