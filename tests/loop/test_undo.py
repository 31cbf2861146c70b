"""A skipped update of an optimizer that is none of torch's: made, and taken back bit for bit."""

from collections import deque
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrwatch import attach
from lrwatch.loop.backoff.undo import Undo, keeps_still
from tests.loop.training import loss_of, small_model


class ReadsEveryGradient(Optimizer):
    """Adam as it is often written: it asks no parameter whether there is a gradient."""

    def __init__(self, params: Any, lr: float = 0.01) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                g, state = p.grad.data, self.state[p]
                if not state:
                    state.update(n=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                state["n"] += 1
                state["m"].mul_(0.9).add_(g, alpha=0.1)
                state["v"] = state["v"] * 0.99 + 0.01 * g * g
                p.add_(state["m"] / (state["v"].sqrt() + 1e-8), alpha=-group["lr"])


class MovesWithoutGradients(Optimizer):
    """As Muon is published: zeros for a missing gradient, so that momentum and decay go on."""

    def __init__(self, params: Any, lr: float = 0.01) -> None:
        super().__init__(params, {"lr": lr, "n_steps": 0})
        self.n_steps = 0
        self.norms: deque[Tensor] = deque()
        self.history: list[tuple[Tensor, ...]] = []

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.n_steps += 1
        for group in self.param_groups:
            group["n_steps"] += 1
            for p in group["params"]:
                if p.grad is None:
                    p.grad = torch.zeros_like(p)
                state = self.state[p]
                momentum = state.setdefault("kept", {}).setdefault("b", torch.zeros_like(p))
                momentum.lerp_(p.grad, 0.1)
                self.norms.append(momentum.norm())
                self.history = [*self.history, (momentum.clone(),)][-8:]
                p.data = p.data * 0.999 - group["lr"] * momentum / (momentum.norm() + 1e-7)


class StepsByAnother(Optimizer):
    """Weights are its own, moments those of the optimizer within."""

    def __init__(self, params: Any, lr: float = 0.01) -> None:
        super().__init__(params, {"lr": lr})
        self.within = ReadsEveryGradient(
            [p for group in self.param_groups for p in group["params"]]
        )

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.within.step()


HOME_MADE = [ReadsEveryGradient, MovesWithoutGradients, StepsByAnother]


def all_of(model: nn.Module, optimizer: Any) -> str:
    """Weights and all that the optimizer holds, to the last digit."""
    kept = ("_optimizer_", "_zero_grad", "_patch", "_hook", "step", "defaults", "_warned")
    held = {n: v for n, v in vars(optimizer).items() if not n.startswith(kept)}
    within = getattr(optimizer, "within", None)
    with torch._tensor_str.printoptions(precision=17, threshold=10**6):
        return str((list(model.parameters()), held, within and within.state))


def one_step(model: nn.Module, optimizer: Optimizer, i: int, factor: float = 1.0) -> None:
    optimizer.zero_grad()
    (loss_of(model, i) * factor).backward()
    optimizer.step()


@pytest.mark.parametrize("kind", HOME_MADE)
def test_after_a_skipped_update_all_is_as_before(kind: type[Any]) -> None:
    model = small_model()
    optimizer = kind(model.parameters())
    with attach(optimizer, model, run_dir=False, stderr=False, backoff=True):
        for i in range(6):
            before = all_of(model, optimizer)
            one_step(model, optimizer, i, float("nan") if i == 3 else 1.0)
            assert (all_of(model, optimizer) == before) == (i == 3)
            assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("kind", HOME_MADE)
def test_the_first_update_of_all_may_be_the_skipped_one(kind: type[Any]) -> None:
    model = small_model()
    optimizer = kind(model.parameters())
    before = all_of(model, optimizer)
    with attach(optimizer, model, run_dir=False, stderr=False, backoff=True):
        one_step(model, optimizer, 0, float("nan"))
        assert all_of(model, optimizer) == before


def test_a_training_goes_on_as_if_the_batch_had_not_been_there() -> None:
    ends = []
    for batches in ([0, 1, None, 2, 3], [0, 1, 2, 3]):
        model = small_model()
        optimizer = ReadsEveryGradient(model.parameters())
        with attach(optimizer, model, run_dir=False, stderr=False, backoff=True):
            for i in batches:
                one_step(model, optimizer, i or 0, float("nan") if i is None else 1.0)
        ends.append(all_of(model, optimizer))
    assert ends[0] == ends[1]


def test_what_a_step_does_to_hooks_stays_done() -> None:
    model = small_model()
    optimizer = ReadsEveryGradient(model.parameters())
    told: list[int] = []
    with attach(optimizer, model, run_dir=False, stderr=False, backoff=True):

        def once(*_: Any) -> None:
            told.append(1)
            handle.remove()

        handle = optimizer.register_step_pre_hook(once)
        for i in range(3):
            one_step(model, optimizer, i, float("nan"))
    assert told == [1]


class Uncopyable(Tensor):
    def clone(self, *args: Any, **kwargs: Any) -> Tensor:
        raise MemoryError("no room")


def test_where_no_copy_can_be_made_the_gradients_are_hidden(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = small_model()
    optimizer = MovesWithoutGradients(model.parameters())
    optimizer.norms.append(torch.ones(1).as_subclass(Uncopyable))
    with attach(optimizer, model, run_dir=False, stderr=False, backoff=True):
        for i in range(4):
            one_step(model, optimizer, i, float("nan") if i == 3 else 1.0)
    assert [record.getMessage() for record in caplog.records] == [
        "no copy for a skipped update, it gets no gradients"
    ]
    assert all(p.isfinite().all() for p in model.parameters())


def test_torchs_own_optimizers_are_not_copied() -> None:
    weights = [torch.ones(1, requires_grad=True)]
    own = [torch.optim.SGD(weights), torch.optim.AdamW(weights), torch.optim.LBFGS(weights)]
    assert all(map(keeps_still, own))
    assert not any(keeps_still(kind(weights)) for kind in HOME_MADE)


def test_a_moment_that_somebody_else_holds_is_the_same_tensor() -> None:
    model = small_model()
    optimizer = ReadsEveryGradient(model.parameters())
    one_step(model, optimizer, 0)
    moments = [optimizer.state[p]["v"] for p in model.parameters()]
    undo, before = Undo(optimizer), all_of(model, optimizer)
    one_step(model, optimizer, 1)
    undo.write_back()
    assert all_of(model, optimizer) == before
    assert all(
        optimizer.state[p]["v"] is m for p, m in zip(model.parameters(), moments, strict=True)
    )


class Remembers(Optimizer):
    """Appends every gradient to one tensor, and holds what holds itself."""

    def __init__(self, params: Any) -> None:
        super().__init__(params, {"lr": 0.1})
        self.seen = torch.zeros(0)
        self.own: dict[str, Any] = {"of": self}
        self.own["own"] = self.own

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        (p,) = self.param_groups[0]["params"]
        self.seen.data = torch.cat([self.seen, p.grad])
        p.sub_(p.grad, alpha=0.1)


def test_weights_are_written_back_where_they_lie_and_what_grew_is_as_short_again() -> None:
    flat = torch.ones(6)
    weight = nn.Parameter(flat[:3])
    optimizer = Remembers([weight])
    with attach(optimizer, run_dir=False, stderr=False, backoff=True):
        for factor in (1.0, torch.nan, 1.0):
            optimizer.zero_grad()
            (weight.sum() * factor).backward()
            optimizer.step()
    assert flat.tolist() == pytest.approx([0.8, 0.8, 0.8, 1.0, 1.0, 1.0])
    assert optimizer.seen.tolist() == [1.0] * 6
