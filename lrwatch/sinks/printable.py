"""Text from anywhere, made safe to print on a terminal."""

_ELLIPSIS = "..."


def printable(text: object, *, limit: int = 500) -> str:
    """One line of ``text`` that cannot move the cursor, hide itself or change the terminal.

    Tabs, line breaks and other blanks become spaces. Removed are all other control characters
    (C0, DEL, C1), what is invisible (zero-width, bidirectional controls, tags), surrogates and
    what Unicode does not define. A longer text is cut to ``limit`` characters. Doing it twice
    changes nothing.

    >>> printable("loss" + chr(27) + "[2J is" + chr(10) + "high")
    'loss[2J is high'
    """
    head = str(text)[: 4 * limit]
    cleaned = "".join(map(_safe, head))
    if len(cleaned) <= limit:
        return cleaned
    return cleaned[: limit - len(_ELLIPSIS)] + _ELLIPSIS


def _safe(char: str) -> str:
    if char.isprintable():
        return char
    return " " if char.isspace() else ""
