"""Copies lie where the tensor is, or on the host."""

import torch

from lrwatch.control.copying import room_for


def test_of_a_device_that_has_no_pinned_memory_the_host_takes_copies_all_the_same() -> None:
    room = room_for(torch.empty(3, 2, device="meta", requires_grad=True), None, host=True)
    assert room.device.type == "cpu"
    assert room.shape == (3, 2)
    assert not room.is_pinned()
    assert not room.requires_grad
