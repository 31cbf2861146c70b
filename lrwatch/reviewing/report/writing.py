"""Writing a report to a file of the kind that its name says."""

from collections.abc import Callable
from pathlib import Path

from lrwatch.errors import LrwatchError
from lrwatch.reviewing.report.page import as_html, as_markdown
from lrwatch.reviewing.report.picture import as_png, check_matplotlib, has_matplotlib
from lrwatch.reviewing.report.story import Story
from lrwatch.reviewing.report.svg import svg


def write_report(story: Story, out: Path) -> list[Path]:
    """Write the report of a run, and return the files.

    Args:
        story: What is told.
        out: The file: ``.html`` with all in it, ``.md`` with a picture beside it (PNG where
            matplotlib is installed, else SVG), or ``.png`` or ``.svg``, the picture alone.

    Raises:
        LrwatchError: If the kind of file is none of these, or a PNG is asked for without
            matplotlib.
        OSError: If a file cannot be written.
    """
    check_kind(out)
    return _KINDS[out.suffix.lower()](story, out)


def check_kind(out: Path) -> None:
    """Whether a report can be a file of that name, before anything is read for it.

    Raises:
        LrwatchError: If not.
    """
    if out.suffix.lower() not in _KINDS:
        raise LrwatchError(f"{out}: expected a name that ends in {', '.join(_KINDS)}")
    if out.suffix.lower() == ".png":
        check_matplotlib()


def _html(story: Story, out: Path) -> list[Path]:
    out.write_text(as_html(story), encoding="utf-8")
    return [out]


def _markdown(story: Story, out: Path) -> list[Path]:
    picture = out.with_suffix(".png" if has_matplotlib() else ".svg")
    (_png if has_matplotlib() else _svg)(story, picture)
    out.write_text(as_markdown(story, picture.name), encoding="utf-8")
    return [out, picture]


def _svg(story: Story, out: Path) -> list[Path]:
    out.write_text(svg(story), encoding="utf-8")
    return [out]


def _png(story: Story, out: Path) -> list[Path]:
    as_png(story, out)
    return [out]


_KINDS: dict[str, Callable[[Story, Path], list[Path]]] = {
    ".html": _html,
    ".md": _markdown,
    ".png": _png,
    ".svg": _svg,
}
