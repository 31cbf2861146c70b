"""The tab as it is installed, and what its files hold."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_tensorboard_finds_the_tab_where_lrwatch_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (target,) = project["project"]["entry-points"]["tensorboard_plugins"].values()
    module, _, name = target.partition(":")
    assert getattr(import_module(module), name).plugin_name == "lrwatch"


def test_every_file_of_the_page_is_shipped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    plugin = ROOT / "lrwatch" / "plugin"
    patterns = project["tool"]["setuptools"]["package-data"]["lrwatch.plugin"]
    shipped = {path for pattern in patterns for path in plugin.glob(pattern) if path.is_file()}
    assert {path for path in (plugin / "page").rglob("*") if path.is_file()} == shipped


@pytest.mark.parametrize(
    "word",
    [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
        "http:",
        "https:",
    ],
)
def test_the_page_makes_no_markup_of_text_and_names_no_other_host(word: str) -> None:
    own = (ROOT / "lrwatch" / "plugin" / "page").glob("*.*")
    text = {path.name: path.read_text(encoding="utf-8") for path in own}
    text["dom.js"] = text["dom.js"].replace('"http://www.w3.org/2000/svg"', "")
    assert [name for name, source in text.items() if word in source] == []


def test_lrwatch_and_its_commands_load_nothing_of_the_tab() -> None:
    code = "import sys, lrwatch, lrwatch.cli; print(*(m for m in sys.modules if 'plugin' in m))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
