"""Weights that somebody puts in place, or saves, in the middle of a trial: nothing is mixed up."""

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import lrwatch
from lrwatch.control.exchanged import Exchanged
from lrwatch.control.owner import inmost, owner_of
from lrwatch.control.saving import Saving
from tests.control.plateau import Plateau

BEST = {"weight": torch.full((1, 4), 77.0)}


def on_trial(run: Plateau) -> bool:
    return run.ladder._course.contest is not None


def test_weights_that_are_loaded_in_a_trial_stay_when_the_run_ends(tmp_path: Path) -> None:
    run = Plateau(tmp_path).until_a_trial()
    run.model.load_state_dict(BEST)
    assert not on_trial(run)
    assert torch.equal(run.weight(), BEST["weight"])
    run.watch.close()
    assert torch.equal(run.weight(), BEST["weight"])


@pytest.mark.parametrize("closes", [True, False])
def test_weights_that_are_written_in_a_trial_stay_when_the_run_ends(
    tmp_path: Path, closes: bool
) -> None:
    run = Plateau(tmp_path).until_a_trial()
    run.model.weight.data.fill_(77.0)
    if closes:
        run.watch.close()
    del run.optimizer
    assert torch.equal(run.weight(), BEST["weight"])


@pytest.mark.parametrize("put", [torch.full((1, 4), 77.0).double(), torch.full((1, 2), 77.0)])
def test_weights_of_another_kind_that_are_put_in_place_in_a_trial_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, put: torch.Tensor
) -> None:
    run = Plateau(tmp_path).until_a_trial()
    run.model.weight.data = put.clone()
    run.watch.close()
    assert run.model.weight.dtype == put.dtype
    assert torch.equal(run.model.weight.detach(), put)
    assert not caplog.records


def test_weights_whose_type_alone_was_changed_in_a_trial_are_others(tmp_path: Path) -> None:
    run = Plateau(tmp_path).until_a_trial()
    tried = run.weight()
    run.model.double()
    run.watch.close()
    assert torch.equal(run.weight(), tried.double())


@pytest.mark.parametrize(
    ("first", "second", "is_other"),
    [(1.0, 2.0, False), (1.0, 3.0, True), (torch.nan, 2.0, True), (1.0, torch.nan, True)],
)
def test_weights_are_others_where_one_of_them_is(
    first: float, second: float, is_other: bool
) -> None:
    weights = [nn.Parameter(torch.full((3,), value)) for value in (1.0, 2.0)]
    optimizer = torch.optim.SGD(weights, lr=0.1)
    exchanged = Exchanged(optimizer)
    exchanged.updated()
    weights[0].data.fill_(first)
    weights[1].data.fill_(second)
    assert exchanged.seen() is is_other


def test_what_is_not_a_number_before_and_after_is_the_same() -> None:
    weight = nn.Parameter(torch.tensor([1.0, torch.nan]))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    exchanged = Exchanged(optimizer)
    exchanged.updated()
    assert not exchanged.seen()


def test_an_average_that_is_swapped_in_for_a_score_and_saved_is_no_end_of_the_trial(
    tmp_path: Path,
) -> None:
    run = Plateau(tmp_path).until_a_trial()
    tried = run.weight()
    run.model.weight.data.fill_(77.0)
    assert torch.equal(run.model.state_dict()["weight"], BEST["weight"])
    run.model.weight.data.copy_(tried)
    assert on_trial(run)
    run.watch.close()
    assert (run.weight() - tried).abs().max() > 1.0


def test_a_training_that_writes_to_its_weights_after_each_update_is_brought_back(
    tmp_path: Path,
) -> None:
    run = Plateau(tmp_path).until_a_trial()
    for _ in range(2):
        run.model.weight.data.add_(1e-3)
        run.step()
    run.model.weight.data.add_(1e-3)
    tried = run.weight()
    run.watch.close()
    assert (run.weight() - tried).abs().max() > 1.0


def test_what_is_saved_together_belongs_together_however_often(tmp_path: Path) -> None:
    run = Plateau(tmp_path)
    was_on_trial = False
    for n in range(1000):
        run.step()
        if n % 10 == 9:
            was_on_trial = was_on_trial or on_trial(run)
            saved = run.model.state_dict()["weight"].clone()
            run.optimizer.state_dict()
            assert torch.equal(saved, run.weight())
    assert was_on_trial
    run.watch.close()


