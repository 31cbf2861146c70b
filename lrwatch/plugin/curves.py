"""Curves: the numbers of a run that was read as columns, one row a step, no step written twice."""

from array import array
from math import nan

import numpy as np
from numpy.typing import NDArray

from lrwatch.records import Step
from lrwatch.reviewing.drawn import Curves


class Gathered:
    """Collects the Steps that pass, with the band in which each loss was expected."""

    def __init__(self) -> None:
        self._step = array("q")
        self._columns = {name: array("d") for name in ("loss", "lo", "hi", "norm", "lr")}
        self._reported = array("b")

    def add(self, step: Step, band: tuple[float, float] | None) -> None:
        """Take one Step."""
        lo, hi = band or (nan, nan)
        self._step.append(step.step)
        self._reported.append(step.loss is not None)
        for column, value in zip(
            self._columns.values(), (step.loss, lo, hi, step.grad_norm, step.lr), strict=True
        ):
            column.append(nan if value is None else value)

    def __len__(self) -> int:
        return len(self._step)

    def curves(self) -> Curves:
        """What was collected, less what a later part of the log wrote anew."""
        step = np.array(self._step, np.int64)
        columns = {name: np.array(column) for name, column in self._columns.items()}
        bad = np.array(self._reported, bool) & ~np.isfinite(columns["loss"])
        stays = _stays(step)
        columns["applied"] = np.full(len(step), nan)
        return Curves(step[stays], {n: c[stays] for n, c in columns.items()}, bad[stays])


def _stays(step: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which rows were not written anew after the run had gone back to their step or before."""
    back = np.flatnonzero(np.diff(step) < 0) + 1
    part = np.searchsorted(back, np.arange(len(step)), side="right")
    begins = np.append(step[back], np.iinfo(np.int64).max)
    lowest_to_come = np.minimum.accumulate(begins[::-1])[::-1]
    return step < lowest_to_come[part]
