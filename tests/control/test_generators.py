"""The random generators of the process, kept and brought back."""

import random

import numpy as np
import pytest
import torch

from lrwatch.control.generators import Generators


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), torch.rand(()).item()


def test_what_was_drawn_is_drawn_again() -> None:
    kept = Generators()
    first = drawn()
    assert drawn() != first
    kept.load()
    assert drawn() == first


@pytest.mark.parametrize("is_used", [False, True])
def test_cuda_is_asked_only_where_it_is_used(
    is_used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = torch.get_rng_state()
    asked: list[str] = []
    given: list[list[torch.Tensor]] = []

    def states() -> list[torch.Tensor]:
        asked.append("all")
        return [state]

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: is_used)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", states)
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", given.append)
    Generators().load()
    assert (asked, given) == ((["all"], [[state]]) if is_used else ([], []))
