"""A sweep of rates by Ray Tune: what the stopper saves, and whether it ends a trial that was good.

Run with ``.venv-frameworks/bin/python -m tests.benchmarks.tune_sweep [--rates 20] [--steps 300]``.
The model is a transformer of one layer that learns to spell Python: the text is the standard
library of the Python that runs this. The rates of AdamW are spaced evenly in their logarithm, from
1e-5 to 10. Every trial is also trained to its end without a stopper: a trial that the stopper ends
was good if its last loss is within a tenth of the best trial's.
"""

import argparse
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune
from torch import Tensor, nn

from lrwatch.hooks.ray import LrwatchStopper, attach

WIDTH, CONTEXT, ROWS, EVERY = 48, 32, 16, 10


class Speller(nn.Module):
    """Predicts the next character."""

    def __init__(self) -> None:
        super().__init__()
        self.characters = nn.Embedding(128, WIDTH)
        self.places = nn.Embedding(CONTEXT, WIDTH)
        self.layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, 0.0, batch_first=True)
        self.out = nn.Linear(WIDTH, 128)

    def forward(self, text: Tensor) -> Tensor:
        ahead = nn.Transformer.generate_square_subsequent_mask(text.shape[1])
        seen = self.characters(text) + self.places.weight[: text.shape[1]]
        found: Tensor = self.out(self.layer(seen, src_mask=ahead, is_causal=True))
        return found


def text() -> Tensor:
    """Some 100,000 characters of real text that every Python brings along."""
    words = Path(os.__file__).read_text(encoding="ascii", errors="ignore")
    words += Path(argparse.__file__).read_text(encoding="ascii", errors="ignore")
    return torch.tensor(list(words.encode("ascii", "ignore")))


def training(config: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    characters, model = text(), Speller()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"])
    recent: list[float] = []
    with attach(optimizer, model, run_dir=False, stderr=False) as watch:
        for step in range(config["n_steps"]):
            starts = torch.randint(len(characters) - CONTEXT - 1, (ROWS,))
            rows = torch.stack([characters[i : i + CONTEXT + 1] for i in starts.tolist()])
            scores = model(rows[:, :-1])
            loss = nn.functional.cross_entropy(scores.flatten(0, 1), rows[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            recent = [*recent[-19:], loss.item()]
            if step % EVERY == EVERY - 1:
                mean = sum(recent) / len(recent)
                report({"loss": mean, "step": step + 1, "lrwatch": watch.verdict})


def trial(config: dict[str, Any]) -> None:
    training(config, tune.report)


def ends(rate: float, n_steps: int) -> float:
    """The last loss of a trial that nobody stops."""
    reports: list[dict[str, Any]] = []
    training({"lr": rate, "n_steps": n_steps}, reports.append)
    return float(reports[-1]["loss"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rates", type=int, default=20)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    rates = [10 ** (-5 + 6 * i / (options.rates - 1)) for i in range(options.rates)]
    os.environ.update(
        RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled", RAY_raylet_start_wait_time_s="300"
    )
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    stopper = LrwatchStopper()
    with tempfile.TemporaryDirectory() as folder:
        results = tune.Tuner(
            trial,
            param_space={"lr": tune.grid_search(rates), "n_steps": options.steps},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(stop=stopper, storage_path=folder, verbose=0),
        ).fit()
        steps = {result.config["lr"]: int(result.metrics["step"]) for result in results}
    ray.shutdown()
    show({rate: (steps[rate], ends(rate, options.steps)) for rate in rates}, options.steps)


def show(trials: dict[float, tuple[int, float]], n_steps: int) -> None:
    """Print every trial, and the sum."""
    best = min(loss for _, loss in trials.values() if math.isfinite(loss))
    print(f"{'rate':>9} {'steps':>6} {'loss if left alone':>19}")
    for rate, (n, loss) in trials.items():
        print(f"{rate:9.2g} {n:6d} {loss:19.3f}{'  ended early' if n < n_steps else ''}")
    ended = {rate: loss for rate, (n, loss) in trials.items() if n < n_steps}
    good = [rate for rate, loss in ended.items() if loss <= 1.1 * best]
    saved = sum(n_steps - n for n, _ in trials.values())
    share = saved / (n_steps * len(trials))
    print(f"{len(ended)} of {len(trials)} trials ended early, {len(good)} of them good; ", end="")
    print(f"{saved} of {n_steps * len(trials)} steps saved ({share:.0%})")


if __name__ == "__main__":
    main()
