"""The loss of a step, as the loop itself would log it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lrwatch import Watch, attach
from tests.loop.training import Told, batch, loss_of, small_model, train

N = 40


def test_a_plain_loop_tells_the_loss_it_logs() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=False, sinks=[told]):
        logged = train(model, optimizer, 100)
    assert told.losses == logged
    assert [step.step for step in told.steps] == list(range(100))
    assert {step.lr for step in told.steps} == {0.01}


def test_accumulated_losses_are_summed() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            loss = loss_of(model, i) / 4
            loss.backward()
            logged.append(loss.item())
            if i % 4 == 3:
                optimizer.step()
                optimizer.zero_grad()
    assert told.losses == [sum(logged[k : k + 4]) for k in range(0, N, 4)]


@pytest.mark.parametrize("set_to_none", [True, False])
def test_accumulation_is_summed_however_gradients_are_zeroed(set_to_none: bool) -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad(set_to_none=set_to_none)
            parts = [loss_of(model, 2 * i), loss_of(model, 2 * i + 1)]
            for part in parts:
                part.backward()
            optimizer.step()
            logged.append(sum(part.item() for part in parts))
    assert told.losses == logged


@pytest.mark.parametrize("set_to_none", [True, False])
def test_what_was_zeroed_before_the_step_does_not_count(set_to_none: bool) -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            loss_of(model, i + 1000).backward()  # as sharpness-aware minimisation climbs first
            optimizer.zero_grad(set_to_none=set_to_none)
            loss = loss_of(model, i)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=set_to_none)
            logged.append(loss.item())
    assert told.losses == logged


def test_each_half_of_a_gan_has_its_own_loss() -> None:
    maker, critic = small_model(), nn.Linear(1, 1)
    of_maker = torch.optim.Adam(maker.parameters())
    of_critic = torch.optim.Adam(critic.parameters())
    told_maker, told_critic = Told(), Told()
    logged_maker, logged_critic = [], []
    with (
        attach(of_maker, run_dir=False, sinks=[told_maker]),
        attach(of_critic, run_dir=False, sinks=[told_critic]),
    ):
        for i in range(N):
            x, y = batch(i)
            of_critic.zero_grad()
            real, fake = -critic(y).mean(), critic(maker(x).detach()).mean()
            real.backward()
            fake.backward()
            of_critic.step()
            of_maker.zero_grad()
            fooled = -critic(maker(x)).mean()
            fooled.backward()
            of_maker.step()
            logged_critic.append(real.item() + fake.item())
            logged_maker.append(fooled.item())
    assert told_critic.losses == logged_critic
    assert told_maker.losses == logged_maker


def test_two_backwards_and_then_two_steps_are_told_apart() -> None:
    models = [small_model(0), small_model(1)]
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.01) for model in models]
    told = [Told(), Told()]
    logged: list[list[float]] = [[], []]
    watches = [attach(o, run_dir=False, sinks=[t]) for o, t in zip(optimizers, told, strict=True)]
    for i in range(N):
        for k in (0, 1):
            optimizers[k].zero_grad()
            loss = loss_of(models[k], i)
            loss.backward()
            logged[k].append(loss.item())
        for optimizer in optimizers:
            optimizer.step()
    for watch in watches:
        watch.close()
    assert [t.losses for t in told] == logged


def test_one_loss_of_two_optimizers_is_told_to_both() -> None:
    model = small_model()
    first = torch.optim.SGD(model[0].parameters(), lr=0.01)
    second = torch.optim.Adam(model[2].parameters())
    told, logged = [Told(), Told()], []
    with (
        attach(first, run_dir=False, sinks=[told[0]]),
        attach(second, run_dir=False, sinks=[told[1]]),
    ):
        for i in range(N):
            first.zero_grad()
            second.zero_grad()
            loss = loss_of(model, i)
            loss.backward()
            first.step()
            second.step()
            logged.append(loss.item())
    assert [t.losses for t in told] == [logged, logged]


def test_tasks_that_reach_different_parameters_are_all_seen() -> None:
    trunk, heads = nn.Linear(4, 4), [nn.Linear(4, 1) for _ in range(3)]
    params = [p for m in heads for p in m.parameters()]
    optimizer, told, logged = torch.optim.SGD(params, lr=0.01), Told(), []
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            x, y = batch(i)
            optimizer.zero_grad()
            loss = ((heads[i % 3 if i > 12 else 0](trunk(x)) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            logged.append(loss.item())
    assert told.losses == logged


def test_the_loss_of_a_model_that_is_not_watched_is_left_out() -> None:
    model, other, told = small_model(), small_model(1), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    logged = []
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            (1000 * loss_of(other, i)).backward()
            logged += train(model, optimizer, 1, first=i)
            (1000 * loss_of(other, i)).backward()
    assert told.losses == logged


def test_gradients_copied_by_a_framework_still_have_a_loss() -> None:
    model, told, logged = small_model(), Told(), []
    masters = [p.detach().double().requires_grad_() for p in model.parameters()]
    optimizer = torch.optim.SGD(masters, lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            model.zero_grad()
            loss = loss_of(model, i)
            loss.backward()
            for master, param in zip(masters, model.parameters(), strict=True):
                assert param.grad is not None
                master.grad = param.grad.double()
            optimizer.step()
            logged.append(loss.item())
    assert told.losses == logged


@pytest.mark.parametrize("as_keyword", [True, False])
def test_a_closure_is_told_by_its_first_evaluation(as_keyword: bool) -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)
    evaluated: list[float] = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of(model, 0)
        loss.backward()
        evaluated.append(loss.item())
        return loss

    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        for _ in range(5):
            evaluated.clear()
            if as_keyword:
                optimizer.step(closure=closure)
            else:
                optimizer.step(closure)
            logged.append(evaluated[0])
    assert len(evaluated) > 1
    assert told.losses == logged
    assert None not in told.norms


def test_a_closure_of_an_optimizer_that_needs_none_is_told() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.AdamW(model.parameters())

    def closure() -> float:
        optimizer.zero_grad()
        loss = loss_of(model, 0)
        loss.backward()
        logged.append(loss.item())
        return loss.item()

    with attach(optimizer, run_dir=False, sinks=[told]):
        returned = [optimizer.step(closure) for _ in range(N)]
    assert told.losses == logged == returned


class Evolution(torch.optim.Optimizer):
    """Asks the closure twice for a step, and never for a gradient."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        loss = closure()
        for param in self.param_groups[0]["params"]:
            param += 1e-3 * torch.randn_like(param)
        closure()
        return loss


