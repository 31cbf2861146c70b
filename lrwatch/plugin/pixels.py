"""Pixels: as many rows as a screen can show, and no spike among the others is lost."""

import numpy as np
from numpy.typing import NDArray

from lrwatch.reviewing.drawn import Curves, Floats

Rows = NDArray[np.intp]
_BLOCK = 64
# By chart: the columns whose lowest and highest rows are kept, and those that go along.
CHARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "loss": (("loss",), ("lo", "hi")),
    "norm": (("norm",), ()),
    "rate": (("lr", "applied"), ()),
}


class Series:
    """The rows of one chart, and which of them are drawn when there are more than pixels.

    The steps in view are cut into buckets of equal width, one a pixel; of each, the first row,
    the rows with the lowest and the highest value of every key column, and the first one that is
    not finite are kept: real rows, at their own steps. Blocks of 64 rows know their extremes
    beforehand, so that a million rows are looked through in a few milliseconds.

    Args:
        curves: The run.
        keys: Names of the columns that no extreme may be lost of.
    """

    def __init__(self, curves: Curves, keys: tuple[str, ...]) -> None:
        known = np.isfinite(np.array([curves.columns[key] for key in keys])).any(axis=0)
        is_bad = curves.bad if "loss" in keys else np.zeros(len(curves), bool)
        self.rows: Rows = np.flatnonzero(known | is_bad)
        self._step = curves.step[self.rows]
        taken = [curves.columns[key][self.rows] for key in keys]
        # An infinite value is kept as what is not finite, and must not hide the highest that is.
        self._keys = [np.where(np.isfinite(values), values, np.nan) for values in taken]
        self._bad = is_bad[self.rows]
        self._peaks = self._peaks_of_blocks()

    def chosen(self, first: int, last: int, n_buckets: int) -> Rows:
        """Rows of the curves to draw from one step to another, the neighbours outside included."""
        low = int(np.searchsorted(self._step, first, side="left"))
        high = int(np.searchsorted(self._step, last, side="right"))
        around: Rows = np.arange(max(low - 1, 0), min(high + 1, len(self.rows)))
        if high - low > 4 * n_buckets:
            scale = n_buckets / max(last - first, 1)
            buckets = np.floor((self._step[low:high].astype(np.float64) - first) * scale)
            places = self._candidates(low, buckets)
            inside = places[self._extremes(places, buckets[places - low])]
            around = np.unique(np.concatenate([around[:1], inside, around[-1:]]))
        rows: Rows = self.rows[around]
        return rows

    def _candidates(self, low: int, buckets: Floats) -> Rows:
        """The extremes of blocks that lie in one bucket, and all rows of the others."""
        high = low + len(buckets)
        begin, end = -(-low // _BLOCK), high // _BLOCK
        if end - begin < 8:
            return np.arange(low, high)
        starts = np.arange(begin, end) * _BLOCK
        is_cut = buckets[starts - low] != buckets[starts - low + _BLOCK - 1]
        cut = (starts[is_cut, None] + np.arange(_BLOCK)).ravel()
        ends = np.searchsorted(self._peaks, (starts[0], starts[-1] + _BLOCK))
        peaks = self._peaks[ends[0] : ends[1]]
        whole = peaks[~is_cut[peaks // _BLOCK - begin]]
        edges = np.arange(low, starts[0]), np.arange(starts[-1] + _BLOCK, high)
        return np.sort(np.concatenate([*edges, cut, whole]))

    def _peaks_of_blocks(self) -> Rows:
        """The first row of each block, and those with its extremes."""
        places = np.arange(len(self.rows))
        if not len(places):
            return places
        return places[np.unique(self._extremes(places, places // _BLOCK))]

    def _extremes(self, places: Rows, bucket: NDArray[np.generic]) -> Rows:
        """Indices into ``places`` of what is to be kept of each bucket."""
        starts = np.flatnonzero(np.concatenate([[True], bucket[1:] != bucket[:-1]]))
        sizes = np.diff(np.append(starts, len(places)))
        found = [starts, np.array([len(places) - 1])]
        for values in (key[places] for key in self._keys):
            for reduce in (np.fmin, np.fmax):
                extreme = np.repeat(reduce.reduceat(values, starts), sizes)
                found.append(_first_of_each(np.flatnonzero(values == extreme), starts))
        bad = np.flatnonzero(self._bad[places])
        found.append(_first_of_each(bad, starts))
        return np.concatenate(found)


def _first_of_each(indices: Rows, starts: Rows) -> Rows:
    """The first of the indices in every bucket that has any."""
    buckets = np.searchsorted(starts, indices, side="right")
    return indices[np.flatnonzero(np.diff(buckets, prepend=-1))]
