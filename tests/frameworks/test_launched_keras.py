"""``lrwatch run`` does not see the optimizers of Keras, and says so where nothing else watches."""

from pathlib import Path

import pytest

from tests.launch.started import watched

SCRIPT = """
import os
os.environ["KERAS_BACKEND"] = "torch"
import keras, numpy
if {is_watched}:
    from lrwatch.hooks.keras import LrwatchCallback
    callbacks = [LrwatchCallback(run_dir=False)]
else:
    callbacks = []
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
for _ in range(2):
    x = numpy.ones((32, 8), "float32")
    model.fit(x, x[:, :1], epochs=1, verbose=0, callbacks=callbacks)
"""


@pytest.mark.parametrize("is_watched", [False, True])
def test_a_fit_by_an_optimizer_of_its_own_is_told_once(tmp_path: Path, is_watched: bool) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.format(is_watched=is_watched))
    ended = watched("--run-dir", "run", "script.py", cwd=tmp_path)
    assert ended.code == 0, ended.stderr
    assert ended.stderr.count("lrwatch.hooks.keras") == (not is_watched)
    assert not (tmp_path / "run").exists()
