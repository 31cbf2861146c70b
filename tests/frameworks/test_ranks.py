"""Two ranks under each framework: they judge the mean loss, act as one, and one of them writes."""

import json
import math
from pathlib import Path

import pytest

from tests.launch.started import run
from tests.ranks.job import ROOT

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


@pytest.mark.parametrize("framework", ["lightning", "fabric", "transformers", "accelerate"])
def test_two_ranks_are_judged_and_backed_off_as_one(tmp_path: Path, framework: str) -> None:
    own = ["-m", "tests.frameworks.ranked", framework, str(tmp_path)]
    ended = run(*TORCHRUN, *own, cwd=tmp_path, PYTHONPATH=str(ROOT), LRWATCH_STRICT="1")
    assert ended.code == 0, ended.stderr
    ranks = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2)]
    first, second = ranks
    assert first["world"] == 2
    assert first["logged"] != second["logged"], "each has data of its own"
    mean = [(a + b) / 2 for a, b in zip(first["logged"], second["logged"], strict=True)]
    assert first["losses"] == second["losses"] == pytest.approx(mean, rel=1e-6)
    assert "rewind" in {kind for kind, *_ in first["actions"]}
    assert second["actions"] == first["actions"]
    assert second["weights"] == first["weights"]
    assert second["verdict"] == first["verdict"]
    assert math.isfinite(first["losses"][-1])
    written = sorted(path.name.split(".")[0] for path in (tmp_path / "lrwatch").iterdir())
    assert written == ["alerts", "events", "verdict"]
