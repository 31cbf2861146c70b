"""What README.md and the other pages say is so: snippets run, make targets and modules exist."""

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest

from lrwatch.cli import main
from lrwatch.records import KINDS, SEVERITIES, AlertState
from lrwatch.sinks.lines import LEVEL_WORDS
from tests.documentation.pages import PAGES, ROOT, snippets

README = (ROOT / "README.md").read_text(encoding="utf-8")
ALL = "\n".join(page.read_text("utf-8") for page in PAGES)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SNIPPETS = snippets(ALL)
SKETCHES = snippets(ALL, " sketch")


def named_targets() -> set[str]:
    """Everything that follows the word ``make`` where the texts show a command."""
    shown = re.findall(r"(?:^    |`)make ([^`#\n]*)", ALL, flags=re.MULTILINE)
    return {word for line in shown for word in line.split() if "=" not in word}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z][\w-]*):", MAKEFILE, flags=re.MULTILINE))


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_snippet_runs_as_it_stands(number: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SNIPPETS[number]],
        cwd=tmp_path,
        env={**os.environ, "LRWATCH_STRICT": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_snippets_were_found() -> None:
    # A block marked as a sketch leaves out what is the reader's; its imports are tried below.
    assert len(SNIPPETS) + len(SKETCHES) == ALL.count("```python")
    assert SNIPPETS


@pytest.mark.parametrize("number", range(len(SKETCHES)))
def test_sketch_is_python_and_imports_what_is_there(number: int) -> None:
    imports = [n for n in ast.walk(ast.parse(SKETCHES[number])) if isinstance(n, ast.ImportFrom)]
    assert imports
    for node in imports:
        spec = find_spec(node.module or "")
        assert spec is not None
        assert spec.origin is not None
        names = {getattr(n, "name", "") for n in ast.parse(Path(spec.origin).read_text()).body}
        assert {alias.name for alias in node.names} <= names


def test_named_make_targets_exist() -> None:
    assert {"demo", "test"} <= named_targets()
    assert named_targets() - targets() == set()


def test_every_make_target_is_declared_phony() -> None:
    phony = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert set(phony[0].split()) == targets()


def test_modules_that_make_runs_exist() -> None:
    modules = re.findall(r"-m (tests\.[\w.]+)", MAKEFILE)
    assert modules
    paths = {m: ROOT / m.replace(".", "/") for m in modules}
    runs = {
        m for m, p in paths.items() if p.with_suffix(".py").exists() or (p / "__main__.py").exists()
    }
    assert set(modules) - runs == set()


def test_the_alert_on_the_first_screen_is_one() -> None:
    shown = README.split("```text\n")[1].split("```")[0]
    time, level, kind, step, state, *words = re.split(r" {2,}", shown.strip())
    assert re.fullmatch(r"[\dT:-]+Z", time)
    assert level in LEVEL_WORDS.values()
    assert kind in KINDS
    assert re.fullmatch(r"step=\d+", step)
    assert state in get_args(AlertState)
    assert [word.split(":")[0] for word in words if word.startswith("try")] == ["try"]


def test_the_table_of_commands_is_complete() -> None:
    listed = set(re.findall(r"^\| `lrwatch ([\w-]+)", section("Commands"), flags=re.MULTILINE))
    with main.make_context("lrwatch", ["--help"], resilient_parsing=True) as ctx:
        assert listed == set(main.list_commands(ctx))


def test_every_kind_and_severity_is_named() -> None:
    assert [word for word in (*KINDS, *SEVERITIES) if f"`{word}`" not in section("Use")] == []
