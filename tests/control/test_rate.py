"""The rate in force is the schedule's times the scale, and the schedule never notices."""

import contextlib
import copy
import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import SGD, AdamW, Optimizer
from torch.optim import lr_scheduler as schedules

import lrwatch
from lrwatch.control.rate import RateScale

torch.set_num_threads(1)
N_STEPS = 30


def chained(opt: Optimizer) -> schedules.ChainedScheduler:
    return schedules.ChainedScheduler(
        [schedules.ConstantLR(opt, 0.5, 5), schedules.ExponentialLR(opt, 0.9)]
    )


def sequential(opt: Optimizer) -> schedules.SequentialLR:
    parts = [schedules.LinearLR(opt, 0.1, total_iters=5), schedules.CosineAnnealingLR(opt, 25)]
    return schedules.SequentialLR(opt, parts, milestones=[5])


SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "LambdaLR": lambda o: schedules.LambdaLR(o, lambda n: 1 / (1 + n)),
    "MultiplicativeLR": lambda o: schedules.MultiplicativeLR(o, lambda n: 0.97),
    "StepLR": lambda o: schedules.StepLR(o, 7),
    "MultiStepLR": lambda o: schedules.MultiStepLR(o, [4, 19]),
    "ConstantLR": lambda o: schedules.ConstantLR(o, 0.3, 9),
    "LinearLR": lambda o: schedules.LinearLR(o, 0.1, total_iters=11),
    "ExponentialLR": lambda o: schedules.ExponentialLR(o, 0.93),
    "PolynomialLR": lambda o: schedules.PolynomialLR(o, 25, 2.0),
    "CosineAnnealingLR": lambda o: schedules.CosineAnnealingLR(o, 25),
    "CosineAnnealingWarmRestarts": lambda o: schedules.CosineAnnealingWarmRestarts(o, 6, 2),
    "CyclicLR": lambda o: schedules.CyclicLR(o, 0.01, 0.3, 5, cycle_momentum=False),
    "OneCycleLR": lambda o: schedules.OneCycleLR(o, 0.3, total_steps=N_STEPS + 1),
    "ReduceLROnPlateau": lambda o: schedules.ReduceLROnPlateau(o, patience=2),
    "ChainedScheduler": chained,
    "SequentialLR": sequential,
}


def make(kind: str, lr: Any = 0.1) -> Optimizer:
    params = [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(2))]
    groups: list[dict[str, Any]] = [{"params": params[:1]}, {"params": params[1:], "lr": lr * 2}]
    if kind == "adamw":
        return AdamW(groups, lr=lr)
    if kind == "adamw-fused":
        return AdamW(groups, lr=lr, fused=True)
    return SGD(groups, lr=lr, momentum=0.9)


def give_gradients(optimizer: Optimizer) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.ones_like(p)


def rates(optimizer: Optimizer) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def run(optimizer: Optimizer, scheduler: Any, scale: float | None) -> tuple[Any, Any]:
    """The rates as scheduled and as seen inside of each step."""
    rate = RateScale(optimizer) if scale is not None else None
    applied: list[list[float]] = []
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: applied.append(rates(opt)))
    scheduled = []
    for step in range(N_STEPS):
        if rate is not None and scale is not None:
            rate.scale = scale if step >= 10 else 1.0
        give_gradients(optimizer)
        optimizer.step()
        scheduler.step(*([1.0] if isinstance(scheduler, schedules.ReduceLROnPlateau) else []))
        scheduled.append(rates(optimizer))
    return scheduled, applied


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_is_bit_identical_and_rate_is_scale_times_schedule(name: str, kind: str) -> None:
    bare, watched = make(kind), make(kind)
    plain, seen = run(bare, SCHEDULES[name](bare), None)
    scheduled, applied = run(watched, SCHEDULES[name](watched), 0.3)
    assert scheduled == plain
    assert applied[:10] == seen[:10]
    assert applied[10:] == [[lr * 0.3 for lr in step] for step in seen[10:]]


def test_every_scheduler_of_torch_is_covered() -> None:
    public = {
        name
        for name, found in vars(schedules).items()
        if isinstance(found, type) and hasattr(found, "get_last_lr") and name[0] != "_"
    }
    assert public - {"LRScheduler"} == set(SCHEDULES)


