"""find_lr() on real trainings."""

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

import lrwatch
from lrwatch.range_test.progress import Progress
from lrwatch.range_test.search import Run
from tests.range_test.small import QUICK, Small, data, small, train

MSE = nn.MSELoss()


def trained(one: Small, lr: float) -> float:
    one.optimizer.param_groups[0]["lr"] = lr
    return sum(train(one, 150)[-16:]) / 16


@pytest.mark.parametrize(("name", "lr"), [("SGD", 1e-5), ("AdamW", 3.0)])
def test_training_at_the_suggestion_beats_training_far_from_it(name: str, lr: float) -> None:
    found = lrwatch.find_lr(*small(name, lr=lr), MSE)
    assert found.lr is not None
    losses = [trained(small(name), found.lr * factor) for factor in (0.01, 1.0, 100.0)]
    assert losses[1] < 0.95 * losses[0]
    assert not losses[1] > 0.95 * losses[2]


def test_the_rate_of_the_optimizer_does_not_matter() -> None:
    rates = [lrwatch.find_lr(*small("SGD", lr=lr), MSE, **QUICK).lr for lr in (1e-4, 1.0)]
    assert rates[0] == pytest.approx(rates[1], rel=0.05)


def test_the_same_start_gives_the_same_finding() -> None:
    one = small("AdamW")
    assert lrwatch.find_lr(*one, MSE, **QUICK) == lrwatch.find_lr(*one, MSE, **QUICK)


def test_every_group_keeps_its_ratio_to_the_first() -> None:
    model = nn.Linear(8, 1)
    groups = [{"params": [model.weight], "lr": 0.1}, {"params": [model.bias], "lr": 0.02}]
    optimizer = torch.optim.SGD(groups)
    seen = set()

    def look(optimizer: Any, args: Any, kwargs: Any) -> None:
        rates = [group["lr"] for group in optimizer.param_groups]
        seen.add(round(rates[1] / rates[0], 6))

    optimizer.register_step_post_hook(look)
    # a step hook of the user's is called with the rates of the step
    lrwatch.find_lr(model, optimizer, DataLoader(data(), batch_size=32), MSE, **QUICK)
    assert seen == {0.2}
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.02]


def test_accumulated_batches_are_one_step() -> None:
    whole = DataLoader(data(), batch_size=64)
    half = DataLoader(data(), batch_size=32)
    model = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    once = lrwatch.find_lr(model, optimizer, whole, MSE, **QUICK)
    twice = lrwatch.find_lr(model, optimizer, half, MSE, accumulate=2, **QUICK)
    assert once.ramp.losses == pytest.approx(twice.ramp.losses, rel=1e-4)


def test_clipping_is_that_of_the_loop() -> None:
    one = small("SGD")
    free = lrwatch.find_lr(*one, MSE, **QUICK)
    clipped = lrwatch.find_lr(*one, MSE, max_grad_norm=1e-3, **QUICK)
    assert free.lr is not None
    assert clipped.lr is None or clipped.lr > 10 * free.lr


def test_mixed_precision_and_its_scaler_are_given_back() -> None:
    one = small("SGD")
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40, growth_interval=5)
    with torch.autocast("cpu", torch.bfloat16):
        loss = MSE(one.model(data().tensors[0]).float(), data().tensors[1])
    scaler.scale(loss).backward()
    scaler.step(one.optimizer)
    scaler.update()
    before = scaler.state_dict()
    found = lrwatch.find_lr(*one, MSE, autocast=torch.bfloat16, scaler=scaler, **QUICK)
    assert found.lr is not None
    assert scaler.state_dict() == before


