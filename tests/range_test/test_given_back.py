"""After a range test everything is as it was, bit for bit."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

import lrwatch
from lrwatch.range_test.generators import Generators
from lrwatch.range_test.given_back import GivenBack
from tests.range_test.small import (
    QUICK,
    assert_same,
    data,
    every_optimizer,
    everything,
    small,
    train,
)

MSE = nn.MSELoss()


@every_optimizer
def test_a_run_goes_on_as_if_there_had_been_no_test(
    name: str, options: dict[str, Any], n_before: int
) -> None:
    tested = small(name, **options)
    train(tested, n_before)
    before = everything(tested)
    lrwatch.find_lr(*tested, MSE, **QUICK)
    assert_same(everything(tested), before)
    after = train(tested, 12)
    untouched = small(name, **options)
    train(untouched, n_before)
    assert after == train(untouched, 12)
    assert_same(everything(tested), everything(untouched))


class TroubleError(Exception):
    pass


@pytest.mark.parametrize("error", [TroubleError, KeyboardInterrupt])
@pytest.mark.parametrize("at", [1, 30, 90])
def test_an_exception_gives_everything_back_and_passes(error: type[BaseException], at: int) -> None:
    one, n = small("AdamW"), 0
    train(one, 3)
    before = everything(one)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        nonlocal n
        n += 1
        if n == at:
            raise error
        found: Tensor = MSE(output, target)
        return found

    with pytest.raises(error):
        lrwatch.find_lr(*one, loss, **QUICK)
    assert_same(everything(one), before)
    one.optimizer.step()
    assert n == at


def test_an_interrupt_while_things_are_given_back_waits_until_that_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, interrupts = small("AdamW"), [KeyboardInterrupt()]
    before = everything(one)
    load = Generators.load

    def interrupted(self: Generators) -> None:
        load(self)
        if interrupts:
            raise interrupts.pop()

    kept = GivenBack([one.model], one.optimizer, one.loader, None)
    train(one, 5)
    monkeypatch.setattr(Generators, "load", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kept.restore()
    assert_same(everything(one), before)


def test_gradients_modes_and_random_states_are_the_users_own() -> None:
    one = small()
    train(one, 2)
    one.model.eval()
    one.model[0].train()
    random.seed(3)
    np.random.seed(3)
    gradient = next(one.model.parameters()).grad
    lrwatch.find_lr(*one, MSE, **QUICK)
    assert next(one.model.parameters()).grad is gradient
    assert [m.training for m in one.model.modules()] == [False, True, *[False] * 4]
    drawn = random.random(), float(np.random.rand())
    random.seed(3)
    np.random.seed(3)
    assert drawn == (random.random(), float(np.random.rand()))


def test_a_scheduler_stays_where_it_is() -> None:
    one = small("SGD")
    scheduler = torch.optim.lr_scheduler.StepLR(one.optimizer, 2)
    train(one, 3)
    scheduler.step()
    before = scheduler.state_dict()
    lrwatch.find_lr(*one, MSE, **QUICK)
    assert scheduler.state_dict() == before
    scheduler.step()
    assert one.optimizer.param_groups[0]["lr"] == pytest.approx(0.01)


def test_parameters_that_no_optimizer_has_and_replaced_buffers_come_back() -> None:
    class Odd(nn.Module):
        count: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 1)
            self.mean = nn.Parameter(torch.zeros(8), requires_grad=False)
            self.register_buffer("count", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            self.mean.data = 0.9 * self.mean + 0.1 * x.mean(0)
            self.count = self.count + 1
            found: Tensor = self.layer(x)
            return found

    torch.manual_seed(0)
    model = Odd()
    count = model.count
    optimizer = torch.optim.SGD(model.layer.parameters(), lr=0.1)
    lrwatch.find_lr(model, optimizer, DataLoader(data(), batch_size=32), MSE, **QUICK)
    assert model.count is count
    assert (count.item(), model.mean.abs().sum().item()) == (0, 0)


def test_generators_of_loader_and_data_set_come_back() -> None:
    class Noisy(torch.utils.data.Dataset[Any]):
        def __init__(self) -> None:
            self.clean = data()
            self.random = random.Random(1)
            self.numpy = np.random.default_rng(1)
            self.old = np.random.RandomState(1)

        def __len__(self) -> int:
            return len(self.clean)

        def __getitem__(self, i: int) -> Any:
            x, y = self.clean[i]
            noise = self.random.random() + float(self.numpy.random()) + self.old.rand()
            return x + 1e-3 * noise, y

    def loader() -> "DataLoader[Any]":
        generator = torch.Generator().manual_seed(5)
        return DataLoader(Noisy(), batch_size=32, shuffle=True, generator=generator)

    one, tested = small(), loader()
    lrwatch.find_lr(one.model, one.optimizer, tested, MSE, **QUICK)
    assert_same(list(tested), list(loader()))


def test_a_loader_that_knows_its_position_is_put_back_there() -> None:
    class Stateful:
        def __init__(self) -> None:
            self.loader = small().loader
            self.position = 17

        def __iter__(self) -> Iterator[Any]:
            for batch in self.loader:
                self.position += 1
                yield batch

        def state_dict(self) -> dict[str, int]:
            return {"position": self.position}

        def load_state_dict(self, state: dict[str, int]) -> None:
            self.position = state["position"]

    one, loader = small(), Stateful()
    lrwatch.find_lr(one.model, one.optimizer, loader, MSE, **QUICK)
    assert loader.position == 17


def test_batches_of_an_iterator_are_used_again_and_counted() -> None:
    one = small()
    batches = iter(list(one.loader)[:10])
    found = lrwatch.find_lr(one.model, one.optimizer, batches, MSE, **QUICK)
    assert found.lr is not None
    assert found.notes == ("10 batches were taken from the iterator, and cannot be put back",)


def test_a_loop_over_persistent_workers_goes_on_where_it_was() -> None:
    one = small()
    loader = DataLoader(data(), batch_size=32, num_workers=1, persistent_workers=True)
    batches = iter(loader)
    next(batches)
    lrwatch.find_lr(one.model, one.optimizer, loader, MSE, **QUICK)
    assert sum(1 for _ in batches) == 15


def test_the_watch_on_the_optimizer_hears_nothing_of_it() -> None:
    one = small()
    with lrwatch.attach(one.optimizer, run_dir=False, stderr=False) as watch:
        train(one, 5)
        lrwatch.find_lr(*one, MSE, **QUICK)
        assert watch.n_steps == 5
        train(one, 5)
        assert watch.n_steps == 10
        assert watch.alerts == []