@pytest.mark.parametrize("kind", ["sgd", "adamw", "adamw-fused"])
def test_tensor_rate_is_bound_back_as_the_same_object_with_the_same_bits(kind: str) -> None:
    optimizer = make(kind, torch.tensor(0.1))
    before = [(group["lr"], group["lr"].clone()) for group in optimizer.param_groups]
    rate = RateScale(optimizer)
    for _ in range(50):
        rate.scale = 0.3
        give_gradients(optimizer)
        optimizer.step()
    for group, (lr, bits) in zip(optimizer.param_groups, before, strict=True):
        assert group["lr"] is lr
        assert torch.equal(lr, bits)


def test_capturable_step_takes_the_scaled_tensor_rate() -> None:
    moved = []
    for lr, scale in [(0.1, 0.5), (0.05, 1.0)]:
        weight = torch.nn.Parameter(torch.ones(3))
        optimizer = torch.optim.Adam([weight], lr=torch.tensor(lr), foreach=False)
        rate = RateScale(optimizer)
        rate.scale = scale
        weight.grad = torch.ones(3)
        optimizer.step()
        moved.append(weight.detach().clone())
    assert torch.equal(*moved)


def test_group_added_between_two_steps_is_scaled_too() -> None:
    optimizer = make("sgd")
    rate = RateScale(optimizer)
    rate.scale = 0.5
    late = torch.nn.Parameter(torch.ones(1))
    optimizer.add_param_group({"params": [late], "lr": 1.0})
    give_gradients(optimizer)
    optimizer.step()
    assert late.item() == 0.5
    assert rates(optimizer) == [0.1, 0.2, 1.0]


class Exploding(SGD):
    def step(self, closure: Any = None) -> Any:
        raise RuntimeError(f"at {self.param_groups[0]['lr']}")


