"""Every kind of log that is read without an option, in a small file as its writer leaves it."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrwatch.errors import LrwatchError
from lrwatch.readers.kinds.textlog import pairs
from lrwatch.readers.numbers import number
from lrwatch.readers.reading import read
from lrwatch.records import Step

HF = {
    "best_metric": None,
    "epoch": 1.0,
    "global_step": 20,
    "log_history": [
        {"epoch": 0.5, "grad_norm": 1.5, "learning_rate": 5e-05, "loss": 2.5, "step": 10},
        {"epoch": 1.0, "eval_loss": 2.25, "eval_runtime": 1.0, "step": 10},
        {"epoch": 1.0, "grad_norm": 1.25, "learning_rate": 2e-05, "loss": 2.0, "step": 20},
        {"epoch": 1.0, "step": 20, "train_loss": 2.25, "train_runtime": 9.0},
    ],
    "max_steps": 20,
}
HF_STEPS = [
    Step(step=10, loss=2.5, grad_norm=1.5, lr=5e-05),
    Step(step=20, loss=2.0, grad_norm=1.25, lr=2e-05),
]
YOLO = """\
         epoch,  train/box_loss,  train/cls_loss, metrics/recall, val/box_loss,  lr/pg0,  lr/pg1
             1,            1.25,             2.5,            0.1,          3.0,   0.001,   0.002
             2,            1.00,             2.0,            0.2,          3.0,   0.003,   0.004
"""
YOLO_TXT = """\
     0/299     6.38G    0.125      0.25     0.0625   0.4375        31       640    0.1   0.2
     1/299     6.38G    0.125      0.125    0.0625   0.3125        31       640    0.1   0.2
