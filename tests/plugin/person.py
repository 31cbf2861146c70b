"""What a person does at the page: looks for something, points at it, reads it."""

import json
from typing import Any

from tests.plugin.chromium import Chromium


def row(name: str) -> str:
    """The line of a run in the table."""
    return (
        "[...document.querySelectorAll('.run')].find("
        f"(row) => row.querySelector('.name').textContent === {json.dumps(name)})"
    )


def one(selector: str) -> str:
    """The first element of a kind."""
    return f"document.querySelector({json.dumps(selector)})"


def click(page: Chromium, element: str) -> None:
    """Click an element in its middle."""
    page.click(*center(page, element))


def center(page: Chromium, element: str) -> tuple[float, float]:
    """Where the middle of an element is."""
    left, top, width, height = box(page, element)
    return left + width / 2, top + height / 2


def box(page: Chromium, element: str) -> tuple[float, float, float, float]:
    """Left, top, width and height of an element."""
    script = (
        f"(() => {{ const r = ({element}).getBoundingClientRect();"
        " return [r.left, r.top, r.width, r.height] })()"
    )
    left, top, width, height = page.run(script)
    return left, top, width, height


def choose(page: Chromium, name: str) -> None:
    """Click a run and wait for its curves and its story."""
    click(page, row(name))
    page.until(f"{one('h2')}.textContent === {json.dumps(name)}")
    page.until(f"!!{one('.chart .uplot')} && {one('.notice')}.hidden")


def each(page: Chromium, selector: str, what: str = "textContent") -> list[Any]:
    """A property of all elements of a kind."""
    every = f"[...document.querySelectorAll({json.dumps(selector)})]"
    found: list[Any] = page.run(f"{every}.map((one) => one.{what})")
    return found


def text(page: Chromium, selector: str) -> str:
    """The words that are shown in an element."""
    return str(page.run(f"{one(selector)}.innerText"))


def wait_for(page: Chromium, n: int, selector: str) -> None:
    """Wait until there are so many."""
    page.until(f"document.querySelectorAll({json.dumps(selector)}).length === {n}")


def in_view(page: Chromium) -> tuple[int, int]:
    """First and last step in view."""
    words = text(page, ".range").replace(",", "").split()
    return int(words[1]), int(words[3])


def over(page: Chromium, share: float) -> tuple[float, float]:
    """A point over the loss, at a share of its width."""
    left, top, width, height = box(page, one(".u-over"))
    return left + share * width, top + 0.7 * height
