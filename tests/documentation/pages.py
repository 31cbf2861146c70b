"""The pages of the documentation, and what is written in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_TOP = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")]
PAGES = [*_TOP, *sorted(DOCS.rglob("*.md"))]
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


def anchors(page: Path) -> set[str]:
    """What a link may name within a page: its headings, as GitHub writes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def anchored(page: Path) -> list[tuple[Path, str]]:
    """The links of a page that name a place within a page of this repository."""
    found = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text("utf-8"))
    return [(page.parent / link if link else page, anchor) for link, anchor in found]
