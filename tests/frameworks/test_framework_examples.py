"""The examples for frameworks run as they stand, and say what their text promises."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.launch.started import run

FOLDER = Path(__file__).parents[2] / "examples" / "frameworks"
LAST_LINES = {
    "lightning_fit": "loss: below 0.6",
    "ray_sweep": "1 of 3 trials ended early",
    "transformers_trainer": "verdict: too_high",
    "ultralytics_yolo": "verdict: too_high",
}
HERE = [name for name in LAST_LINES if find_spec(name.partition("_")[0])]


def test_every_example_is_run() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(LAST_LINES)
    assert HERE


@pytest.mark.parametrize("name", HERE)
def test_an_example_says_what_it_promises(name: str, tmp_path: Path) -> None:
    environment = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    if find_spec("ultralytics"):
        from tests.frameworks import boxes

        environment.update(boxes.ENVIRONMENT)
    ended = run(str(FOLDER / f"{name}.py"), cwd=tmp_path, LRWATCH_STRICT="1", **environment)
    assert ended.code == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == LAST_LINES[name]
