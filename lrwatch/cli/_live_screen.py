"""The screen of ``lrwatch live``: laid out by lrwatch, put on the terminal by rich."""

import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType, TracebackType
from typing import Any, NoReturn

from lrwatch.errors import LrwatchError
from lrwatch.live.glance import Glance
from lrwatch.live.screen import Style, Window, screen

_LINES_A_RUN = 14
_RICH: dict[Style, str] = {
    "": "none",
    "name": "bold",
    "dim": "dim",
    "good": "green",
    "info": "cyan",
    "warning": "yellow",
    "critical": "bold red",
    "action": "magenta",
}
_CODES: dict[Style, str] = {
    "name": "1",
    "dim": "2",
    "good": "32",
    "info": "36",
    "warning": "33",
    "critical": "1;31",
    "action": "35",
}


class Screen:
    """The terminal as one screen, given back as it was.

    Args:
        is_ascii: Whether to draw with ASCII only; else so where the terminal has no more.
        is_colored: Whether to use colours.

    Raises:
        LrwatchError: If rich is not installed.
    """

    def __init__(self, *, is_ascii: bool, is_colored: bool) -> None:
        try:
            from rich.console import Console
            from rich.live import Live
        except ImportError as error:
            words = "the screen needs rich: pip install 'lrwatch[live]'; --once does without"
            raise LrwatchError(words) from error
        self._is_ascii = is_ascii or not _is_unicode()
        self._console = Console(no_color=not is_colored, highlight=False, markup=False, emoji=False)
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._handler: Any = None

    def __enter__(self) -> "Screen":
        self._handler = signal.signal(signal.SIGTERM, _end)
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()
        signal.signal(signal.SIGTERM, self._handler)

    def show(self, glances: Sequence[Glance]) -> None:
        """Show the runs in place of what was there."""
        from rich.text import Text

        size = self._console.size
        window = Window(width=size.width, height=size.height - 1, is_ascii=self._is_ascii)
        text = Text(no_wrap=True, overflow="crop", end="")
        for line in screen(glances, window):
            for piece, style in line:
                text.append(piece, style=_RICH[style])
            text.append("\n")
        text.append("q quits", style="dim")
        self._live.update(text, refresh=True)


def shown_once(glances: Sequence[Glance], *, is_ascii: bool, is_colored: bool) -> Iterator[str]:
    """The runs in full, as lines that stay."""
    window = Window(
        width=shutil.get_terminal_size().columns,
        height=_LINES_A_RUN * max(1, len(glances)),
        is_ascii=is_ascii or not _is_unicode(),
    )
    for line in screen(glances, window):
        yield "".join(_with_code(*piece) if is_colored else piece[0] for piece in line).rstrip()


def _with_code(text: str, style: Style) -> str:
    return f"\033[{_CODES[style]}m{text}\033[0m" if style else text


def _is_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "").startswith("utf")


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """Unwind, so that the terminal is given back."""
    raise SystemExit(128 + number)
