"""The README as a package index shows it: there is no repository around it that links could name.

All else is in pyproject.toml.
"""

import re
import tomllib
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
_LINK = re.compile(r"(!?)\[([^\]]+)\]\((?!https?:|mailto:)([^)#\s]*)(#[^)\s]*)?\)")


def long_description(readme: str, at: str = "", version: str = "") -> str:
    """The text with whole addresses in place of paths.

    Args:
        readme: Markdown that links to files of the repository.
        at: Address of the repository; empty where it has none: links then become their words with
            the path, and pictures are left out.
        version: Its tag is ``v`` and this.
    """

    def whole(found: re.Match[str]) -> str:
        mark, words, path, anchor = found.groups(default="")
        if at and path:
            kind = "raw" if mark else "blob"
            return f"{mark}[{words}]({at}/{kind}/v{version}/{path}{anchor})"
        if mark:
            return ""
        same = words.strip("/") == path.strip("/")
        return words if same or not path else f"{words} ({path})"

    return _LINK.sub(whole, readme)


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    setup(
        long_description=long_description(
            (ROOT / "README.md").read_text("utf-8"),
            project.get("urls", {}).get("Repository", "").rstrip("/"),
            project["version"],
        ),
        long_description_content_type="text/markdown",
    )
