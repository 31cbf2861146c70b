"""The gradient norm of a step: exact, before clipping, and taken as often as it may cost."""

import itertools
import math
import random
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from lrwatch import attach
from lrwatch.loop.gradient.grad_norm import Cadence, grad_norm
from tests.loop.training import Told, exact_norm, loss_of, small_model

N = 12


def with_grad(gradient: Tensor) -> nn.Parameter:
    param = nn.Parameter(torch.zeros_like(gradient))
    param.grad = gradient
    return param


def sparse(dtype: torch.dtype) -> Tensor:
    indices = torch.tensor([[0, 2, 0]])  # row 0 twice: it counts once, with the sum
    return torch.sparse_coo_tensor(
        indices, torch.ones(3, 4, dtype=dtype), (5, 4), check_invariants=True
    )


GRADIENTS = {
    "float32": [torch.full((3, 2), 2.0), torch.arange(5.0)],
    "float64": [torch.full((3,), 1e200, dtype=torch.float64)],
    "float16 whose sum of squares overflows": [torch.full((1000,), 3000.0, dtype=torch.float16)],
    "bfloat16 and float32": [torch.ones(300, dtype=torch.bfloat16), torch.ones(4)],
    "float32 and float64": [torch.ones(3), torch.ones(4, dtype=torch.float64)],
    "float32 and large float64": [torch.ones(3), torch.full((4,), 1e100, dtype=torch.float64)],
    "sparse": [sparse(torch.float32), torch.ones(2)],
    "sparse float16": [sparse(torch.float16)],
    "empty": [torch.ones(0, 3), torch.ones(4)],
    "only empty": [torch.ones(0)],
    "zero": [torch.zeros(4)],
    "scalar": [torch.tensor(-3.0)],
    "complex": [torch.tensor([3 + 4j])],
    "not contiguous": [torch.ones(6, 4)[::2, 1:]],
}


@pytest.mark.parametrize("gradients", GRADIENTS.values(), ids=GRADIENTS.keys())
def test_the_norm_is_that_of_all_gradients_in_double(gradients: list[Tensor]) -> None:
    dense = [g.to_dense() if g.is_sparse else g for g in gradients]
    flat = [g.flatten().to(torch.complex128).abs() for g in dense]
    norm = grad_norm([with_grad(g) for g in gradients])
    assert norm is not None
    assert float(norm.value) == pytest.approx(float(torch.cat(flat).norm()), rel=1e-6)


def test_nothing_is_sent_to_the_cpu_where_it_would_be_read_before_it_arrives() -> None:
    norm = grad_norm([with_grad(torch.ones(3)), with_grad(torch.ones(3, device="meta"))])
    assert norm is not None
    assert norm.value.device.type == "meta"


def test_missing_gradients_count_nothing() -> None:
    norm = grad_norm([nn.Parameter(torch.ones(3)), with_grad(torch.full((4,), 2.0))])
    assert norm is not None
    assert float(norm.value) == 4.0


def test_no_gradient_at_all_has_no_norm() -> None:
    assert grad_norm([nn.Parameter(torch.ones(3))]) is None
    assert grad_norm([]) is None


def test_the_norm_keeps_no_graph() -> None:
    weight = nn.Parameter(torch.ones(3))
    weight.grad = weight * 2  # as backward(create_graph=True) leaves it
    norm = grad_norm([weight])
    assert norm is not None
    assert weight.grad.requires_grad
    assert not norm.value.requires_grad


Clip = Callable[[Iterable[Tensor]], object]


def by_namespace(params: Iterable[Tensor]) -> object:
    return torch.nn.utils.clip_grad_norm_(params, 0.1)


def by_name_imported_before(params: Iterable[Tensor]) -> object:
    return clip_grad_norm_(params, 0.1)


def by_pieces(params: Iterable[Tensor]) -> object:
    params = list(params)
    norm = torch.nn.utils.get_total_norm([p.grad for p in params if p.grad is not None])
    return torch.nn.utils.clip_grads_with_norm_(params, 0.1, norm)


