"""Which column is which follows from one ordered table; a tie is an error that lists both."""

import pytest

from lrwatch.readers.column_rules import QUANTITIES, RULES
from lrwatch.readers.columns import ColumnError, Columns, choose, resolve


def columns_of(*names: str, **asked: str) -> Columns:
    return resolve(dict.fromkeys(names, 100), asked)


@pytest.mark.parametrize(
    ("names", "loss", "grad_norm", "lr"),
    [
        (["train/loss", "eval/loss", "train/grad_norm", "train/learning_rate"],
         "train/loss", "train/grad_norm", "train/learning_rate"),
        (["train_loss_step", "train_loss_epoch", "val_loss", "lr-AdamW", "hp_metric"],
         "train_loss_step", None, "lr-AdamW"),
        (["lr-SGD/pg10", "lr-SGD/pg2", "loss"], "loss", None, "lr-SGD/pg2"),
        (["loss_metrics/global_avg_loss", "loss_metrics/global_max_loss", "grad_norm"],
         "loss_metrics/global_avg_loss", "grad_norm", None),
        (["lm loss", "lm loss vs samples", "grad-norm", "grad-norm vs samples", "learning-rate"],
         "lm loss", "grad-norm", "learning-rate"),
        (["loss/train/total", "l2_norm/grad/global", "lr-DecoupledAdamW/group0"],
         "loss/train/total", "l2_norm/grad/global", "lr-DecoupledAdamW/group0"),
        (["total_loss", "loss_cls", "loss_box_reg", "lr", "data_time"], "total_loss", None, "lr"),
        (["Loss/train", "Loss/test", "Learning rate"], "Loss/train", None, "Learning rate"),
        (["loss", "gnorm", "lr", "loss_scale"], "loss", "gnorm", "lr"),
        (["train/loss", "train/value_loss", "train/entropy_loss", "train/learning_rate"],
         "train/loss", None, "train/learning_rate"),
        (["recon_loss", "val_loss"], "recon_loss", None, None),
        (["lrwatch/loss", "lrwatch/loss_lo", "lrwatch/loss_hi", "lrwatch/lr", "lrwatch/lr_scale"],
         "lrwatch/loss", None, "lrwatch/lr"),
        (["lrwatch/loss", "lrwatch/lr/0", "lrwatch/lr/1", "lrwatch/lr_applied/0"],
         "lrwatch/loss", None, "lrwatch/lr/0"),
    ],
)  # fmt: skip
def test_names_of_frameworks_are_known(
    names: list[str], loss: str, grad_norm: str | None, lr: str | None
) -> None:
    assert columns_of(*names) == Columns(loss=(loss,), grad_norm=grad_norm, lr=lr)


def test_the_parts_of_a_yolo_loss_are_added_up() -> None:
    found = columns_of(
        "epoch", "train/box_loss", "train/cls_loss", "val/box_loss", "lr/pg0", "lr/pg1"
    )
    assert found == Columns(step="epoch", loss=("train/box_loss", "train/cls_loss"), lr="lr/pg0")


def test_a_tie_is_an_error_that_lists_the_candidates() -> None:
    with pytest.raises(
        ColumnError, match=r"2 columns may be the loss: 'loss_G', 'loss_D'; .*--loss"
    ):
        columns_of("loss_G", "loss_D", "step")


def test_a_column_with_a_single_summary_does_not_tie() -> None:
    assert choose("loss", {"Loss": 1000, "loss": 1}) == ("Loss",)


def test_the_loss_of_every_step_wins_over_one_at_every_evaluation() -> None:
    assert choose("loss", {"train loss": 40, "loss": 1000}) == ("loss",)
    assert choose("loss", {"train loss": 400, "loss": 1000}) == ("train loss",)


def test_some_other_loss_at_every_step_does_not_outvote_a_training_loss() -> None:
    assert choose("loss", {"aux_loss": 1000, "train/loss": 10}) == ("train/loss",)


def test_what_is_asked_for_wins_and_plus_adds_up() -> None:
    found = columns_of("loss", "a", "b", "lr", loss="a + b", lr="b")
    assert (found.loss, found.lr) == (("a", "b"), "b")


def test_a_column_that_is_asked_for_and_missing_is_named_with_those_there() -> None:
    with pytest.raises(ColumnError, match=r"no column is named 'los'. Columns: 'loss', 'lr'"):
        columns_of("loss", "lr", loss="los")


def test_a_validation_loss_alone_is_no_training_loss() -> None:
    with pytest.raises(ColumnError, match=r"no column is a training loss.*'val_loss'"):
        columns_of("epoch", "val_loss", "test/loss")


def test_a_norm_without_a_loss_will_do() -> None:
    assert columns_of("step", "grad_norm").grad_norm == "grad_norm"


@pytest.mark.parametrize(
    ("names", "step"),
    [
        (["epoch", "step", "loss"], "step"),
        (["epoch", "iter", "loss"], "iter"),
        (["epoch", "loss"], "epoch"),
        (["current_steps", "total_steps", "loss"], "current_steps"),
        (["time/total_timesteps", "time/iterations", "train/loss"], "time/total_timesteps"),
        (["loss"], None),
    ],
)
def test_the_step_is_the_finest_counter(names: list[str], step: str | None) -> None:
    assert columns_of(*names).step == step


def test_every_quantity_has_rules_and_every_rule_says_who_writes_it() -> None:
    assert {rule.quantity for rule in RULES} == set(QUANTITIES)
    assert all(rule.where for rule in RULES)


def test_a_name_of_any_length_is_judged_in_no_time() -> None:
    names = ["train_" * 20_000 + "loss", "lr_" * 30_000, "a" * 100_000, "loss"]
    assert columns_of(*names).loss == ("loss",)