@pytest.mark.parametrize("as_number", [True, False])
def test_the_loss_that_a_closure_returns_is_told_where_none_went_backward(as_number: bool) -> None:
    model, told = small_model(), Told()
    optimizer = Evolution(model.parameters(), {"lr": 0.01})

    def closure() -> Any:
        loss = loss_of(model, 0)
        return loss.item() if as_number else loss

    with attach(optimizer, run_dir=False, sinks=[told]):
        returned = [float(optimizer.step(closure)) for _ in range(N)]
    assert told.losses == returned


def test_a_closure_that_returns_no_loss_is_none() -> None:
    model, told = small_model(), Told()
    optimizer = Evolution(model.parameters(), {"lr": 0.01})
    with attach(optimizer, run_dir=False, stderr=False, sinks=[told]):
        for result in (None, "loss", torch.zeros(2), 1j):
            optimizer.step(lambda result=result: result)
    assert told.losses == [None] * 4


def test_what_is_maximized_counts_with_its_sign_turned() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, maximize=True)
    with attach(optimizer, run_dir=False, stderr=False, sinks=[told]):
        for i in range(200):
            optimizer.zero_grad()
            objective = 10.0 - loss_of(model, i)
            objective.backward()
            optimizer.step()
            logged.append(-objective.item())
    assert told.losses == logged
    assert logged[-1] < logged[0] - 1.0
    assert not told.alerts


class StepsByTheLoss(torch.optim.Optimizer):
    """Takes the loss itself where others take a closure, as step sizes of Polyak's do."""

    def step(self, loss: Any = None) -> Any:
        with torch.no_grad():
            for param in self.param_groups[0]["params"]:
                param -= 0.01 * float(loss) * param.grad
        return float(loss) * 2


@pytest.mark.parametrize("as_number", [True, False])
def test_a_step_that_is_handed_the_loss_in_place_of_a_closure_gets_it_as_it_is(
    as_number: bool,
) -> None:
    model, told, logged, returned = small_model(), Told(), [], []
    optimizer = StepsByTheLoss(model.parameters(), {"lr": 0.01})
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            loss = loss_of(model, i)
            loss.backward()
            logged.append(loss.item())
            returned.append(optimizer.step(loss.item() if as_number else loss.detach()))
    assert told.losses == logged
    assert returned == [2 * loss for loss in logged]


@pytest.mark.parametrize("n_optimizers", [1, 4])
def test_steps_made_within_backward_have_its_loss(n_optimizers: int) -> None:
    model, logged = small_model(), []
    params = list(model.parameters())
    optimizers = [torch.optim.SGD([p], lr=0.01) for p in params]
    told = [Told() for _ in params[:n_optimizers]]
    watches = [attach(o, run_dir=False, sinks=[t]) for o, t in zip(optimizers, told, strict=False)]

    def step(param: Tensor) -> None:
        optimizer = optimizers[next(i for i, p in enumerate(params) if p is param)]
        optimizer.step()
        optimizer.zero_grad()

    for param in params:
        param.register_post_accumulate_grad_hook(step)
    for i in range(N):
        loss = loss_of(model, i)
        loss.backward()
        logged.append(loss.item())
    for watch in watches:
        watch.close()
    assert [t.losses for t in told] == [logged] * n_optimizers


