"""Imports point down the floors only; see the drawing in CONTRIBUTING.md."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOOR = {
    "errors": 0,
    "records": 0,
    "switches": 0,
    "stats": 1,
    "detectors": 2,
    "policy": 2,
    "ranks": 2,
    "readers": 2,
    "sinks": 2,
    "watcher": 3,
    "control": 4,
    "demo": 4,
    "launch": 4,
    "live": 4,
    "loop": 4,
    "notify": 4,
    "range_test": 4,
    "reviewing": 4,
    "cli": 5,
    "hooks": 5,
    "plugin": 5,
}
# On one floor nobody imports a neighbour, but for those who hook a training loop through `loop`.
NEIGHBOURS = {
    ("demo", "loop"),
    ("launch", "loop"),
    ("launch", "range_test"),
    ("loop", "control"),
    ("loop", "notify"),
    ("range_test", "control"),
    ("range_test", "loop"),
}
HEAVY = {"torch", "numpy", "pandas", "scipy", "tensorboard"}
MAY_BE_HEAVY = {("readers", "numpy")}
FILES = [*sorted((ROOT / "lrwatch").rglob("*.py")), *sorted((ROOT / "hooks").rglob("*.py"))]


def installed_name(path: Path) -> tuple[str, ...]:
    """The dotted name of a file once it is installed, in pieces."""
    pieces = path.relative_to(ROOT).with_suffix("").parts
    if pieces[0] == "hooks":
        pieces = ("lrwatch", *pieces)
    return pieces[:-1] if pieces[-1] == "__init__" else pieces


def part(name: tuple[str, ...]) -> str:
    """The part that a dotted name belongs to; the facade ``lrwatch`` itself is ``""``."""
    if len(name) < 2:
        return ""
    return "cli" if name[1] == "__main__" else name[1]


def absolute(node: ast.ImportFrom, path: Path) -> tuple[str, ...]:
    """The dotted name that ``from ... import`` reads, relative forms resolved."""
    module = tuple(node.module.split(".")) if node.module else ()
    if not node.level:
        return module
    here = installed_name(path)
    package = here if path.name == "__init__.py" else here[:-1]
    return (*package[: len(package) - node.level + 1], *module)


def imported(path: Path, nodes: Iterator[ast.AST]) -> Iterator[tuple[str, ...]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            module = absolute(node, path)
            below = [alias.name for alias in node.names] if module == ("lrwatch",) else []
            yield from [(*module, name) for name in below if name in FLOOR] or [module]


def modules_read(path: Path) -> set[str]:
    """Dotted names of all that a file imports, functions included; some are no modules."""
    found = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.ImportFrom):
            module = ".".join(absolute(node, path))
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


def on_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: no function bodies, no type checking."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from on_import(child)


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def may_import(importer: str, wanted: str) -> bool:
    if importer == wanted or (importer, wanted) in NEIGHBOURS:
        return True
    # The facade gathers the names of floor 4, so only those above may go through it.
    return FLOOR[importer] > (FLOOR[wanted] if wanted else 4)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    importer = part(installed_name(path))
    if not importer:
        return
    for name in imported(path, ast.walk(parse(path))):
        if name[0] == "lrwatch":
            assert may_import(importer, part(name)), f"{importer} imports {'.'.join(name)}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_lower_floors_load_nothing_heavy_on_import(path: Path) -> None:
    importer = part(installed_name(path))
    if importer and FLOOR[importer] > 3:
        return
    for name in imported(path, on_import(parse(path))):
        allowed = name[0] not in HEAVY or (importer, name[0]) in MAY_BE_HEAVY
        assert allowed, f"{importer} imports {name[0]} at module level"


def test_neighbours_never_import_each_other_both_ways() -> None:
    assert not [pair for pair in NEIGHBOURS if pair[::-1] in NEIGHBOURS]
    assert all(FLOOR[importer] == FLOOR[wanted] for importer, wanted in NEIGHBOURS)


def test_no_files_import_each_other_in_a_circle() -> None:
    names = {".".join(installed_name(path)): path for path in FILES}
    graph = {name: modules_read(path) & (names.keys() - {name}) for name, path in names.items()}
    list(TopologicalSorter(graph).static_order())


def room(name: str) -> str:
    """The folder within a part that a file lies in; a file beside the folders is its own room."""
    return ".".join(name.split(".")[:3])


def test_no_rooms_import_each_other_in_a_circle() -> None:
    names = {".".join(installed_name(path)): path for path in FILES}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        wanted = {room(read) for read in modules_read(path) & names.keys()}
        graph.setdefault(room(name), set()).update(wanted - {room(name)})
    assert graph["lrwatch.loop.attach"] >= {"lrwatch.loop.places", "lrwatch.loop.loss"}
    list(TopologicalSorter(graph).static_order())


def test_an_adapter_imports_lrwatch_by_its_full_name_and_no_other_adapter() -> None:
    for adapter in (ROOT / "hooks").glob("*.py"):
        tree = parse(adapter)
        assert not [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level], adapter
        assert not [n for n in imported(adapter, ast.walk(tree)) if n[1:2] == ("hooks",)], adapter


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from . import shape", "lrwatch.stats"),
        ("from .. import errors", "lrwatch.errors"),
        ("from ..records import Step", "lrwatch.records"),
        ("from lrwatch import records", "lrwatch.records"),
        ("from lrwatch import attach", "lrwatch"),
        ("import lrwatch.loop.attach", "lrwatch.loop.attach"),
    ],
)
def test_every_form_of_import_is_understood(source: str, name: str) -> None:
    path = ROOT / "lrwatch" / "stats" / "ewma.py"
    assert [".".join(n) for n in imported(path, ast.walk(ast.parse(source)))] == [name]


@pytest.mark.parametrize("module", ["lrwatch", "lrwatch.records", "lrwatch.watcher", "lrwatch.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {HEAVY}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
