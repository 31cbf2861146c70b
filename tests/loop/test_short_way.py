"""The short way of a step: the same steps are told, whatever happens to the pattern later."""

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from lrwatch import attach
from lrwatch.loop.loss import short_loss
from lrwatch.loop.short_step import ShortStep
from lrwatch.records import Step
from tests.loop.training import Told, batch, loss_of, small_model, train

N = 30


@pytest.fixture
def n_short(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the steps that went the short way."""
    found: list[int] = []
    original = ShortStep.before_step

    def counted(self: ShortStep, optimizer: object, args: object, kwargs: object) -> object:
        if self._losses and args in ((optimizer,), (optimizer, None)):
            found.append(self.n_steps)
        return original(self, optimizer, args, kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ShortStep, "before_step", counted)
    return found


def told_of(body: Callable[[nn.Module, torch.optim.Optimizer, int], None]) -> list[Step]:
    """The steps of a loop, which ends up on the short way where it can."""
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=False, norm_every=3, sinks=[told]):
        for i in range(N):
            body(model, optimizer, i)
    return told.steps


def plain(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    train(model, optimizer, 1, first=i)


def no_closure(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    optimizer.zero_grad()
    loss_of(model, i).backward()
    optimizer.step(None)


def closure_by_name(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    optimizer.zero_grad()
    loss_of(model, i).backward()
    optimizer.step(closure=None)


def by_the_long_way(
    body: Callable[[nn.Module, torch.optim.Optimizer, int], None], patch: pytest.MonkeyPatch
) -> list[Step]:
    with patch.context() as patched:
        patched.setattr("lrwatch.loop.loss.step_loss._N_REGULAR", 10**9)
        return told_of(body)


def alike(steps: list[Step]) -> list[tuple[object, ...]]:
    return [(s.step, s.loss, s.grad_norm, s.lr, s.skipped) for s in steps]


@pytest.mark.parametrize("body", [plain, no_closure])
def test_a_plain_loop_goes_the_short_way_after_eight_steps(
    body: Callable[[nn.Module, torch.optim.Optimizer, int], None], n_short: list[int]
) -> None:
    assert len(told_of(body)) == N
    assert n_short == list(range(8, N))


def test_a_closure_goes_the_short_way_but_where_it_goes_backward_twice(n_short: list[int]) -> None:
    assert len(told_of(always_by_closure)) == N
    assert n_short == [*range(8, 13), *range(22, 27)]


def backward_twice(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    optimizer.zero_grad()
    loss_of(model, i).backward()
    if i % 14 == 13:
        loss_of(model, i + 1).backward()
    optimizer.step()


def climbs_first(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    if i % 14 == 13:
        loss_of(model, i + 500).backward()
    plain(model, optimizer, i)


def other_model_first(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    if i % 14 == 13:
        loss_of(small_model(1), i).backward()
    plain(model, optimizer, i)


def other_model_last(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    optimizer.zero_grad()
    loss_of(model, i).backward()
    if i % 14 == 13:
        loss_of(small_model(1), i).backward()
    optimizer.step()


def none_at_all(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    if i % 14 == 13:
        optimizer.step()
    plain(model, optimizer, i)


def by_closure(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    def closure() -> float:
        optimizer.zero_grad()
        loss = loss_of(model, i)
        loss.backward()
        return loss.item()

    if i % 14 == 13:
        optimizer.step(closure)
    else:
        plain(model, optimizer, i)


def weighted(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    optimizer.zero_grad()
    loss_of(model, i).backward(torch.tensor(2.0) if i % 14 == 13 else None)
    optimizer.step()


def fails_first(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    if i % 14 == 13:
        with pytest.raises(RuntimeError, match="scalar outputs"):
            model(batch(i)[0]).backward()
    plain(model, optimizer, i)


def many_rates(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    if i == 15:
        optimizer.add_param_group({"params": [nn.Parameter(torch.ones(1))], "lr": 0.5})
    optimizer.param_groups[0]["lr"] = torch.tensor(0.25) if i > 20 else 0.125
    plain(model, optimizer, i)


def clipped(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    optimizer.zero_grad()
    loss_of(model, i).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    optimizer.step()


def always_by_closure(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of(model, i)
        loss.backward()
        if i % 14 == 13:
            loss_of(model, i + 1).backward()
        return loss

    optimizer.step(closure)  # type: ignore[arg-type]


BODIES = [
    plain,
    always_by_closure,
    no_closure,
    closure_by_name,
    backward_twice,
    climbs_first,
    other_model_first,
    other_model_last,
    none_at_all,
    by_closure,
    weighted,
    fails_first,
    many_rates,
    clipped,
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_both_ways_tell_the_same(
    body: Callable[[nn.Module, torch.optim.Optimizer, int], None],
    n_short: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long = by_the_long_way(body, monkeypatch)
    assert n_short == []
    assert alike(told_of(body)) == alike(long)
    assert n_short


def test_an_observed_loss_ends_the_short_way() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]) as watch:
        train(model, optimizer, 12)
        optimizer.zero_grad()
        loss_of(model, 0).backward()
        watch.observe(99)
        optimizer.step()
        assert short_loss.losses is short_loss._CLOSED
    assert told.losses[-1] == 99.0


def test_gradients_zeroed_in_place_never_go_the_short_way(n_short: list[int]) -> None:
    def body(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
        optimizer.zero_grad(set_to_none=False)
        loss_of(model, i).backward()
        optimizer.step()

    told_of(body)
    assert n_short == []


def test_accumulated_losses_never_go_the_short_way(n_short: list[int]) -> None:
    def body(model: nn.Module, optimizer: torch.optim.Optimizer, i: int) -> None:
        loss_of(model, i).backward()
        if i % 2:
            optimizer.step()
            optimizer.zero_grad()

    told_of(body)
    assert n_short == []


def test_tied_to_a_watch_without_back_off_a_step_is_not_judged_before_its_update(
    n_short: list[int],
) -> None:
    model = small_model()
    first = attach(torch.optim.SGD(small_model(1).parameters(), lr=0.01), run_dir=False)
    first.close()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=False, backoff=first.backoff) as watch:
        train(model, optimizer, N)
        assert watch.backoff is None
    assert n_short == list(range(8, N))


def test_a_second_watch_ends_the_short_way_of_the_first(n_short: list[int]) -> None:
    models = [small_model(0), small_model(1)]
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.01) for model in models]
    told = [Told(), Told()]
    with attach(optimizers[0], run_dir=False, sinks=[told[0]]):
        logged = [train(models[0], optimizers[0], 12)]
        with attach(optimizers[1], run_dir=False, sinks=[told[1]]):
            logged.append([])
            for i in range(12):
                for k in (0, 1):
                    logged[k] += train(models[k], optimizers[k], 1, first=i)
    assert n_short == list(range(8, 12))
    assert [t.losses for t in told] == logged


def test_a_backward_of_another_thread_does_not_go_the_short_way() -> None:
    model, other, told = small_model(), small_model(1), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        logged = train(model, optimizer, 12)
        thread = threading.Thread(target=lambda: loss_of(other, 0).backward())
        thread.start()
        thread.join()
        assert short_loss.losses == []
        logged += train(model, optimizer, 12)
    assert told.losses == logged


def test_a_non_finite_loss_on_the_short_way_is_judged_at_once() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with attach(optimizer, run_dir=False, stderr=False, sinks=[told]):
        train(model, optimizer, 12)
        optimizer.zero_grad()
        (loss_of(model, 0) * float("nan")).backward()
        optimizer.step()
        assert [alert.kind for alert in told.alerts] == ["non_finite"]


def test_nothing_is_left_of_the_short_way_after_close() -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False):
        train(model, optimizer, 12)
        assert short_loss.losses == []
    assert short_loss.losses is short_loss._CLOSED


def test_an_error_on_the_short_way_ends_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def trained(n_bad: int) -> list[Tensor]:
        model = small_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        with attach(optimizer, run_dir=False):
            train(model, optimizer, 12)
            with monkeypatch.context() as patched:
                if n_bad:
                    patched.setattr("lrwatch.loop.short_step.perf_counter", lambda: 1 / 0)
                train(model, optimizer, 5, first=12)
        return [p.detach() for p in model.parameters()]

    assert all(map(torch.equal, trained(1), trained(0)))