def test_a_model_that_returns_its_loss_takes_mappings() -> None:
    class Returns(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 1)

        def forward(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
            return {"loss": MSE(self.layer(x), y)}

    model, (x, y) = Returns(), data().tensors
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found = lrwatch.find_lr(model, optimizer, [{"x": x, "y": y}], **QUICK)
    plain = lrwatch.find_lr(
        model, optimizer, [(x, y)], loss_of=lambda b: model(*b)["loss"], **QUICK
    )
    assert found.lr is not None
    assert found.lr == plain.lr


def test_a_loss_with_weights_of_its_own_is_given_back() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.log_scale = nn.Parameter(torch.zeros(()))

        def forward(self, output: Tensor, target: Tensor) -> Tensor:
            error = (output - target).square().mean()
            return error * torch.exp(-self.log_scale) + self.log_scale

    one, loss = small(), Scaled()
    one.optimizer.add_param_group({"params": [loss.log_scale], "lr": 0.01})
    lrwatch.find_lr(*one, loss, **QUICK)
    assert loss.log_scale.item() == 0


def test_a_model_without_gradients_supports_no_rate() -> None:
    one = small()

    def constant(output: Tensor, target: Tensor) -> Tensor:
        return 0.0 * output.sum() + 1.0

    found = lrwatch.find_lr(*one, constant, **QUICK)
    assert found.lr is None
    assert "flat" in found.reason
    assert str(found).startswith("no rate can be suggested: flat")


def test_a_loss_with_the_wrong_sign_supports_no_rate() -> None:
    one = small()
    for p in one.model.parameters():
        p.register_hook(torch.neg)
    found = lrwatch.find_lr(*one, MSE, **QUICK)
    assert found.lr is None
    assert "is its sign right?" in found.reason


def test_a_loss_that_is_not_finite_supports_no_rate() -> None:
    found = lrwatch.find_lr(*small(), lambda output, target: (output / 0).sum(), **QUICK)
    assert found.lr is None
    assert "not finite" in found.reason


def test_the_curve_is_there_for_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = lrwatch.find_lr(*small(), MSE, run_dir=tmp_path, **QUICK)
    board = EventAccumulator(str(tmp_path / "lr_find"))
    board.Reload()
    losses = [event.value for event in board.Scalars("lr_find/loss")]
    assert losses == pytest.approx(found.ramp.losses)
    assert len(board.Scalars("lr_find/trial_gain")) == len(found.trials)
    (answer,) = board.Tensors("lr_find/answer")
    assert f"rate {found.lr:.2g}" in answer.tensor_proto.string_val[0].decode()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"accumulate": 0}, ValueError, "accumulate must be >= 1, got 0"),
        ({"max_grad_norm": -1.0}, ValueError, r"max_grad_norm must be > 0, got -1.0"),
        ({"n_steps": 3}, ValueError, "n_steps must be >= 20, got 3"),
        ({"loss_fn": None}, TypeError, "loss_fn is needed"),
        ({"loss_fn": lambda o, t: (o - t).square()}, TypeError, r"one element, got \(32, 1\)"),
        ({"loader": []}, lrwatch.LrwatchError, "the loader has no batches"),
        ({"loader": [(1, 2, 3)]}, TypeError, "got tuple of 3: say loss_of"),
        ({"optimizer": "SGD"}, TypeError, "must be a torch.optim.Optimizer, got str"),
        ({"model": [1]}, TypeError, "model must be a torch.nn.Module, got list"),
        ({"loader": None}, TypeError, "loader must be an iterable of batches, got NoneType"),
        ({"autocast": "bf16"}, TypeError, "autocast must be a torch.dtype or None, got str"),
        ({"loss_fn": "mse"}, TypeError, "loss_fn must be callable, got 'mse'"),
        ({"loss_fn": torch.nn.MSELoss}, TypeError, r"made first: MSELoss\(\), got the class"),
        ({"loss_of": sum}, TypeError, "loss_fn and loss_of are two ways"),
    ],
)
def test_bad_use_is_named(arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    given = {**small()._asdict(), "loss_fn": MSE, **QUICK, **arguments}
    with pytest.raises(error, match=words):
        lrwatch.find_lr(**given)


@pytest.mark.parametrize(("name", "lr", "words"), [("LBFGS", 1.0, "LBFGS"), ("SGD", 0.0, "> 0")])
def test_an_optimizer_that_cannot_be_tested_is_refused(name: str, lr: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        lrwatch.find_lr(*small(name, lr=lr), MSE)


def test_progress_is_one_line_that_is_gone_at_the_end() -> None:
    stream = io.StringIO()
    with Progress(stream, wanted=True) as bar:
        bar.show(Run("ramp", (0.1,) * 4, lambda losses: False), 2)
    assert "ramp of the rate" in stream.getvalue()
    assert "[############------------]   2/4  lr 0.1" in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")
    assert "\n" not in stream.getvalue()


def test_nothing_is_printed_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    lrwatch.find_lr(*small(), MSE, **QUICK)
    assert capsys.readouterr() == ("", "")
