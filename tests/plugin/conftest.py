"""A logdir, a TensorBoard over it and a browser before it, once for all tests of the page.

Without Chromium these tests are skipped; with ``LRWATCH_TEST_BROWSER=required`` they fail instead.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin import logs
from tests.plugin.board import TensorBoard
from tests.plugin.chromium import Chromium, found

PAGE = "/data/plugin_entry.html?name=lrwatch"
N_LONG = 30_000
N_RUNS = 7


@pytest.fixture(scope="package")
def logdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("logs")
    logs.watched(root / "watched")
    logs.plain(root / "plain" / "healthy", logs.falling(2000))
    logs.plain(root / "plain" / "diverging", logs.diverging(2000))
    logs.plain(root / "plain" / "ends in nan", [*logs.falling(500), *[float("nan")] * 50])
    logs.watched(root / logs.EVIL, [logs.HOSTILE], 20)
    losses = logs.falling(N_LONG)
    losses[N_LONG // 3] = 77.0
    losses[N_LONG // 2] = float("nan")
    logs.plain(root / "long", losses)
    (root / "broken").mkdir()
    (root / "broken" / "events.out.tfevents.1").write_bytes(b"\x00" * 7 + b"no log" * 99)
    return root


@pytest.fixture(scope="package")
def board(logdir: Path) -> Iterator[TensorBoard]:
    board = TensorBoard(logdir)
    yield board
    board.stop()


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    if found() is None and os.environ.get("LRWATCH_TEST_BROWSER") != "required":
        pytest.skip("needs Chromium: apt-get install chromium")
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(browser: Chromium, board: TensorBoard) -> Iterator[Chromium]:
    """The page by itself, all runs judged; afterwards nothing may have gone wrong in it."""
    browser.leave()
    browser.resize(1500, 1000)
    browser.requests.clear()
    browser.complaints.clear()
    browser.go(board.url + PAGE)
    browser.until(f"document.querySelectorAll('.run').length >= {N_RUNS}")
    browser.until("!document.querySelector('.v-waiting')")
    yield browser
    assert [url for url in browser.requests if not url.startswith((board.url, "data:"))] == []
    assert [text for text in browser.complaints if "favicon" not in text] == []
    assert browser.run("window.hacked") is None
