"""What the package never does, held by its syntax tree: run or load what a file says."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "lrwatch").rglob("*.py")), *sorted((ROOT / "hooks").rglob("*.py"))]
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml"}
NAMES = {"eval", "exec", "compile", "__import__"}
CALLS = {"torch.load", "numpy.load", "np.load", "os.system", "os.popen", "pandas.read_pickle"}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def forbidden(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in MODULES]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            found.append(node.module or "")
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            found += [name] if name in NAMES | CALLS else []
            found += ["shell=" for k in node.keywords if k.arg == "shell"]
            pickled = [k for k in node.keywords if k.arg == "allow_pickle"]
            found += ["allow_pickle=" for k in pickled if not _is_false(k.value)]
    return found


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_in_a_file_is_ever_run_or_unpickled(path: Path) -> None:
    assert forbidden(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from yaml import safe_load",
        "eval('1')",
        "torch.load(path)",
        "subprocess.run(words, shell=False)",
        "numpy.fromfile(path, allow_pickle=True)",
        "os.system('ls')",
    ],
)
def test_each_of_them_would_be_found(line: str) -> None:
    assert forbidden(ast.parse(line))