def by_largest_entry(params: Iterable[Tensor]) -> object:
    return clip_grad_norm_(params, 0.1, norm_type=math.inf)


def one_by_one(params: Iterable[Tensor]) -> object:
    return [clip_grad_norm_(p, 0.1) for p in params]


def by_value(params: Iterable[Tensor]) -> object:
    return torch.nn.utils.clip_grad_value_(params, 0.01)


def twice(params: Iterable[Tensor]) -> object:
    params = list(params)
    return clip_grad_norm_(params, 0.1), clip_grad_norm_(params, 0.01)


CLIPS = [
    by_namespace,
    by_name_imported_before,
    by_pieces,
    by_largest_entry,
    one_by_one,
    by_value,
    twice,
]


@pytest.mark.parametrize("clip", CLIPS)
def test_the_norm_is_the_one_before_clipping(clip: Clip) -> None:
    model, told, exact = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            loss_of(model, i).backward()
            exact.append(exact_norm(model))
            clip(model.parameters())
            optimizer.step()
    assert told.norms == pytest.approx(exact, rel=1e-6)
    assert min(exact) > 0.1


def test_clipping_gives_the_norm_at_every_step_for_nothing() -> None:
    model, told, returned = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, norm_every=1000, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            loss_of(model, i).backward()
            returned.append(clip_grad_norm_(model.parameters(), 0.1).item())
            optimizer.step()
    assert told.norms == returned


def test_clipping_more_than_the_optimizer_holds_is_no_norm_of_it() -> None:
    model, told, exact = small_model(), Told(), []
    first = torch.optim.SGD(model[0].parameters(), lr=0.01)
    second = torch.optim.SGD(model[2].parameters(), lr=0.01)
    with attach(first, run_dir=False, norm_every=1, sinks=[told]):
        for i in range(N):
            model.zero_grad()
            loss_of(model, i).backward()
            exact.append(exact_norm(model[0]))
            clip_grad_norm_(model.parameters(), 0.1)
            first.step()
            second.step()
    assert told.norms == pytest.approx(exact, rel=1e-6)


def test_frozen_parameters_among_the_clipped_make_no_difference() -> None:
    model, told, returned = small_model(), Told(), []
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model[2].parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, norm_every=1000, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            loss_of(model, i).backward()
            returned.append(clip_grad_norm_(model.parameters(), 0.1).item())
            optimizer.step()
    assert told.norms == returned


def test_clipping_of_another_model_is_not_taken() -> None:
    model, other, told, exact = small_model(), small_model(1), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            loss_of(model, i).backward()
            loss_of(other, i).backward()
            clip_grad_norm_(other.parameters(), 0.1)
            exact.append(exact_norm(model))
            optimizer.step()
    assert told.norms == pytest.approx(exact, rel=1e-6)


def test_clipping_each_micro_batch_keeps_the_summed_loss() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            parts = [loss_of(model, 2 * i), loss_of(model, 2 * i + 1)]
            for part in parts:
                part.backward()
                clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            logged.append(sum(part.item() for part in parts))
    assert told.losses == logged


def test_clipping_each_micro_batch_gives_the_norm_of_what_was_summed_by_the_last() -> None:
    model, told, returned = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            for k in (2 * i, 2 * i + 1):
                loss_of(model, k).backward()
                norm = clip_grad_norm_(model.parameters(), 0.1)
            optimizer.step()
            returned.append(norm.item())
    assert told.norms == returned


def test_the_norm_of_a_batch_that_the_user_left_out_is_not_that_of_the_next_step() -> None:
    model, told, returned = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=False, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            (loss_of(model, i) * (math.nan if i in (3, N - 5) else 1.0)).backward()
            norm = clip_grad_norm_(model.parameters(), 0.1)
            if norm.isfinite():
                returned.append(norm.item())
                optimizer.step()
    assert told.norms == returned
    assert not told.alerts


