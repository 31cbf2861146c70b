"""Sparklines and short numbers: a curve in one line of letters."""

import math
from collections.abc import Sequence
from typing import Final

BLOCKS: Final = "▁▂▃▄▅▆▇█"
ASCII: Final = "_.-=+*#@"
_BAD = {BLOCKS: "×", ASCII: "x"}  # noqa: RUF001 - the sign for times is meant
_LOG_FROM = 30.0
_FLAT = 1e-9


def sparkline(cells: Sequence[float | None], levels: str = BLOCKS) -> str:
    """One letter a cell; by the logarithm where positive values span more than a factor of 30.

    A cell without a value is a space, NaN a cross, and a curve of one level stays low.

    >>> sparkline([0.0, 1.0, 2.0, 3.0, None, float("nan"), 7.0], ASCII)
    '_.-= x@'
    """
    known = [x for x in cells if x is not None and math.isfinite(x)]
    if not known:
        return "".join(" " if x is None else _BAD[levels] for x in cells)
    is_log = min(known) > 0 and max(known) > _LOG_FROM * min(known)
    low, high = (math.log(x) if is_log else x for x in (min(known), max(known)))
    return "".join(_letter(x, low, high, levels, is_log=is_log) for x in cells)


def _letter(x: float | None, low: float, high: float, levels: str, *, is_log: bool) -> str:
    if x is None:
        return " "
    if not math.isfinite(x):
        return _BAD[levels]
    is_flat = high - low <= _FLAT * max(abs(low), abs(high))
    share = 0.0 if is_flat else ((math.log(x) if is_log else x) - low) / (high - low)
    return levels[min(int(share * len(levels)), len(levels) - 1)]


def short(x: float | None, digits: int = 3) -> str:
    """A number in few letters.

    >>> short(0.000012345), short(1234567.0), short(794.32, 2), short(None), short(float("nan"))
    ('1.23e-5', '1.23e6', '794', '-', 'nan')
    """
    if x is None:
        return "-"
    if x == 0 or not math.isfinite(x):
        return f"{x:g}"
    exponent = math.floor(math.log10(abs(x)))
    if -4 <= exponent < 5:
        text = f"{x:.{max(0, digits - 1 - exponent)}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, power = f"{x:.{digits - 1}e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}"


def duration(seconds: float) -> str:
    """A time in its largest unit.

    >>> duration(0.4), duration(75), duration(7300), duration(200000)
    ('0 s', '1 min', '2 h', '2 d')
    """
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"
