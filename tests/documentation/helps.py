"""The page of each command: ``python -m tests.documentation.helps`` puts its help into it."""

import re
from pathlib import Path

from click.testing import CliRunner

from lrwatch.cli import main
from tests.documentation.pages import DOCS

_HELP = re.compile(r"(<!-- help -->\n).*?(<!-- end -->)", re.DOTALL)


def commands() -> list[str]:
    """All commands, by name."""
    with main.make_context("lrwatch", ["--help"], resilient_parsing=True) as ctx:
        return main.list_commands(ctx)


def help_of(command: str) -> str:
    """What ``lrwatch COMMAND --help`` prints on a terminal of 80 columns."""
    done = CliRunner().invoke(
        main, [command, "--help"], prog_name="lrwatch", terminal_width=80, catch_exceptions=False
    )
    return "\n".join(line.rstrip() for line in done.output.strip("\n").splitlines())


def page_of(command: str) -> Path:
    """Where its page is."""
    return DOCS / "commands" / f"{command}.md"


def with_help(page: str, shown: str) -> str:
    """The page with this help in its place.

    Raises:
        ValueError: If there is no place for it, or more than one.
    """
    block = f"\n```text\n{shown}\n```\n\n"
    found, n = _HELP.subn(lambda m: m[1] + block + m[2], page)
    if n != 1:
        raise ValueError("a page needs one place for the help: <!-- help --> and <!-- end -->")
    return found


if __name__ == "__main__":
    for command in commands():
        page = page_of(command)
        page.write_text(with_help(page.read_text("utf-8"), help_of(command)), "utf-8")
