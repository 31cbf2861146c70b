"""The names that users import are there, typed, and loaded only when asked for."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import lrwatch

SOURCE = Path(lrwatch.__file__)


def test_public_names_are_what_the_documentation_says() -> None:
    documented = {"Action", "Alert", "LrwatchError", "Step", "Watch", "Watcher"}
    documented |= {"Backoff", "TrainingStoppedError"}
    documented |= {"LrFinding", "find_lr", "rescale_lr", "warmup_steps"}
    assert set(lrwatch.__all__) == documented | {"attach", "read", "review"}


@pytest.mark.parametrize("name", lrwatch.__all__)
def test_type_checkers_and_programs_find_the_same_object(name: str) -> None:
    nodes = ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8")))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    (module,) = [i.module for i in imports if name in {alias.name for alias in i.names}]
    assert module is not None
    assert getattr(import_module(module), name) is getattr(lrwatch, name)


def test_public_names_are_listed() -> None:
    assert set(lrwatch.__all__) <= set(dir(lrwatch))


@pytest.mark.parametrize("name", ["attatch", "torch", "_private"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
        getattr(lrwatch, name)
