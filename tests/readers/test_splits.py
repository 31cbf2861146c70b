"""What a log says of a validation or a test is not judged as steps of the training."""

from pathlib import Path

import pytest

from lrwatch.errors import LrwatchError
from lrwatch.readers.reading import read
from lrwatch.readers.splits import line_is_apart

TRAINING = "step: {i} loss: 2.0\n"


def losses(path: Path, text: str) -> list[float | None]:
    path.write_text(text)
    return [step.loss for step in read(path)]


@pytest.mark.parametrize(
    "line",
    [
        "Test: [10/40] Time 0.2 (0.3) Loss 9.9 (9.9) Acc@1 30.9",
        "Test:   [ 0/100]  eta: 0:00:10  loss: 9.9 (9.9)",
        "2020-01-02 10:11:12 | INFO | valid | epoch 001 | valid on 'valid' subset | loss 9.9 "
        "| num_updates 5",
        "[titan] 2026-01-01 00:00:00,000 - root - INFO - validate step: 50  loss: 9.9",
        "1/10 * Epoch (valid): accuracy01=0.9 | loss=9.9",
        "[val] step 5 loss 9.9",
        "[Eval] loss: 9.9",
        "Epoch(val) [1][50/100] loss: 9.9",
        "Validation:  50%|#####     | 5/10 [00:01<00:01, loss=9.9]",
        "Validation DataLoader 0:  50%|#####     | 5/10 [00:01<00:01, loss=9.9]",
        "Epoch 3 val: loss 9.9",
        "Test set: loss: 9.9, Accuracy: 9812/10000 (98%)",
        "INFO Validation epoch: 3 loss: 9.9",
        "eval - loss: 9.9",
        "INFO:tensorflow:Saving dict for global step 5: global_step = 5, loss = 9.9, rmse = 1.0",
        "\u6d4b\u8bd5\u96c6\u4e0a\u7684Loss: 9.9",
    ],
)
def test_a_line_of_a_validation_is_no_step(tmp_path: Path, line: str) -> None:
    text = "".join(TRAINING.format(i=i) + f"{line}\n" * (i % 4 == 3) for i in range(8))
    assert losses(tmp_path / "train.log", text) == [2.0] * 8


@pytest.mark.parametrize(
    "line",
    [
        "step 250: train loss 2.1, val loss 2.3",
        "step 3 test: 0.5 loss: 2.0",
        "val acc: 0.5, train loss: 2.0",
        "step 3 | val | 0.5 | loss | 2.0",
        "acc (test): 0.5 step 3 loss 2.0",
        "INFO:test:step 3 loss 2.0",
        "last eval step 50 | step 60 | loss 2.0",
        "Epoch 1 | iter 4 step 1 | loss train: 2.0, val: n/a",
        "Epoch(train) [1][50/100] loss: 2.0",
        "latest: step 3 loss 2.0",
        "2020-01-01 10:11:12,301:INFO: - Train metrics: accuracy: 0.5 ; loss: 2.0",
        "best val : 0.5 step 3 loss 2.0",
        "\u8bad\u7ec3\u548c\u6d4b\u8bd5 loss: 2.0",
        "epoch 1 \u6d4b\u8bd5\u51c6\u786e\u7387: 0.9, loss: 2.0",
    ],
)
def test_a_word_within_a_name_makes_no_line_a_validation(line: str) -> None:
    assert not line_is_apart(line)


@pytest.mark.parametrize(
    ("trained", "tested"),
    [
        ("INFO: - Train metrics: acc: 0.5 ; loss: 2", "INFO: - Eval metrics : acc: 0.5 ; loss: 9"),
        ("EPOCH 1 done: loss 2.0 - lr 0.1", "DEV  : loss 9.9 - f-score 0.55 - acc 0.55"),
        ("I Training of Epoch 1 - loss: 2.0", "I Validation of Epoch 1 - loss: 9.9"),
    ],
)
def test_where_no_line_names_a_step_those_of_a_validation_are_none(
    tmp_path: Path, trained: str, tested: str
) -> None:
    assert losses(tmp_path / "train.log", f"{trained}\n{tested}\n" * 4) == [2.0] * 4


def test_lines_of_a_validation_count_no_steps(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    lines = [f"Epoch: [{e}][{i}/20] Loss 2.0\n" for e in range(2) for i in (0, 10)]
    lines.insert(2, "Test: [ 0/40] Loss 9.9\nTest: [30/40] Loss 9.9\n")
    path.write_text("".join(lines))
    assert [step.step for step in read(path)] == [0, 10, 20, 30]


def test_the_sum_of_an_epoch_is_no_step_where_its_steps_are_told(tmp_path: Path) -> None:
    inner = "2020 | INFO | train_inner | epoch 001: 1 / 9 loss=2.0, num_updates={i}\n"
    summed = "2020 | INFO | train | epoch 001 | loss 9.9 | num_updates {i}\n"
    text = "".join(inner.format(i=i) + summed.format(i=i) * (i % 4 == 3) for i in range(8))
    assert losses(tmp_path / "train.log", text) == [2.0] * 8
    assert losses(tmp_path / "sums.log", "".join(summed.format(i=i) for i in range(3))) == [9.9] * 3


@pytest.mark.parametrize("column", ["mode", "split", "phase", "stage", "subset", "set"])
@pytest.mark.parametrize("word", ["val", "valid", "test", "Validation", "val_unseen"])
def test_a_row_of_a_validation_is_no_step(tmp_path: Path, column: str, word: str) -> None:
    splits = ["train", "train", word, "train", "train+val"]
    objects = (f'{{"{column}": "{s}", "step": {i}, "loss": {i}}}\n' for i, s in enumerate(splits))
    assert losses(tmp_path / "log.jsonl", "".join(objects)) == [0, 1, 3, 4]
    rows = (f"{split},{i},{i}\n" for i, split in enumerate(splits))
    assert losses(tmp_path / "log.csv", f"{column},step,loss\n" + "".join(rows)) == [0, 1, 3, 4]


@pytest.mark.parametrize(
    "text",
    [
        "[val] step 1 loss 2.0\n[val] step 2 loss 2.0\n",
        '{"split": "val", "step": 1, "loss": 2.0}\n',
        "split,step,loss\nval,1,2.0\n",
    ],
)
def test_a_log_of_nothing_but_validations_says_so_and_can_be_asked_for(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    with pytest.raises(LrwatchError, match=r"no column is a training loss.*'val/loss'"):
        read(path)
    first = next(read(path, loss="val/loss", step="val/step"))
    assert (first.step, first.loss) == (1, 2.0)