def test_a_group_added_later_is_in_the_norm() -> None:
    model, told, exact = small_model(), Told(), []
    optimizer = torch.optim.SGD(model[0].parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        for i in range(N):
            if i == N // 2:
                optimizer.add_param_group({"params": list(model[2].parameters()), "lr": 0.5})
            model.zero_grad()
            loss_of(model, i).backward()
            exact.append(exact_norm(model if i >= N // 2 else model[0]))
            optimizer.step()
    assert told.norms == pytest.approx(exact, rel=1e-6)
    assert {point.lrs for point in told.points} == {(0.01,), (0.01, 0.5)}


def test_a_fixed_distance_gives_the_steps_that_it_divides() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, norm_every=5, sinks=[told]):
        for i in range(N):
            loss_of(model, i).backward()
            optimizer.step()
    assert [step.step for step in told.steps if step.grad_norm is not None] == [0, 5, 10]


def taken(cost_s: float, step_s: float, n_steps: int = 1000) -> list[int]:
    cadence, steps, now_s = Cadence(), [], 1000.0
    for step in range(n_steps):
        if cadence.due(step, now_s):
            cadence.took(step, now_s, now_s + cost_s)
            now_s += cost_s
            steps.append(step)
        now_s += step_s
    return steps


@pytest.mark.parametrize(("cost_s", "every"), [(0.0003, 1), (0.0007, 2)])
def test_long_steps_have_their_norm_every_time_or_nearly_so(cost_s: float, every: int) -> None:
    assert taken(cost_s=cost_s, step_s=0.2)[256:] == list(range(255 + every, 1000, every))


@pytest.mark.parametrize(("cost_s", "every"), [(10e-6, 5), (20e-6, 10), (30e-6, 15)])
def test_short_steps_have_it_as_often_as_two_in_a_thousand_pay_for(
    cost_s: float, every: int
) -> None:
    steps = taken(cost_s=cost_s, step_s=0.001)
    assert steps[-1] - steps[-2] == pytest.approx(every, abs=1)


def test_a_norm_whose_cost_varies_takes_its_share_of_the_time_and_no_more() -> None:
    cadence, rng, now_s, spent_s = Cadence(), random.Random(0), 1000.0, 0.0
    for step in range(20_000):
        if cadence.due(step, now_s):
            cost_s = 50e-6 * rng.uniform(0.6, 1.4)
            cadence.took(step, now_s, now_s + cost_s)
            spent_s += cost_s
        now_s += 0.004
    assert spent_s == pytest.approx(0.002 * (now_s - 1000.0), rel=0.1)


def test_pressed_for_it_every_step_has_it_whatever_it_costs() -> None:
    cadence = Cadence(n_young=0)
    cadence.press(True)
    for step in range(5):
        assert cadence.due(step, 0.001 * step)
        cadence.took(step, 0.001 * step, 0.001 * step + 1.0)
        assert cadence.due_s < 0.001 * step
    cadence.press(False)
    assert not cadence.due(5, 1.006)


def test_a_fixed_distance_is_kept_under_pressure() -> None:
    cadence = Cadence(5)
    cadence.press(True)
    assert [step for step in range(12) if cadence.due(step, 0.001 * step)] == [0, 5, 10]


def test_twenty_steps_never_pass_without_it() -> None:
    steps = taken(cost_s=1.0, step_s=0.001)
    assert {b - a for a, b in itertools.pairwise(steps[256:])} == {20}


def test_a_young_run_has_it_every_time_whatever_it_costs() -> None:
    assert taken(cost_s=1.0, step_s=0.001)[:258] == [*range(256), 275, 295]


def test_a_run_that_is_seen_from_later_on_is_young_then() -> None:
    cadence = Cadence(n_young=3)
    assert [cadence.due(step, 0.0) for step in range(1000, 1003)] == [True] * 3


def test_a_fixed_distance_is_kept_by_a_young_run() -> None:
    cadence = Cadence(5)
    assert [step for step in range(12) if cadence.due(step, 0.001 * step)] == [0, 5, 10]


@pytest.mark.parametrize("every", [0, -1])
def test_an_impossible_distance_is_named(every: int) -> None:
    model = small_model()
    with pytest.raises(ValueError, match=f"norm_every must be >= 1 or None, got {every}"):
        attach(torch.optim.SGD(model.parameters()), run_dir=False, norm_every=every)
