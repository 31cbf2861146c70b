"""What is built and installed is what stands in the tree."""

import re
import runpy
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
ADAPTERS = sorted(f"lrwatch.hooks.{p.stem}" for p in (ROOT / "hooks").glob("[!_]*.py"))
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, SETUPTOOLS = PYPROJECT["project"], PYPROJECT["tool"]["setuptools"]


def distribution(requirement: str) -> str:
    """The bare name in a requirement such as ``lrwatch[test]>=1``."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def pins() -> dict[str, str]:
    files = [ROOT / "constraints.txt", ROOT / "constraints-frameworks.txt"]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    parted = (line.partition("==") for line in lines if line and not line.startswith("#"))
    return {name.lower(): version for name, _, version in parted}


def test_every_package_folder_is_shipped() -> None:
    folders = [p.parent for p in (ROOT / "lrwatch").rglob("__init__.py")]
    on_disk = {".".join(f.relative_to(ROOT).parts) for f in folders} | {"lrwatch.hooks"}
    assert set(SETUPTOOLS["packages"]) == on_disk


def test_every_folder_with_code_is_a_package() -> None:
    folders = {p.parent for top in ("lrwatch", "hooks") for p in (ROOT / top).rglob("*.py")}
    assert [f for f in folders if not (f / "__init__.py").exists()] == []


@pytest.mark.parametrize("module", ["lrwatch.hooks", *ADAPTERS])
def test_hooks_are_found_by_their_installed_names(module: str) -> None:
    assert find_spec(module) is not None


def test_the_core_needs_five_distributions_and_no_more() -> None:
    needed = {distribution(r) for r in PROJECT["dependencies"]}
    assert needed == {"torch", "tensorboard", "pandas", "scipy", "click"}


def test_every_direct_requirement_is_pinned() -> None:
    extras = [r for extra in PROJECT["optional-dependencies"].values() for r in extra]
    wanted = {distribution(r) for r in [*PROJECT["dependencies"], *extras]} - {"lrwatch"}
    assert wanted - set(pins()) == set()


def test_every_pin_names_one_exact_version() -> None:
    assert [name for name, version in pins().items() if not re.fullmatch(r"[\d.]+", version)] == []


def test_the_console_script_exists() -> None:
    module, _, function = PROJECT["scripts"]["lrwatch"].partition(":")
    assert callable(getattr(import_module(module), function))


def test_types_are_shipped() -> None:
    assert "py.typed" in SETUPTOOLS["package-data"]["lrwatch"]
    assert (ROOT / "lrwatch" / "py.typed").exists()


def test_the_licence_is_shipped() -> None:
    assert all((ROOT / name).exists() for name in PROJECT["license-files"])


def shown(at: str = "") -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = runpy.run_path(str(ROOT / "setup.py"))["long_description"](text, at, "1.2")
    assert isinstance(found, str)
    return found


def test_an_index_shows_whole_addresses_only() -> None:
    at = "https://example.org/lrwatch"
    targets = re.findall(r"\]\(([^)]*)\)", shown(at))
    assert f"{at}/raw/v1.2/docs/pictures/tab.png" in targets
    assert f"{at}/blob/v1.2/docs/verdict.md#figures" in targets
    assert [target for target in targets if not target.startswith("https://")] == []


def test_an_index_shows_words_where_the_repository_has_no_address() -> None:
    assert re.findall(r"\]\([^)]*\)", shown()) == []
    assert "Lightning (docs/frameworks/lightning.md)" in shown()
    assert "![" not in shown()


def test_an_index_shows_code_as_it_is() -> None:
    blocks = re.compile(r"^```.*?^```", flags=re.MULTILINE | re.DOTALL)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert blocks.findall(shown("https://example.org")) == blocks.findall(readme) != []