def test_step_that_raises_leaves_the_scheduled_rate_behind() -> None:
    optimizer = Exploding([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    scheduled = optimizer.param_groups[0]["lr"]
    RateScale(optimizer).scale = 0.5
    with pytest.raises(RuntimeError, match=r"at 0\.05"):
        optimizer.step()
    with contextlib.suppress(RuntimeError):
        optimizer.step()
    assert optimizer.param_groups[0]["lr"] is scheduled


def test_rate_set_by_the_closure_during_the_step_is_kept() -> None:
    optimizer = make("sgd")
    RateScale(optimizer).scale = 0.5

    def closure() -> float:
        optimizer.param_groups[0]["lr"] = 7.0
        return 0.0

    optimizer.step(closure)
    assert rates(optimizer) == [7.0, 0.2]


def test_closing_leaves_no_hook_behind() -> None:
    optimizer = make("sgd")
    rate = RateScale(optimizer)
    rate.scale = 0.5
    rate.close()
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks
    assert not optimizer._optimizer_state_dict_pre_hooks


def test_copy_of_the_optimizer_is_not_scaled() -> None:
    optimizer = make("sgd")
    RateScale(optimizer).scale = 0.5
    twin = copy.deepcopy(optimizer)
    give_gradients(twin)
    twin.step()
    assert [float(p.detach()[0]) for g in twin.param_groups for p in g["params"]] == pytest.approx(
        [0.9, 0.8]
    )


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_scale_is_named_with_its_value(value: float) -> None:
    rate = RateScale(make("sgd"))
    with pytest.raises(ValueError, match=f"scale must be .*, got {value}"):
        rate.scale = value


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # from inside of Dynamo
def test_compiled_step_takes_the_scaled_rate() -> None:
    optimizer = make("sgd", torch.tensor(0.1))
    rate = RateScale(optimizer)
    rate.scale = 0.5
    give_gradients(optimizer)
    torch.compile(optimizer.step, backend="eager")()
    weights = [float(p.detach()[0]) for g in optimizer.param_groups for p in g["params"]]
    assert weights == pytest.approx([0.95, 0.9])
    assert rates(optimizer) == pytest.approx([0.1, 0.2])


def test_an_explicit_loan_ends_where_the_step_raises() -> None:
    optimizer = Exploding([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    rate = RateScale(optimizer, explicit=True)
    rate.scale = 0.5
    optimizer.register_step_pre_hook(lambda *_: rate.lend(optimizer))
    for _ in range(3):
        with pytest.raises(RuntimeError, match=r"at 0\.05"):
            optimizer.step()
        assert optimizer.param_groups[0]["lr"] == 0.1


def test_an_optimizer_saved_while_a_step_is_interrupted_has_the_scheduled_rate() -> None:
    optimizer = Exploding([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    rate = RateScale(optimizer)
    rate.scale = 0.5
    try:
        optimizer.step()
    except RuntimeError:
        saved = optimizer.state_dict()  # the traceback holds the frame of the step
    assert saved["param_groups"][0]["lr"] == 0.1


def test_a_closure_is_scaled_from_its_beginning_also_where_another_hook_wraps_it() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    lbfgs = torch.optim.LBFGS([weight], lr=1.0)
    rate = RateScale(lbfgs, explicit=True)
    lbfgs.register_step_pre_hook(
        lambda optimizer, args, kwargs: ((args[0], functools.partial(args[1])), kwargs)
    )
    rate.scale = 0.5
    seen: list[float] = []

    def closure() -> torch.Tensor:
        seen.append(lbfgs.param_groups[0]["lr"])
        lbfgs.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    lbfgs.step(closure)
    rate.give_back()
    assert set(seen) == {0.5}
    assert lbfgs.param_groups[0]["lr"] == 1.0


def test_a_step_with_a_closure_that_raises_leaves_the_scheduled_rate_behind() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    sgd = SGD([weight], lr=1.0)
    rate = RateScale(sgd, explicit=True)
    rate.scale = 0.5

    def closure() -> float:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        sgd.step(closure)
    assert sgd.param_groups[0]["lr"] == 1.0


def test_a_closure_given_by_name_is_scaled_from_its_beginning() -> None:
    weight = torch.nn.Parameter(torch.ones(1))
    sgd = SGD([weight], lr=1.0)
    rate = RateScale(sgd, explicit=True)
    rate.scale = 0.5
    seen: list[float] = []

    def closure() -> float:
        seen.append(sgd.param_groups[0]["lr"])
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        sgd.step(closure=closure)
    assert seen == [0.5]
    assert sgd.param_groups[0]["lr"] == 1.0


class Unscalable(float):
    """A rate that a schedule of the user's made, and that nothing can be multiplied with."""

    def __mul__(self, other: object) -> float:
        raise ArithmeticError("no product")

    def __neg__(self) -> float:
        return -float(self)


def test_a_rate_that_cannot_be_scaled_is_left_alone_and_the_step_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))
    odd = Unscalable(0.25)
    groups: list[dict[str, Any]] = [{"params": [first]}, {"params": [second], "lr": odd}]
    sgd = SGD(groups, lr=0.5, foreach=False)
    rate = RateScale(sgd)
    rate.scale = 0.1
    for _ in range(2):
        first.grad, second.grad = torch.ones(1), torch.ones(1)
        sgd.step()
    assert (first.item(), second.item()) == (0.0, 0.5)
    assert [group["lr"] for group in sgd.param_groups] == [0.5, odd]
    assert rate.scale == 1.0
    assert [record.message for record in caplog.records] == [
        "the rate could not be scaled and is left alone"
    ]


def test_under_strict_a_rate_that_cannot_be_scaled_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_STRICT", "1")
    sgd = SGD([torch.nn.Parameter(torch.ones(1))], lr=Unscalable(0.25))
    RateScale(sgd).scale = 0.1
    with pytest.raises(ArithmeticError, match="no product"):
        sgd.step()


def test_hot_run_of_lbfgs_is_rescued() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    x = torch.randn(128, 8)
    y = (x[:, 0] * x[:, 1] > 0).long()
    lbfgs = torch.optim.LBFGS(model.parameters(), lr=50.0)

    def closure() -> torch.Tensor:
        lbfgs.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        return loss

    with lrwatch.attach(lbfgs, model, run_dir=False, backoff=True, stderr=False):
        losses = [float(lbfgs.step(closure).detach()) for _ in range(40)]
    assert losses[-1] < 0.01
