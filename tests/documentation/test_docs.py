"""What the pages in docs/ say is so: commands, alerts and links are there, helps are printed."""

from pathlib import Path

import pytest

from lrwatch.records import KINDS
from tests.benchmarks.gallery import EXAMPLES
from tests.documentation.helps import commands, help_of, page_of, with_help
from tests.documentation.pages import DOCS, PAGES, anchored, anchors, links, name


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files(page: Path) -> None:
    assert [link for link in links(page) if not link.exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_headings(page: Path) -> None:
    assert [link for link in anchored(page) if link[1] not in anchors(link[0])] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name)
def test_a_page_is_linked_from_another(page: Path) -> None:
    assert [p for p in PAGES if p != page and page in [x.resolve() for x in links(p)]]


def test_every_command_has_a_page_and_every_page_a_command() -> None:
    assert {p.stem for p in (DOCS / "commands").glob("*.md")} == set(commands())


@pytest.mark.parametrize("command", commands())
def test_a_page_holds_the_help_of_its_command(command: str) -> None:
    page = page_of(command).read_text("utf-8")
    assert f"Usage: lrwatch {command}" in help_of(command)
    assert page == with_help(page, help_of(command)), "run make docs"


@pytest.mark.parametrize("kind", KINDS)
def test_every_alert_has_a_page_with_an_example_and_its_picture(kind: str) -> None:
    page = (DOCS / "alerts" / f"{kind}.md").read_text("utf-8")
    assert f"](../pictures/{kind}.svg)" in page
    assert "\n```text\n" in page
    level, shown, *_ = page.split("```text\n")[1].split()
    assert level in ("INFO", "WARN", "CRIT")
    assert shown == kind


def test_every_alert_has_an_example_to_train() -> None:
    assert set(EXAMPLES) == set(KINDS)
