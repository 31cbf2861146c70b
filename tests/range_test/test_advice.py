"""Advice on batch size, warm-up and decay."""

import math
from typing import Any

import pytest
import torch

import lrwatch
from lrwatch.range_test.advice import advice, batch_size_line


def made(name: str, **options: Any) -> torch.optim.Optimizer:
    optimizer: torch.optim.Optimizer = getattr(torch.optim, name)(
        [torch.zeros(1, requires_grad=True)], lr=0.1, **options
    )
    return optimizer


@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop", "NAdam", "RAdam"])
def test_adaptive_rates_go_with_the_root_of_the_batch_size(name: str) -> None:
    for optimizer in (name, made(name)):
        rate = lrwatch.rescale_lr(0.1, batch_size=64, new_batch_size=128, optimizer=optimizer)
        assert rate == pytest.approx(0.1 * math.sqrt(2))


def test_rates_of_sgd_go_with_the_batch_size_both_ways() -> None:
    sgd = made("SGD", momentum=0.9)
    up = lrwatch.rescale_lr(0.1, batch_size=64, new_batch_size=512, optimizer=sgd)
    assert up == pytest.approx(0.8)
    down = lrwatch.rescale_lr(up, batch_size=512, new_batch_size=64, optimizer=sgd)
    assert down == pytest.approx(0.1)


def test_the_name_of_an_optimizer_is_known_in_any_case() -> None:
    sizes = {"batch_size": 64, "new_batch_size": 256}
    assert lrwatch.rescale_lr(0.1, **sizes, optimizer="sgd") == 0.4
    assert lrwatch.rescale_lr(0.1, **sizes, optimizer="adamw") == 0.2


@pytest.mark.parametrize("given", ["Adam", torch.nn.Linear(1, 1)])
def test_a_warmup_is_that_of_an_optimizer(given: Any) -> None:
    with pytest.raises(TypeError, match=r"must be a torch\.optim\.Optimizer, got "):
        lrwatch.warmup_steps(given)
    with pytest.raises(ValueError, match="steps_per_epoch must be >= 1, got 0"):
        lrwatch.warmup_steps(made("SGD"), steps_per_epoch=0)


def test_no_rule_is_made_up_for_other_optimizers() -> None:
    with pytest.raises(ValueError, match="no rule with a source is known for LBFGS; there is one"):
        lrwatch.rescale_lr(0.1, batch_size=1, new_batch_size=2, optimizer=made("LBFGS"))
    assert "no rule with a source" in batch_size_line(0.1, "Muon", 1, 2)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"lr": 0.0}, "lr must be finite and > 0, got 0.0"),
        ({"batch_size": 0}, "batch_size must be >= 1, got 0"),
        ({"new_batch_size": -1}, "new_batch_size must be >= 1, got -1"),
    ],
)
def test_bad_numbers_are_named(changed: dict[str, Any], words: str) -> None:
    given = {"lr": 0.1, "batch_size": 1, "new_batch_size": 1, "optimizer": "SGD", **changed}
    with pytest.raises(ValueError, match=words):
        lrwatch.rescale_lr(**given)


@pytest.mark.parametrize(
    ("optimizer", "steps"),
    [
        (made("Adam", betas=(0.9, 0.99)), 200),
        (made("AdamW"), 2000),
        (made("RMSprop"), 200),
        (made("SGD"), 0),
    ],
)
def test_the_warm_up_is_as_long_as_the_second_average_needs(
    optimizer: torch.optim.Optimizer, steps: int
) -> None:
    assert lrwatch.warmup_steps(optimizer) == steps


def test_a_scaled_up_rate_of_sgd_warms_up_over_five_epochs() -> None:
    assert lrwatch.warmup_steps(made("SGD"), steps_per_epoch=100) == 500


def test_advice_names_warm_up_where_there_is_a_rule_and_decay_always() -> None:
    assert [line.split(":")[0] for line in advice(made("Adam"))] == ["warm-up", "decay"]
    for name in ("SGD", "Adagrad"):
        assert [line.split(":")[0] for line in advice(made(name))] == ["decay"]


def test_far_from_what_was_measured_a_new_search_is_advised() -> None:
    assert "look again" in batch_size_line(0.1, "SGD", 8, 512)
    near = batch_size_line(0.1, "AdamW", 64, 256)
    assert near == "batch size 256: rate 0.2, by the square-root rule (Malladi et al., 2022)"
