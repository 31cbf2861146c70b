"""Redrawn: a loss that a log writes twice, by a bar that is drawn again or by two handlers."""

import re

from lrwatch.readers.lines import Row

_BAR = re.compile(r"(?<![\d/])(\d{1,12})(?:/\d{1,12}|it) \[\d+:\d\d")  # 5/40 [00:01<00:09, ...

_MAX_REDRAWN = 200  # a loss that stands still in a quick loop is news again


class Redrawn:
    """Tells whether a line only says again what the one before it said.

    A slow loop under tqdm is drawn twice a step: at the same count with the new loss, and at the
    next count with that loss once more. Where the numbers changed on a bar that stood still, those
    that move on with the same numbers have no news. A logger with two handlers writes every line
    twice.
    """

    def __init__(self) -> None:
        self._said: Row = {}
        self._count: int | None = None
        self._n_left = 0

    def __call__(self, text: str, row: Row, *, names_step: bool) -> bool:
        """Take the next line that holds a loss.

        Args:
            text: The line.
            row: What it says.
            names_step: Whether the line itself says its step.
        """
        bar = _BAR.search(text) if "it/s" in text or "s/it" in text else None
        count = None if bar is None else int(bar[1])
        said = row if bar is None else {name: x for name, x in row.items() if name != "step"}
        is_same = said == self._said
        stands = count is not None and count in (0, self._count)
        if bar is not None and not is_same:
            self._n_left = _MAX_REDRAWN if stands and self._said else 0
        self._said, self._count = said, count
        if bar is None:
            return is_same and names_step
        is_redrawn = is_same and not stands and self._n_left > 0
        self._n_left -= is_redrawn
        return is_redrawn
