"""Windows has no SIGPIPE, and no way for a process to become another: the script runs beside."""

import json
from pathlib import Path

import pytest

from tests.launch.started import files, run

NO_SIGPIPE = "import signal; del signal.SIGPIPE; import lrwatch.cli; lrwatch.cli.main()"
SCRIPTS = {
    "train.py": """
        import subprocess, sys, torch
        p = torch.nn.Parameter(torch.ones(3))
        optimizer = torch.optim.SGD([p], lr=0.1)
        for _ in range(20):
            optimizer.zero_grad()
            p.square().sum().backward()
            optimizer.step()
        if len(sys.argv) < 2:
            subprocess.run([sys.executable, __file__, "child"], check=True)
        """,
    "exits.py": """
        import sys
        print(sys.stdin.read(), sys.argv)
        sys.exit(7)
        """,
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, text in SCRIPTS.items():
        (tmp_path / name).write_text(text.replace("\n        ", "\n"))
    return tmp_path


def test_the_script_has_its_stdin_and_its_exit_code_is_handed_on(here: Path) -> None:
    done = run("-c", NO_SIGPIPE, "run", "exits.py", "--lr", "1", cwd=here, stdin="told")
    assert done.code == 7, done.stderr
    assert done.stdout.split(maxsplit=1) == ["told", "['exits.py', '--lr', '1']\n"]


def test_the_script_writes_to_the_run_directory_and_its_children_to_folders_in_it(
    here: Path,
) -> None:
    done = run("-c", NO_SIGPIPE, "run", "--run-dir", "run", "train.py", cwd=here)
    assert done.code == 0, done.stderr
    verdicts = {name for name in files(here / "run") if name.endswith("verdict.json")}
    assert "lrwatch/verdict.json" in verdicts
    (of_child,) = verdicts - {"lrwatch/verdict.json"}
    assert of_child.startswith("train-")
    assert all(json.loads((here / "run" / name).read_text())["n_steps"] == 20 for name in verdicts)
