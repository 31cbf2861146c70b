"""Text logs: what a hostile line may cost, and where a number ends."""

import time
from pathlib import Path

import pytest

from lrwatch.readers.kinds.textlog import pairs
from lrwatch.readers.reading import read


def cost_s(line: str) -> float:
    """The least of several tries, in seconds of the processor: others may be at work."""
    tries = []
    for _ in range(9):
        began_s = time.process_time()
        pairs(line)
        tries.append(time.process_time() - began_s)
    return min(tries)


@pytest.mark.parametrize(
    ("head", "unit"), [("loss ", "1"), ("loss ", "1,111"), ("loss 1.", "1"), ("loss at step ", "1")]
)
def test_a_line_eight_times_as_long_costs_about_eight_times_as_much(head: str, unit: str) -> None:
    short, long = (f"{head}{unit * n}x" for n in (300 // len(unit), 2400 // len(unit)))
    assert cost_s(long) < 25.0 * cost_s(short)


def test_a_place_in_the_epoch_of_too_many_digits_is_none(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text(f"[1, 10] loss: 2.5\n[1, {'9' * 400}] loss: 2.25\n[1, 20] loss: 2.0\n")
    assert [(step.step, step.loss) for step in read(path)] == [(10, 2.5), (20, 2.0)]


@pytest.mark.parametrize(
    ("line", "loss"),
    [
        ("loss 12.", 12.0),
        ("loss 12.x", 12.0),
        ("loss .5", 0.5),
        ("loss 1.5e-3,", 1.5e-3),
        ("loss 1.e2 s", 100.0),
        ("loss 1,234.5", 1234.5),
        ("loss 12.5ms", None),
        ("loss 1.2.3", None),
        ("loss " + "1" * 3000 + "x", None),
    ],
)
def test_a_number_ends_where_the_word_does(line: str, loss: float | None) -> None:
    assert pairs(line).get("loss") == loss
