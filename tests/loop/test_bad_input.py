"""Whatever is handed in or breaks inside: the loop goes on, and strict mode says so."""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lrwatch import LrwatchError, attach
from lrwatch.loop.guard import Guard
from lrwatch.records import Alert, Point
from tests.loop.training import Told, loss_of, small_model, train


class Scalar:
    """As JAX hands out: converted by float()."""

    size = 1

    def __float__(self) -> float:
        return 2.5


class Hostile:
    def __float__(self) -> float:
        raise RuntimeError("boom")


TAKEN: dict[str, tuple[Any, float]] = {
    "float": (1.5, 1.5),
    "int": (2, 2.0),
    "bool": (True, 1.0),
    "negative zero": (-0.0, 0.0),
    "denormal": (5e-324, 5e-324),
    "large": (1e300, 1e300),
    "infinity": (math.inf, math.inf),
    "minus infinity": (-math.inf, -math.inf),
    "int beyond float": (10**400, math.inf),
    "Decimal": (Decimal("0.25"), 0.25),
    "Fraction": (Fraction(1, 4), 0.25),
    "numpy float32": (np.float32(0.5), 0.5),
    "numpy 0-d": (np.array(0.5), 0.5),
    "numpy one element": (np.array([[0.5]]), 0.5),
    "0-d tensor": (torch.tensor(0.5), 0.5),
    "1x1 tensor": (torch.tensor([[0.5]]), 0.5),
    "tensor with graph": (torch.ones(1, requires_grad=True) * 2, 2.0),
    "bfloat16": (torch.tensor(0.5, dtype=torch.bfloat16), 0.5),
    "float16": (torch.tensor(0.5, dtype=torch.float16), 0.5),
    "float8": (torch.tensor(0.5).to(torch.float8_e4m3fn), 0.5),
    "float64": (torch.tensor(1e300, dtype=torch.float64), 1e300),
    "int64 tensor": (torch.tensor(3), 3.0),
    "bool tensor": (torch.tensor(True), 1.0),
    "parameter": (nn.Parameter(torch.tensor(0.5)), 0.5),
    "like JAX": (Scalar(), 2.5),
}

REFUSED: dict[str, tuple[Any, str]] = {
    "None": (None, "got NoneType"),
    "str": ("1.5", "got str"),
    "bytes": (b"1", "got bytes"),
    "complex": (1 + 2j, "got complex"),
    "complex tensor": (torch.tensor(1j), "complex64"),
    "numpy complex": (np.complex64(1j), "complex"),
    "several elements": (torch.ones(3), r"shape \(3,\).*mean"),
    "empty tensor": (torch.ones(0), r"shape \(0,\)"),
    "numpy several": (np.ones(2), r"shape \(2,\)"),
    "meta tensor": (torch.ones((), device="meta"), "meta"),
    "list": ([1.0], "got list"),
    "dict": ({"loss": 1.0}, "got dict"),
    "object": (object(), "got object"),
}


def step_with(observed: Any) -> list[float | None]:
    weight = nn.Parameter(torch.ones(1))
    optimizer, told = torch.optim.SGD([weight], lr=0.0), Told()
    with attach(optimizer, run_dir=False, stderr=False, sinks=[told]) as watch:
        weight.sum().backward()
        watch.observe(observed)
        optimizer.step()
    return told.losses


@pytest.mark.parametrize(("value", "loss"), TAKEN.values(), ids=TAKEN.keys())
def test_every_kind_of_number_is_taken(value: Any, loss: float) -> None:
    assert step_with(value) == [loss]


def test_nan_is_taken() -> None:
    (loss,) = step_with(torch.tensor(math.nan))
    assert loss is not None
    assert math.isnan(loss)


