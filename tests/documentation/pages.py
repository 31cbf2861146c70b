"""The pages of the documentation, and what is written in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
_BLOCK = re.compile(r"^```python{}\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    """Its path from the root."""
    return page.relative_to(ROOT).as_posix()


def snippets(text: str, mark: str = "") -> list[str]:
    """Blocks of Python; those marked as a sketch leave out what is the reader's."""
    return re.findall(_BLOCK.pattern.format(mark), text, flags=_BLOCK.flags)


def links(page: Path) -> list[Path]:
    """What a page links to in this repository."""
    found = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)[^)]*\)", page.read_text("utf-8"))
    return [page.parent / link for link in found]