@pytest.mark.parametrize("settings", [{"model": None}, {}])
def test_the_model_is_found_within_what_wraps_it_and_without_being_named(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    run = Plateau(tmp_path, **settings)
    run.watch.close()
    run.model = nn.Linear(4, 1, bias=False)
    run.wrapped = nn.Sequential(run.model)
    run.optimizer = torch.optim.SGD(run.model.parameters(), lr=0.1)
    given = settings.get("model", run.wrapped)
    run.watch = lrwatch.attach(
        run.optimizer, given, backoff=True, run_dir=tmp_path / "2", stderr=False
    )
    run.n = 0
    run.until_a_trial()
    tried = run.weight()
    assert (run.model.state_dict()["weight"] - tried).abs().max() > 1.0
    assert not on_trial(run)
    run.watch.close()
    assert not run.model._state_dict_pre_hooks
    assert not run.model._load_state_dict_pre_hooks


def test_a_model_that_was_pickled_in_a_run_can_be_loaded(tmp_path: Path) -> None:
    run = Plateau(tmp_path)
    copied = pickle.loads(pickle.dumps(run.model))
    copied.load_state_dict(BEST)
    assert torch.equal(copied.weight.detach(), BEST["weight"])
    run.watch.close()


def trial_that_cannot_be_called_off(optimizer: torch.optim.Optimizer) -> Saving:
    def settle(why: str) -> None:
        raise MemoryError(why)

    return Saving(optimizer, None, settle=settle, is_safe=lambda: True, step=lambda: 0)


def test_a_trial_that_cannot_be_called_off_keeps_no_run_from_being_saved(
    caplog: pytest.LogCaptureFixture,
) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    saving = trial_that_cannot_be_called_off(optimizer)
    assert optimizer.state_dict()["param_groups"][0]["lr"] == 0.1
    assert [record.message for record in caplog.records] == [
        "the back-off could not call a trial off"
    ]
    saving.close()


def test_under_strict_a_trial_that_cannot_be_called_off_raises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LRWATCH_STRICT", "1")
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    saving = trial_that_cannot_be_called_off(optimizer)
    with pytest.raises(MemoryError, match="the run is being saved"):
        optimizer.state_dict()
    saving.close()


def test_of_several_modules_with_the_weights_the_inmost_is_the_owner() -> None:
    class Broken(nn.Module):
        def parameters(self, recurse: bool = True) -> Any:
            raise RuntimeError("not yet")

    model, broken = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), Broken()
    outer = nn.ModuleDict({"model": nn.Sequential(model), "frozen": nn.Linear(2, 2)})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    assert owner_of(optimizer) is model
    assert inmost(outer, optimizer) is model
    assert inmost(broken, optimizer) is broken
    assert owner_of(torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)) is None


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.filterwarnings("ignore:.*jit.*:DeprecationWarning")
def test_a_scripted_model_which_takes_no_hooks_is_acted_on(is_named: bool) -> None:
    model = torch.jit.script(nn.Linear(4, 1))
    for outer in (model, nn.Sequential(model)):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        named = outer if is_named else None
        with lrwatch.attach(optimizer, named, backoff=True, run_dir=False) as watch:
            assert watch.backoff is not None


def test_statistics_of_a_model_that_was_not_named_are_mended_too() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with lrwatch.attach(optimizer, backoff=True, run_dir=False, stderr=False):
        for n in range(60):
            x = torch.randn(8, 4)
            x[0, 0] = torch.nan if n == 40 else x[0, 0]
            optimizer.zero_grad()
            (model(x) - x.sum(1, keepdim=True)).square().mean().backward()
            optimizer.step()
    assert torch.isfinite(model.eval()(torch.randn(8, 4))).all()


def test_a_class_that_cannot_be_hashed_does_not_end_the_search() -> None:
    class Odd(type):
        def __eq__(cls, other: object) -> bool:
            return NotImplemented

        __hash__ = None  # type: ignore[assignment]

    class Thing(metaclass=Odd):
        def __init__(self) -> None:
            self.items: list[object] = []

    thing, model = Thing(), nn.Linear(2, 1)
    assert owner_of(torch.optim.SGD(model.parameters(), lr=0.1)) is model
    assert thing.items == []
