"""Short lines: those of programs that name no loss in them, or by a name of their own."""

import re

from lrwatch.readers.lines import Row

_N = r"[-+]?(?:\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|nan|inf)"
_PATTERNS = (
    # llm.c's main.log; its lines with "tel" and "eval" are of tests.
    r"\s*s:(?P<step>\d{1,12}) trl:(?P<train_loss>N)(?: lr:(?P<lr>N))?(?: norm:(?P<norm>N))?\s*$",
    # Marian: the cost is the loss.
    r".{0,40}\bEp\. \d+(?:\.\d+)? : Up\. (?P<step>[\d,]{1,15}) : Sen\. [\d,]+ : Cost (?P<loss>N)\b"
    r"(?:.{0,99}: gNorm (?P<grad_norm>N)\b)?(?:.{0,99}: L\.r\. (?P<lr>N)\b)?",
    # OpenNMT-py: the cross-entropy is the loss; its first releases count within the epoch.
    r".{0,60}(?:\bStep|poch +(?P<epoch>\d{1,9}),) +(?P<step>\d{1,12})/ *\d+;.{0,60}\bxent: *"
    r"(?P<loss>N);(?: *lr: *(?P<lr>N);)?",
)
_COMPILED = tuple(
    re.compile(pattern.replace(">N)", f">{_N})"), re.IGNORECASE) for pattern in _PATTERNS
)
_MARKS = ("s:", "Cost ", "xent:")


def short_line(text: str) -> Row | None:
    """What such a line says, or None of any other.

    >>> short_line("s:250 trl:4.5 lr:0.0003 norm:1.5")
    {'step': 250.0, 'train_loss': 4.5, 'lr': 0.0003, 'norm': 1.5}
    """
    if not any(mark in text for mark in _MARKS):
        return None
    for pattern in _COMPILED:
        match = pattern.match(text)
        if match is not None:
            named = match.groupdict().items()
            return {name: float(x.replace(",", "")) for name, x in named if x is not None}
    return None