def test_backward_inside_of_backward_is_not_counted() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        for i in range(N):
            x, y = batch(i)
            optimizer.zero_grad()
            out = checkpoint(model, x.requires_grad_(), use_reentrant=True)
            loss = ((out - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            logged.append(loss.item())
    assert told.losses == logged


def test_a_root_of_several_elements_counts_with_its_weights() -> None:
    weight = nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer, told = torch.optim.SGD([weight], lr=0.0), Told()
    with attach(optimizer, run_dir=False, sinks=[told]):
        (weight * 3).backward(torch.tensor([1.0, 0.5]))
        optimizer.step()
        torch.autograd.backward([weight.sum(), (2 * weight).sum()])
        optimizer.step()
    assert told.losses == [3.0 * 1 + 0.5 * 6, 3.0 + 6.0]


def test_a_loss_changed_in_place_after_backward_is_told_as_it_was() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        loss = loss_of(model, 0)
        expected = loss.item()
        loss.backward()
        loss.detach().mul_(0)  # as an all_reduce for the log would
        optimizer.step()
    assert told.losses == [expected]


def test_a_backward_that_fails_leaves_no_loss_behind() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]):
        with pytest.raises(RuntimeError, match="scalar outputs"):
            model(batch(0)[0]).backward()
        logged = train(model, optimizer, 3)
    assert told.losses == logged


def test_an_observed_loss_comes_before_that_of_backward() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]) as watch:
        for i in range(4):
            optimizer.zero_grad()
            loss_of(model, i).backward()
            if i % 2:
                watch.observe(99)
                watch.observe(torch.tensor(float(i)))
            optimizer.step()
    assert told.losses[1::2] == [1.0, 3.0]
    assert told.losses[0] == loss_of(small_model(), 0).item()


def test_threads_that_take_turns_at_the_steps_say_their_losses_by_hand() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step(watch: Watch, i: int, *, by_hand: bool) -> float:
        optimizer.zero_grad()
        loss = loss_of(model, i)
        loss.backward()
        if by_hand:
            watch.observe(loss)
        optimizer.step()
        return loss.item()

    with (
        ThreadPoolExecutor(1) as one,
        ThreadPoolExecutor(1) as other,
        attach(optimizer, run_dir=False, stderr=False, sinks=[told]) as watch,
    ):
        logged = [
            (one, other)[i % 2].submit(step, watch, i, by_hand=i >= 4).result() for i in range(12)
        ]
    assert told.losses == [None] * 4 + logged[4:]


def test_gradients_set_by_hand_have_the_observed_loss() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, sinks=[told]) as watch:
        for i in range(N):
            loss = loss_of(model, i)
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            for param, gradient in zip(model.parameters(), gradients, strict=True):
                param.grad = gradient
            watch.observe(loss)
            optimizer.step()
            logged.append(loss.item())
    assert told.losses == logged


def test_a_loss_that_is_never_seen_is_asked_for_once(capsys: pytest.CaptureFixture[str]) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False):
        for _ in range(100):
            for param in model.parameters():
                param.grad = torch.ones_like(param)
            optimizer.step()
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "no loss seen" in line] == [
        "lrwatch: no loss seen in 20 steps: call watch.observe(loss) between backward() and "
        "optimizer.step()"
    ]


@pytest.mark.parametrize("n_backwards", [33, 200])
def test_many_accumulated_losses_keep_memory_constant(n_backwards: int) -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizer, told = torch.optim.SGD([weight], lr=0.0), Told()
    with attach(optimizer, run_dir=False, sinks=[told]) as watch:
        for _ in range(n_backwards):
            weight.sum().backward()
        recorder = watch._recorder
        assert recorder is not None
        assert len(recorder.loss._values) <= 33
        optimizer.step()
    assert told.losses == [float(n_backwards)]


def dtype_cases() -> list[torch.dtype]:
    return [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", dtype_cases(), ids=str)
def test_the_loss_is_exact_in_every_dtype(dtype: torch.dtype) -> None:
    weight = nn.Parameter(torch.tensor([0.1], dtype=dtype))
    optimizer, told = torch.optim.SGD([weight], lr=0.0), Told()
    with attach(optimizer, run_dir=False, sinks=[told]):
        loss = (weight * 3).sum()
        loss.backward()
        optimizer.step()
    assert told.losses == [loss.item()]