"""
LIGHTNING = """\
epoch,lr-AdamW,step,train_loss,val_loss
,0.001,49,,
0,,49,0.5,
0,,99,,0.75
,0.002,99,,
1,,99,0.25,
"""
KERAS = """\
epoch,accuracy,loss,val_accuracy,val_loss
0,0.5,2.5,0.5,2.75
1,0.75,1.5,0.5,2.5
"""
ALGOPERF = """\
,loss,grad_norm,global_step,train/loss,preemption_count,score
0,6.5,0.75,1,,,
1,,,1,6.25,0,3.5
2,6.0,0.5,100,,,
"""
CASES = {
    "hf-trainer": (json.dumps(HF, indent=1, sort_keys=True), HF_STEPS),
    "json-list": (json.dumps(HF["log_history"]), HF_STEPS),
    "jsonl": (
        '{"iter": 1, "train": {"loss": 3.5, "lr": "1e-3"}}\n{"iter": 2, "train": {"loss": 3.25}}\n',
        [Step(step=1, loss=3.5, lr=1e-3), Step(step=2, loss=3.25)],
    ),
    "json-columns": (
        '{"loss": [2.5, 1.5], "val_loss": [3, 2]}',
        [Step(step=0, loss=2.5), Step(step=1, loss=1.5)],
    ),
    "ultralytics": (YOLO, [Step(step=1, loss=3.75, lr=0.001), Step(step=2, loss=3.0, lr=0.003)]),
    "yolov5-txt": (YOLO_TXT, [Step(step=0, loss=0.4375), Step(step=1, loss=0.3125)]),
    "lightning": (
        LIGHTNING,
        [Step(step=49, loss=0.5, lr=0.001), Step(step=99, loss=0.25, lr=0.002)],
    ),
    "keras": (KERAS, [Step(step=0, loss=2.5), Step(step=1, loss=1.5)]),
    "algoperf": (
        ALGOPERF,
        [Step(step=1, loss=6.5, grad_norm=0.75), Step(step=100, loss=6.0, grad_norm=0.5)],
    ),
    "csv": (
        "Step;Loss;LR\n1;2.5;1e-3\n2;NaN;1e-3\n",
        [Step(step=1, loss=2.5, lr=1e-3), Step(step=2, loss=float("nan"), lr=1e-3)],
    ),
    "text": (
        "loading data\nstep 1 | loss: 2.5 | lr 1.0e-03 | norm: 0.75 | dt: 12.5ms\n"
        "step 2 | loss: 2.25 | lr 1.0e-03 | norm: 0.5 | dt: 12.5ms\n",
        [
            Step(step=1, loss=2.5, grad_norm=0.75, lr=1e-3),
            Step(step=2, loss=2.25, grad_norm=0.5, lr=1e-3),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("known", CASES)
def test_a_log_is_known_by_its_content_and_read_without_an_option(
    tmp_path: Path, known: str
) -> None:
    text, steps = CASES[known]
    path = tmp_path / "a file of any name"
    path.write_text(text)
    reading = read(path)
    assert repr(list(reading)) == repr(steps)
    assert (reading.format, reading.n_damaged) == (known, 0)


@pytest.mark.parametrize("known", CASES)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_encoding_and_line_ends_of_windows_change_nothing(
    tmp_path: Path, known: str, encoding: str
) -> None:
    text, steps = CASES[known]
    path = tmp_path / "log"
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    reading = read(path)
    assert repr(list(reading)) == repr(steps)
    assert reading.format == known


def test_the_list_of_steps_within_a_report_is_read(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    rows = [{"step": i, "loss": 2.0, "memory": {"peak_gb": 4}} for i in range(3)]
    report = {"config": {"heads": [16]}, "final_loss": 2.0, "notes": [{"a": 1}], "per_step": rows}
    path.write_text(json.dumps(report, indent=2))
    assert list(read(path)) == [Step(step=i, loss=2.0) for i in range(3)]


def test_an_averaged_and_filtered_log_says_so(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    path.write_text(CASES["hf-trainer"][0])
    notes = " ".join(read(path).notes)
    assert "mean over logging_steps" in notes
    assert "NaN" in notes


@pytest.mark.parametrize("known", CASES)
def test_cut_at_any_byte_only_whole_lines_count_and_nothing_fails_oddly(
    tmp_path: Path, known: str
) -> None:
    text, steps = CASES[known]
    path = tmp_path / "log"
    found: list[list[str]] = [[]]
    for n_bytes in range(len(text) + 1):
        path.write_text(text[:n_bytes])
        with contextlib.suppress(LrwatchError):
            found.append([repr(step) for step in read(path)])
    lengths = [len(steps) for steps in found]
    assert lengths == sorted(lengths)
    assert found[-1] == [repr(step) for step in steps]


@pytest.mark.parametrize("known", CASES)
def test_no_flipped_byte_makes_a_reader_fail_oddly(tmp_path: Path, known: str) -> None:
    text, steps = CASES[known]
    data, path = text.encode(), tmp_path / "log"
    n_read = 0
    for at in range(0, len(data), 3):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        with contextlib.suppress(LrwatchError):
            n_read += len(list(read(path))) >= len(steps) - 1
    assert n_read > 0


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("iter 100: loss 2.5000, time 23.4ms, mfu 12.3%", Step(step=100, loss=2.5)),
        ("step 250: train loss 2.5, val loss 2.75", Step(step=250, loss=2.5)),
        ("step 00100/21400 (0.47%) | loss: 5.5 | grad norm: 0.25 | lrm: 1.00 | dt: 1.2ms",
         Step(step=100, loss=5.5, grad_norm=0.25)),
        (" iteration      100/  500000 | consumed samples: 1600 | learning rate: 1.000E-04 | "
         "lm loss: 7.5E+00 | loss scale: 1.0 | grad norm: 1.25 |",
         Step(step=100, loss=7.5, grad_norm=1.25, lr=1e-4)),
        ("2020-01-02 10:11:12 | INFO | train_inner | epoch 001:    100 / 5000 loss=12.5, "
         "ppl=2000.1, wps=1, num_updates=100, lr=1.25e-05, gnorm=2.5, train_wall=3",
         Step(step=100, loss=12.5, grad_norm=2.5, lr=1.25e-05)),
        ("[11/22 10:00:00 d2.utils.events]:  eta: 0:10:00  iter: 19  total_loss: 2.5  "
         "loss_cls: 1.5  lr: 0.00025  max_mem: 1000M", Step(step=19, loss=2.5, lr=0.00025)),
        ("[titan] 2026-01-01 00:00:00,000 - root - INFO - step: 10  loss:  7.5  grad_norm:  1.25  "
         "memory: 10.1GiB(12.3%)  tps: 1,234", Step(step=10, loss=7.5, grad_norm=1.25)),
        ("INFO Epoch 5: loss=0.5 val_loss=0.75", Step(step=5, loss=0.5)),
        ("Epoch 3/100, Train Loss: 0.5, Val Loss: 0.75", Step(step=3, loss=0.5)),
        ("Epoch [3/100], Step [200/600], Loss: 0.375", Step(step=200, loss=0.375)),
        ("10 train 6.5", Step(step=10, loss=6.5)),
        ("step=7 loss=nan lr=[0.001]", Step(step=7, loss=float("nan"), lr=0.001)),
        ("steps: 1,200 loss: -1.5", Step(step=1200, loss=-1.5)),
        ("Training loss: 0.5 at step 100", Step(step=100, loss=0.5)),
        ("loss at step 100: 0.5", Step(step=100, loss=0.5)),
        ("WARNING the loss is 0.5 in epoch 3", Step(step=3, loss=0.5)),
        ('2020 | INFO | train | {"epoch": 1, "train_loss": "2.5", "train_num_updates": "100"}',
         Step(step=100, loss=2.5)),
    ],
)  # fmt: skip
def test_a_line_for_people_is_understood(tmp_path: Path, line: str, step: Step) -> None:
    path = tmp_path / "train.log"
    path.write_text(line + "\n")
    assert repr(list(read(path))) == repr([step])


@pytest.mark.parametrize(
    "template",
    [
        "Epoch [{epoch}][{i}/100]  lr: 0.01, time: 0.1, loss: 0.5\n",
        "Train Epoch: {epoch} [{i}/100 (50%)]\tLoss: 0.5\n",
        "Train: {epoch} [ {i}/100 ( 50%)]  Loss: 0.5 (0.5)  LR: 0.01\n",
        "[{epoch},  {i}] loss: 0.500\n",
        "{i}/100 [====>....] - ETA: 3s - loss: 0.5 - accuracy: 0.75\r",
        "Epoch {epoch}:  50%|#####     | {i}/100 [00:01<00:09, 9.5it/s, loss=0.5, v_num=0]\n",
        "epoch: {epoch} step: {i} loss: 0.5\n",
    ],
)
def test_steps_that_start_again_with_every_epoch_are_counted_on(
    tmp_path: Path, template: str
) -> None:
    path = tmp_path / "train.log"
    lines = (template.format(epoch=e, i=i) for e in (1, 2, 3) for i in (50, 100))
    path.write_text("".join(lines))
    assert [step.step for step in read(path)] == [50, 100, 150, 200, 250, 300]


def test_lines_of_evaluation_between_those_of_training_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    lines = [f"iter {i}: loss {i}.5, time 9ms\n" for i in range(40)]
    lines.insert(20, "step 20: train loss 1.0, val loss 2.0\n")
    path.write_text("".join(lines))
    assert [(s.step, s.loss) for s in read(path)] == [(i, i + 0.5) for i in range(40)]


def test_lines_without_a_step_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    lines = [{"loss": "2.5", "learning_rate": 5e-05, "epoch": e / 7} for e in range(3)]
    path.write_text("".join(f"{line}\n" for line in lines))
    assert list(read(path)) == [Step(step=i, loss=2.5, lr=5e-05) for i in range(3)]


def test_an_epoch_on_every_line_is_no_step(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n" + "".join(f"{i // 4},{i}\n" for i in range(12)))
    assert [step.step for step in read(path)] == list(range(12))


def test_two_losses_of_one_step_are_two_steps(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,4\n1,3\n2,2\n3,1\n")
    assert [(s.step, s.loss) for s in read(path)] == [(1, 4), (1, 3), (2, 2), (3, 1)]


def test_a_rate_that_stands_alone_belongs_to_the_next_step(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss,lr\n9,,0.5\n10,3,\n20,2,\n29,,0.25\n30,1,0.125\n39,,0.5\n")
    found = [(s.step, s.loss, s.lr) for s in read(path)]
    assert found == [(10, 3, 0.5), (20, 2, None), (30, 1, 0.125)]


def test_a_repeated_header_and_a_resumed_run_are_read_on(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    part = "step,loss\n" + "".join(f"{i},{i}\n" for i in range(5))
    path.write_text(part + part)
    reading = read(path)
    assert [step.step for step in reading] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]
    assert reading.n_damaged == 0


def test_one_broken_line_is_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    broken = ['{"loss": ', "[" * 100_000, '{"loss": ' + "9" * 5000 + "}", "\x1b]0;x\x07"]
    good = [f'{{"step": {i}, "loss": 1.5}}' for i in range(10)]
    path.write_text("\n".join([*good[:5], *broken, *good[5:]]) + "\n")
    reading = read(path)
    assert [step.step for step in reading] == list(range(10))
    assert (reading.n_damaged, reading.damage) == (4, "line 6: expected a JSON object")


def test_numbers_beyond_floats_are_infinite(tmp_path: Path) -> None:
    assert (number(10**400), number(-(10**400))) == (float("inf"), float("-inf"))
    path = tmp_path / "log.csv"
    path.write_text(f"step,loss\n1,1e999\n2,-1e999\n3,{'9' * 5000}\n4,Infinity\n1e999,1\n")
    inf = float("inf")
    assert [step.loss for step in read(path)] == [inf, -inf, inf, inf]
    path.write_text("".join(f'{{"step": {i}, "loss": -{"9" * 400}}}\n' for i in range(3)))
    assert [step.loss for step in read(path)] == [-inf, -inf, -inf]


@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
@example(b"\xff\xfe")
@example(b'{"log_history": [' + b"[" * 5000)
@example(b"step,loss\n" + b"1,\n" * 5)
def test_no_bytes_make_a_reader_fail_oddly(scratch: Path, data: bytes) -> None:
    scratch.write_bytes(data)
    with contextlib.suppress(LrwatchError):
        assert all(isinstance(step, Step) for step in read(scratch))


@pytest.mark.parametrize("known", CASES)
@given(noise=st.text(alphabet=st.characters(codec="utf-8"), max_size=60), share=st.floats(0, 1))
@settings(max_examples=20)
def test_a_foreign_line_among_the_others_costs_no_more_than_its_neighbours(
    scratch: Path, known: str, noise: str, share: float
) -> None:
    lines = CASES[known][0].splitlines(keepends=True)
    lines.insert(1 + int(share * (len(lines) - 1)), noise + "\n")
    scratch.write_text("".join(lines))
    with contextlib.suppress(LrwatchError):
        assert len(list(read(scratch))) <= len(CASES[known][1]) + noise.count("\n") + 2


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "log"


def test_a_line_of_blanks_is_read_in_no_time() -> None:
    assert pairs("loss" + " " * 4000 + "2.5" + " " * 100_000) == {}
    assert pairs("loss" + " " * 900 + "2.5") == {"loss": 2.5}


@pytest.mark.parametrize(
    ("text", "value"),
    [("5 apples", None), ("[5]", 5.0), ("tensor([2.5])", 2.5), ("12%", None), ("", None)],
)
def test_a_number_with_words_behind_it_is_none(text: str, value: float | None) -> None:
    assert number(text) == value
