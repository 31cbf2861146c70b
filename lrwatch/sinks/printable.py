"""Text from anywhere, made safe to print on a terminal."""

import unicodedata

_ELLIPSIS = "..."
_REMOVED = {"Cc", "Cf", "Cs"}
_SPACES = {"Zl", "Zp"}


def printable(text: object, *, limit: int = 500) -> str:
    """One line of ``text`` that cannot move the cursor, hide itself or change the terminal.

    Tabs and line breaks become spaces. Removed are all other control characters (C0, DEL, C1),
    everything invisible (zero-width, bidirectional controls, tags) and surrogates. A longer text
    is cut to ``limit`` characters. Doing it twice changes nothing.

    >>> printable("loss" + chr(27) + "[2J is" + chr(10) + "high")
    'loss[2J is high'
    """
    head = str(text)[: 4 * limit]
    cleaned = "".join(map(_safe, head))
    if len(cleaned) <= limit:
        return cleaned
    return cleaned[: limit - len(_ELLIPSIS)] + _ELLIPSIS


def _safe(char: str) -> str:
    if " " <= char <= "~":
        return char
    if char in "\t\n\v\f\r\x85":
        return " "
    category = unicodedata.category(char)
    if category in _SPACES:
        return " "
    return "" if category in _REMOVED else char
