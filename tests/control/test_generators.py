"""The random generators of the process, kept and brought back."""

import random

import numpy as np
import pytest
import torch

from lrwatch.control.generators import Generators
from lrwatch.control.keeping import Keeping, n_slots_for
from lrwatch.control.snapshot import Snapshots
from lrwatch.policy.settings import RUNGS, Backoff, Rung


def drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.random()), torch.rand(()).item()


def test_what_was_drawn_is_drawn_again() -> None:
    kept = Generators()
    first = drawn()
    assert drawn() != first
    kept.load()
    assert drawn() == first


@pytest.mark.parametrize("is_used", [False, True])
@pytest.mark.parametrize("device", ["cuda", "xpu"])
def test_a_gpu_is_asked_only_where_it_is_used(
    device: str, is_used: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = torch.get_rng_state()
    asked: list[str] = []
    given: list[list[torch.Tensor]] = []

    def states() -> list[torch.Tensor]:
        asked.append("all")
        return [state]

    module = getattr(torch, device)
    monkeypatch.setattr(module, "is_available", lambda: True)
    monkeypatch.setattr(module, "is_initialized", lambda: is_used)
    monkeypatch.setattr(module, "get_rng_state_all", states)
    monkeypatch.setattr(module, "set_rng_state_all", given.append)
    Generators().load()
    assert (asked, given) == ((["all"], [[state]]) if is_used else ([], []))


@pytest.mark.parametrize("is_there", [False, True])
def test_mps_is_kept_where_there_is_one(is_there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    state = torch.get_rng_state()
    given: list[torch.Tensor] = []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: is_there)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: state)
    monkeypatch.setattr(torch.mps, "set_rng_state", given.append)
    Generators().load()
    assert given == ([state] if is_there else [])


def test_a_trial_that_is_taken_back_draws_the_same_again_and_a_rewind_does_not() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    keeping = Keeping(Snapshots(optimizer), None, n_slots=2, backoff=Backoff())
    keeping.save("incumbent", 0)
    drawn = torch.rand(4)
    keeping.save("good0", 1)
    state = torch.get_rng_state()
    keeping.load("good0")
    assert torch.equal(torch.get_rng_state(), state)
    keeping.load("incumbent")
    assert torch.equal(torch.rand(4), drawn)


@pytest.mark.parametrize(("rungs", "said"), [(("skip", "backoff"), []), (RUNGS, ["back-off: %s"])])
def test_memory_that_is_too_small_is_told_where_a_rewind_would_need_it(
    rungs: tuple[Rung, ...], said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(100))], lr=0.1)
    backoff = Backoff(memory_cap=10, rungs=rungs)
    assert n_slots_for(backoff, Snapshots(optimizer, max_bytes=10)) == 0
    assert [record.msg for record in caplog.records] == said


def test_what_a_run_is_judged_by_comes_and_goes_with_its_weights() -> None:
    class Noted:
        def __init__(self) -> None:
            self.calls: list[tuple[str, str]] = []

        def mark(self, name: str) -> None:
            self.calls.append(("mark", name))

        def rewind(self, name: str) -> None:
            self.calls.append(("rewind", name))

    levels = Noted()
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    keeping = Keeping(Snapshots(optimizer), levels, n_slots=2, backoff=Backoff())
    keeping.save("start", 0)
    keeping.save("good0", 20)
    keeping.load("start")
    assert levels.calls == [("mark", "start"), ("mark", "good0"), ("rewind", "start")]
