"""Numbers as logs write them: bare, quoted, in brackets, as a tensor, not finite."""

import math
import re

MAX_DIGITS = 10_000
_WRAPPED = re.compile(r"(?:tensor|np\.float\d+|array)?[(\[]+\s*([^,()\[\]\s]+)")


def number(value: object) -> float | None:
    """The value as a float; None for what is no number.

    A number beyond the range of floats is infinite, whatever its spelling.

    >>> number("1e999"), number(" [3e-4] "), number("tensor(2.5, device='cuda:0')"), number("red")
    (inf, 0.0003, 2.5, None)
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if not isinstance(value, str) or len(value) > MAX_DIGITS:
        return None
    try:
        return float(value)
    except ValueError:
        return _wrapped(value)


def _wrapped(text: str) -> float | None:
    match = _WRAPPED.match(text.strip())
    if match is None:
        return None
    try:
        return float(match[1])
    except ValueError:
        return None
