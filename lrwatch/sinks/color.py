"""Whether to colour, and how: the conventions NO_COLOR, CLICOLOR_FORCE and TERM=dumb."""

import os
from collections.abc import Mapping
from typing import IO, Any, Literal

ColorChoice = Literal["auto", "always", "never"]

_RESET = "\033[0m"
_CODES = {
    "INFO": "\033[36m",
    "WARN": "\033[33m",
    "CRIT": "\033[1;31m",
    "ACT ": "\033[35m",
}


def wants_color(
    stream: IO[Any], choice: ColorChoice = "auto", environ: Mapping[str, str] = os.environ
) -> bool:
    """Whether ``stream`` gets colour: by explicit choice, else the environment, else a tty."""
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    # What a script puts in the place of stderr often has a write() and little else.
    return environ.get("TERM") != "dumb" and bool(getattr(stream, "isatty", bool)())


def colored(word: str) -> str:
    """The level word in its colour; the word stays, so that no meaning hangs on the colour."""
    return f"{_CODES.get(word, '')}{word}{_RESET}"
