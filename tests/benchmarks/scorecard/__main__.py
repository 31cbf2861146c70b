"""Fit the scorecard of ``lr_too_low``: ``python -m tests.benchmarks.scorecard``.

Looks at every run of the project's own sweep (and of further folders) at each of its reviews, fits
the card to the looks at all workloads but a tenth, ten times, and prints how each tenth is judged
that was left out, by the detector with that card. With ``--write`` the card fitted to all of them
replaces the one in the package.
The looks are kept in ``.bench/scorecard.csv`` and taken again where that file is gone.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrwatch.detectors.lr_too_low import LOWEST_RATE
from lrwatch.detectors.scorecard import Scorecard
from lrwatch.detectors.small_steps import could_be, stands_still
from lrwatch.stats.shape import Shape
from tests.benchmarks.scorecard.fit import Floats, fit
from tests.benchmarks.scorecard.looks import VIEWS, table
from tests.benchmarks.truth import load
from tests.benchmarks.verdicts import FOLDER, SURROGATE

FOLDS = 10
CARD = Path(__file__).parents[3] / "lrwatch" / "detectors" / "too_low_card.py"
RUN = ["name", "seed", "mult", "view"]


def folds(looks: pd.DataFrame) -> Iterator[NDArray[np.bool_]]:
    """Which looks are at the workloads of each tenth."""
    workload = looks.name.str.split("/").str[0]
    names = sorted(workload.unique())
    order = np.random.default_rng(0).permutation(names)
    for k in range(FOLDS):
        yield workload.isin(order[k::FOLDS]).to_numpy()


def probabilities(card: Scorecard, looks: pd.DataFrame) -> Floats:
    """What a card gives for each look."""
    odds = np.full(len(looks), card.bias)
    for name, steps in card.points.items():
        values = looks[name].to_numpy()
        for limit, points in steps:
            odds += points * (values > limit)
    given: Floats = 1.0 / (1.0 + np.exp(-np.clip(odds, -60.0, 60.0)))
    return given


def held_out(looks: pd.DataFrame) -> Floats:
    """What cards that never saw the workload give for each look at it."""
    found = np.full(len(looks), np.nan)
    for left_out in folds(looks):
        if left_out.any():
            found[left_out] = probabilities(fit(looks[~left_out]), looks[left_out])
    return found


def physical(looks: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which looks small steps could have made, and at which nothing has moved at all."""
    shapes = [cast(Shape, look) for look in looks.itertuples()]
    return np.array([could_be(x) for x in shapes]), np.array([stands_still(x) for x in shapes])


def figures(looks: pd.DataFrame, given: Floats, above: float, min_steps: int) -> str:
    """Runs named at two looks in a row as the detector names them, and when half of those were."""
    asked = (looks.n >= min_steps) & ~looks.warm_up & (looks.rate_now > LOWEST_RATE)
    possible, still = physical(looks)
    high = (((given > above) & possible) | still) & asked
    twice = high & high.groupby([looks[c] for c in RUN]).shift(fill_value=False)
    runs = looks.assign(hit=looks.share.where(twice)).groupby(RUN)
    found = runs.agg(truth=("truth", "first"), at=("hit", "min")).reset_index()
    low, healthy, high_rate = (found[found.truth == t] for t in ("too_low", "healthy", "too_high"))
    middle = low["at"].fillna(9.0).median()
    return (
        f"{above:.2f}: too low named {low['at'].notna().mean():6.1%}, half of them by {middle:.2f} "
        f"of the run; healthy {healthy['at'].notna().sum()} of {len(healthy)}, "
        f"too high {high_rate['at'].notna().sum()} of {len(high_rate)}"
    )


def source(card: Scorecard, n_runs: int) -> str:
    """The card as a module."""
    lines = [
        f'    "{name}": ({", ".join(f"({edge!r}, {points!r})" for edge, points in steps)},),'
        for name, steps in card.points.items()
    ]
    return "\n".join(
        [
            f'"""Points of the card for a rate too low, from {n_runs} runs; '
            'written by tests.benchmarks.scorecard."""',
            "",
            "from lrwatch.detectors.scorecard import Scorecard",
            "",
            "POINTS = {",
            *lines,
            "}",
            f"TOO_LOW = Scorecard(bias={card.bias!r}, points=POINTS)",
            "",
        ]
    )


def looked(folders: Sequence[Path], keep: Path) -> pd.DataFrame:
    """The looks at all runs of these sweeps, taken again where ``keep`` does not hold them."""
    if keep.exists():
        return pd.read_csv(keep)
    runs = [r for f in folders for r in load(f) if r.outcome.name not in SURROGATE]
    looks = table(runs)
    looks.to_csv(keep, index=False)
    return looks


def main() -> None:
    """Parse the command line, fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = [FOLDER / "sweep", FOLDER / "tables"]
    parser.add_argument("folders", type=Path, nargs="*", default=default, help="sweeps to fit to")
    parser.add_argument("--write", action="store_true", help="put the card into the package")
    parser.add_argument("--min-steps", type=int, default=130, help="losses before the first alert")
    chosen = parser.parse_args()
    looks = looked(chosen.folders, FOLDER / "scorecard.csv")
    given = held_out(looks)
    for view in VIEWS:
        of = (looks["view"] == view).to_numpy()
        print(f"{view}, workloads left out:")
        for above in (0.5, 0.8, 0.9, 0.93, 0.95, 0.97, 0.98):
            print("  ", figures(looks[of], given[of], above, chosen.min_steps))
    if chosen.write:
        card = fit(looks)
        CARD.write_text(source(card, len(looks[looks["view"] == "whole"].groupby(RUN))))
        print(f"{CARD} written")


if __name__ == "__main__":
    main()
