"""The reference names what there is: public names, arguments, fields, variables, exit codes."""

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import lrwatch
import lrwatch.notify
from lrwatch.loop.frameworks.settings import Settings
from lrwatch.readers.reading import Reading
from lrwatch.reviewing.review import Review
from tests.documentation.pages import DOCS, ROOT

API = re.sub(r"```.*?```", "", (DOCS / "api.md").read_text("utf-8"), flags=re.DOTALL)
CONFIGURATION = (DOCS / "configuration.md").read_text("utf-8")
SOURCES = [*(ROOT / "lrwatch").rglob("*.py"), *(ROOT / "hooks").glob("*.py")]
KINDS = [
    *(lrwatch.Watch, lrwatch.Watcher, lrwatch.LrFinding, Reading, Review, lrwatch.Step),
    *(lrwatch.Alert, lrwatch.Action, lrwatch.TrainingStoppedError),
]
NOT_FOR_USERS = {"asked", "optimizer", "said_idle"}


def rows(title: str) -> list[list[str]]:
    """The cells of the rows of the table below a title of the configuration."""
    section = CONFIGURATION.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def public(kind: type) -> set[str]:
    """What users may ask an object of this class for."""
    source = ast.parse(inspect.getsource(inspect.getmodule(kind)))  # type: ignore[arg-type]
    (body,) = [n for n in source.body if isinstance(n, ast.ClassDef) and n.name == kind.__name__]
    kept = {
        node.attr
        for node in ast.walk(body)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return {name for name in {*dir(kind), *kept} if not name.startswith("_")} - NOT_FOR_USERS


def is_named(name: str) -> bool:
    return re.search(rf"\b{name}\b", " ".join(re.findall(r"`[^`]+`", API))) is not None


@pytest.mark.parametrize("name", [*lrwatch.__all__, *lrwatch.notify.__all__])
def test_every_public_name_is_in_the_reference(name: str) -> None:
    assert is_named(name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_public_attribute_is_in_the_reference(kind: type) -> None:
    names = public(kind) - set(dir(Exception))
    assert [name for name in sorted(names) if not is_named(name)] == []


def test_the_reference_has_the_names_of_every_adapter() -> None:
    for path in (ROOT / "hooks").glob("[!_]*.py"):
        line = next(r for r in API.splitlines() if re.search(rf"[`.]{path.stem}`", r))
        defined = [
            node.name
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name[0] != "_"
        ]
        assert [name for name in defined if f"`{name}`" not in line] in ([], ["TrainingWatch"])


def test_every_argument_of_attach_is_in_the_table_with_its_default() -> None:
    arguments = list(inspect.signature(lrwatch.attach).parameters.values())[2:]
    table = {name.strip("`"): (default, dot) for name, default, dot, *_ in rows("Arguments")}
    assert {a.name: str(a.default) for a in arguments} == {n: d for n, (d, _) in table.items()}
    assert {n for n, (_, dot) in table.items() if dot} == {f.name for f in fields(Settings)}


def test_every_bound_of_the_back_off_is_in_the_table_with_its_default() -> None:
    table = {name.strip("`"): default for name, default, *_ in rows("Bounds of the back-off")}
    defaults: dict[str, Any] = {f.name: f.default for f in fields(lrwatch.Backoff)}
    assert table.keys() == defaults.keys()
    assert table.pop("rungs") == "all four"
    assert table.pop("memory_cap") == f"{defaults['memory_cap'] >> 30} GiB"
    assert table == {name: str(defaults[name]) for name in table}


def test_every_variable_that_is_read_is_in_the_table() -> None:
    named = {name for cells in rows("Environment variables") for name in words(cells[0])}
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    read = set(re.findall(r"\"(LRWATCH_[A-Z_]+)\"", text)) | {"NO_COLOR", "CLICOLOR_FORCE"}
    assert read - named == {"LRWATCH_RUN_PLAN"}
    assert "`LRWATCH_RUN_PLAN`" in CONFIGURATION
    assert named - read == set()


def words(cell: str) -> list[str]:
    return re.findall(r"`([A-Z_]+)", cell)


def test_every_exit_code_is_in_the_table() -> None:
    from lrwatch.cli import main

    told = str(main.epilog)
    section = CONFIGURATION.split("## Exit codes\n")[1].split("\n## ")[0]
    first = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]
    assert set(re.findall(r"\d+", " ".join(first))) == set(re.findall(r"\d+", told))


def test_the_files_that_a_run_writes_are_in_the_table(tmp_path: Path) -> None:
    import torch

    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with lrwatch.attach(optimizer, run_dir=tmp_path, stderr=False):
        for _ in range(10):
            optimizer.zero_grad()
            model(torch.ones(4, 2)).square().mean().backward()
            optimizer.step()
    named = [re.sub(r"^RUN/", "", name.strip("`")) for name, *_ in rows("Files that it writes")]
    written = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 3
    assert [path for path in written if not any(path.match(name) for name in named)] == []
