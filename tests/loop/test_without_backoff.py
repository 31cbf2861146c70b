"""Optimizers that a back-off has nothing to act on, or that are not watched at all: who is told."""

from typing import Any

import pytest
from torch.optim import SGD

from lrwatch import LrwatchError
from lrwatch.loop.frameworks.settings import Settings
from lrwatch.loop.frameworks.watches import Watches
from tests.loop.training import small_model, train


def never(error: LrwatchError) -> None:
    raise AssertionError(f"nothing was to stop: {error}")


class FindsItsOwnRate(SGD):
    """As Adafactor of Transformers with ``lr=None``."""

    def step(self, closure: Any = None) -> Any:
        for p in self.param_groups[0]["params"]:
            p.data -= 0.05 * p.grad


def test_an_optimizer_without_a_rate_is_watched_and_the_others_keep_their_back_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = [small_model(0), small_model(1)]
    optimizers = [FindsItsOwnRate(models[0].parameters()), SGD(models[1].parameters(), lr=0.05)]
    optimizers[0].param_groups[0]["lr"] = None
    watches = Watches(Settings(run_dir=False, backoff=True))
    watches.open(optimizers, None, log_dir=None, writes=True, stop=never)
    for model, optimizer in zip(models, optimizers, strict=True):
        train(model, optimizer, 5)
    assert watches.n_steps == [5, 5]
    assert [watch.backoff is not None for watch in watches._watches] == [False, True]
    watches.close()
    line = (
        "lrwatch: optimizer 1 is watched without the back-off: backoff must have a rate to scale, "
        "but FindsItsOwnRate has none: leave it off\n"
    )
    assert capsys.readouterr().err == line


def test_what_attach_refuses_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    optimizer = SGD(small_model().parameters(), lr=0.05)
    watches = Watches(Settings(run_dir=False))
    watches.open([optimizer], None, log_dir=None, writes=True, stop=never, total_steps=-1)
    assert "optimizer 1 is not watched: total_steps must be >= 1" in capsys.readouterr().err
