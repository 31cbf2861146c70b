"""With several optimizers each line that is printed names the one that it is about."""

import pytest
import torch

import lrwatch
from tests.loop.training import small_model, train


class Broken:
    """An optimizer whose loss becomes NaN."""

    def __init__(self, name: str | None) -> None:
        self.model = small_model()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.watch = lrwatch.attach(self.optimizer, run_dir=False, name=name)
        train(self.model, self.optimizer, 5)
        self.watch.observe(float("nan"))
        self.optimizer.step()


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if " non_finite " in line]


def test_a_name_that_was_given_stands_in_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    Broken("generator").watch.close()
    (line,) = lines(capsys)
    assert "  generator:  loss is not finite" in line


def test_an_only_optimizer_needs_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    Broken(None).watch.close()
    (line,) = lines(capsys)
    assert "  opened   loss is not finite" in line


def test_a_further_one_without_a_name_has_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    both = [Broken(None), Broken(None)]
    first, second = lines(capsys)
    for one in both:
        one.watch.close()
    assert "  opened   loss is not finite" in first
    assert "  optimizer-2:  loss is not finite" in second