@pytest.mark.parametrize(("value", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_anything_else_is_refused_in_one_line(
    value: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert step_with(value) == [1.0]
    (record,) = caplog.records
    assert record.getMessage().startswith("observe() refused: loss must be")
    caplog.clear()


@pytest.mark.parametrize(("value", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_in_strict_mode_it_is_an_error(
    value: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRWATCH_STRICT", "1")
    with pytest.raises((TypeError, ValueError), match=words):
        step_with(value)


def test_refusals_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False) as watch:
        for _ in range(10):
            watch.observe("nothing")
    assert len(caplog.records) == 1


def test_a_loss_that_fails_to_be_read_does_not_reach_the_loop() -> None:
    assert step_with(Hostile()) == [1.0]


class Broken(Told):
    """A sink that fails at what is named."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self.error = error
        self.n_calls = 0

    def write_point(self, point: Point) -> None:
        self.n_calls += 1
        raise self.error("broken sink")


class Failing:
    """A watcher that fails at every step."""

    alerts: Sequence[Alert] = ()
    band = None
    verdict = "undecided"

    def update(self, step: object) -> list[Alert]:
        raise ArithmeticError("broken watcher")


def trained(sinks: list[Told], *, n_steps: int = 10) -> list[float]:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, norm_every=1, check_before_step=True, sinks=sinks):
        return train(model, optimizer, n_steps)


@pytest.mark.parametrize("error", [OSError, MemoryError, RecursionError, AssertionError])
def test_a_broken_sink_is_left_out_after_three_failures(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    broken, whole = Broken(error), Told()
    logged = trained([broken, whole])
    assert whole.losses == logged
    assert broken.n_calls == 3
    assert [record.getMessage() for record in caplog.records] == [
        "the sink Broken failed, training goes on",
        "the sink Broken failed 3 times and is now left out",
    ]


def test_strict_mode_lets_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_STRICT", "1")
    with pytest.raises(OSError, match="broken sink"):
        trained([Broken(OSError)])


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, LrwatchError])
def test_what_is_meant_for_the_user_passes(error: type[BaseException]) -> None:
    with pytest.raises(error):
        trained([Broken(error)])


def test_a_broken_watcher_ends_the_judging_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reference = trained([])
    monkeypatch.setattr("lrwatch.loop.ears.Watcher", lambda **_: Failing())
    assert trained([]) == reference
    assert caplog.records[-1].getMessage() == "judging a step failed 3 times and is now left out"


PARTS = [
    "lrwatch.loop.loss.reach.Reach.before",
    "lrwatch.loop.loss.reach.Reach.after",
    "lrwatch.loop.loss.reach.Reach.rewritten",
    "lrwatch.loop.loss.objective._one",
    "lrwatch.loop.device.readback.Readback.read",
    "lrwatch.loop.loss.step_loss.StepLoss.take",
    "lrwatch.loop.gradient.step_norm.StepNorm.take",
    "lrwatch.loop.gradient.step_norm.StepNorm.before_clip",
    "lrwatch.loop.gradient.step_norm.grad_norm",
    "lrwatch.loop.step_rates.StepRates.take",
    "lrwatch.loop.sample.Sample.judged",
    "lrwatch.loop.judgement.judge.Judge.take",
    "lrwatch.loop.judgement.judge.Judge.judge",
    "lrwatch.loop.loss.step_loss.StepLoss.before_backward",
    "lrwatch.loop.loss.step_loss.StepLoss.after_backward",
    "lrwatch.loop.recorder.Recorder.before_clip",
    "lrwatch.loop.recorder.Recorder.after_clip",
    "lrwatch.loop.recorder.Recorder.say_if_idle",
    "lrwatch.loop.gradient.drift._some",
    "lrwatch.watcher.Watcher.update",
]
PARTS_OF_SCALING = [
    "lrwatch.loop.loss.objective.was_scaled",
    "lrwatch.loop.recorder.Recorder.owns",
    "lrwatch.loop.recorder.Recorder.skipped_by_scaler",
]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_no_part_that_breaks_ends_or_changes_the_training(
    part: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> list[torch.Tensor]:
        model = small_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        with attach(optimizer, run_dir=False, stderr=False, norm_every=1):
            for i in range(8):
                optimizer.zero_grad()
                model(torch.full((2, 4), 0.1 * i)).square().mean().backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
        return [p.detach().clone() for p in model.parameters()]

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error("injected")

    reference = run()
    monkeypatch.setattr(part, fail)
    assert all(torch.equal(a, b) for a, b in zip(run(), reference, strict=True))


@pytest.mark.parametrize("part", PARTS_OF_SCALING)
def test_no_part_that_breaks_ends_or_changes_a_training_with_a_gradient_scaler(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> list[torch.Tensor]:
        model = small_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
        with attach(optimizer, run_dir=False, stderr=False):
            for i in range(4):
                optimizer.zero_grad()
                loss = loss_of(model, i) * (float("inf") if i == 1 else 1.0)
                scaler.scale(loss).backward()
                scaler.step(optimizer)
                scaler.update()
        return [p.detach().clone() for p in model.parameters()]

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("injected")

    reference = run()
    monkeypatch.setattr(part, fail)
    assert all(torch.equal(a, b) for a, b in zip(run(), reference, strict=True))


def test_a_watcher_that_cannot_tell_is_asked_in_vain_and_nothing_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Mute:
        band = None

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(f"no {name}")

        def update(self, step: object) -> list[Alert]:
            return []

    monkeypatch.setattr("lrwatch.loop.ears.Watcher", lambda **_: Mute())
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=False) as watch:
        train(model, optimizer, 3)
        assert watch.alerts == []
        assert watch.verdict == "undecided"
        assert watch.state_dict() == {"v": 1, "n_steps": 3}


@pytest.mark.parametrize("optimizer", [None, "adam", nn.Linear(1, 1)])
def test_what_is_no_optimizer_is_named(optimizer: Any) -> None:
    with pytest.raises(TypeError, match=f"optimizer must be .*, got {type(optimizer).__name__}"):
        attach(optimizer)


@pytest.mark.parametrize("n_groups", [1, 3, 8, 9, 500])
def test_every_group_has_its_rate(n_groups: int) -> None:
    params = [nn.Parameter(torch.ones(1)) for _ in range(n_groups)]
    groups: list[dict[str, Any]] = [
        {"params": [p], "lr": 0.001 * (i + 1)} for i, p in enumerate(params)
    ]
    optimizer, told = torch.optim.SGD(groups), Told()
    with attach(optimizer, run_dir=False, sinks=[told]):
        for _ in range(40):
            sum(p.sum() for p in params).backward()  # type: ignore[union-attr]
            optimizer.step()
    assert {point.lrs for point in told.points} == {tuple(g["lr"] for g in groups)}


@pytest.mark.parametrize("lr", [torch.tensor(0.5), torch.tensor([0.5]), np.float32(0.5), 0.5])
def test_rates_of_any_kind_are_read_and_left_alone(lr: Any) -> None:
    model = small_model()
    optimizer, told = torch.optim.Adam(model.parameters(), lr=0.1), Told()
    optimizer.param_groups[0]["lr"] = lr
    with attach(optimizer, run_dir=False, sinks=[told]):
        train(model, optimizer, 2)
    assert {step.lr for step in told.steps} == {0.5}
    assert optimizer.param_groups[0]["lr"] is lr


class Unrated(torch.optim.Optimizer):
    """Finds its rate by itself."""

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for param in self.param_groups[0]["params"]:
            param -= 0.01 * param.grad


@pytest.mark.parametrize("defaults", [{}, {"lr": None}, {"lr": "auto"}, {"lr": torch.ones(2)}])
def test_an_optimizer_without_a_rate_is_watched_by_its_losses(defaults: dict[str, Any]) -> None:
    model, told = small_model(), Told()
    optimizer = Unrated(model.parameters(), defaults)
    with attach(optimizer, run_dir=False, sinks=[told]):
        logged = train(model, optimizer, 40)
    assert told.losses == logged
    assert {step.lr for step in told.steps} == {None}


def test_a_back_off_without_a_rate_to_scale_is_refused() -> None:
    optimizer = Unrated(small_model().parameters(), {"lr": None})
    with pytest.raises(ValueError, match="a rate to scale, but Unrated has none"):
        attach(optimizer, run_dir=False, backoff=True)


def test_a_group_without_parameters_is_no_trouble() -> None:
    model = small_model()
    groups: list[dict[str, Any]] = [{"params": []}, {"params": list(model.parameters())}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    told = Told()
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        logged = train(model, optimizer, 3)
    assert told.losses == logged
    assert None not in told.norms


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("model", 0.1, "model must be a torch.nn.Module or None, got float"),
        ("run_dir", 3, "run_dir must be a path, True, False or None, got 3"),
        ("norm_every", "ten", "norm_every must be a number >= 1 or None, got 'ten'"),
        ("total_steps", "all", "total_steps must be a number >= 1 or None, got 'all'"),
        ("sinks", [print], "a sink must have write_point, write_alert, write_action, close()"),
        ("sinks", 3, "sinks must be a list of sinks, got 3"),
        ("surrogate", "false", "surrogate must be True or False, got 'false'"),
        ("stderr", "no", "stderr must be True or False, got 'no'"),
    ],
)
def test_an_argument_of_another_kind_is_named(name: str, value: Any, words: str) -> None:
    optimizer = torch.optim.SGD(small_model().parameters(), lr=0.01)
    with pytest.raises(TypeError, match=re.escape(words)):
        attach(optimizer, **{name: value})
    assert not optimizer._optimizer_step_pre_hooks


def test_what_is_no_optimizer_is_named_with_what_was_meant() -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    given: list[tuple[Any, str]] = [
        (model, "got Sequential: the optimizer comes first, attach(optimizer, model)"),
        (torch.optim.SGD, "SGD is a class, make one of it first"),
        ([optimizer], "got list: attach to each of several optimizers by itself"),
        (list(model.parameters()), "got list"),
        (None, "got NoneType"),
    ]
    for wrong, words in given:
        with pytest.raises(TypeError, match=re.escape(words) + "$"):
            attach(wrong, optimizer)  # type: ignore[arg-type]


def test_what_fails_for_good_is_told_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    guard = Guard("judging a step")
    for _ in range(5):
        guard.failed(ZeroDivisionError("by zero"))
    words = "judging a step failed 3 times and is now left out (ZeroDivisionError: by zero)"
    assert capsys.readouterr().err == f"lrwatch: {words}\n"


def test_an_attach_that_fails_is_told_on_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr("lrwatch.loop.attach.begin", failing)
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    assert attach(optimizer).closed
    words = "lrwatch: attach() failed, the run goes on unwatched (RuntimeError('a bug of ours'))\n"
    assert capsys.readouterr().err == words
