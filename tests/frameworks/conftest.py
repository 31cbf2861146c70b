"""Frameworks live in environments of their own, which ``make test-frameworks`` makes.

``LRWATCH_TEST_FRAMEWORKS`` names those that must be there; the files of a framework that is neither
there nor named are not collected.
"""

import os
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import lrwatch
import lrwatch.loop.frameworks.watches
from tests.frameworks.tiny import Attached

NEEDS = {
    "test_accelerate.py": ["accelerate"],
    "test_fabric.py": ["lightning"],
    "test_fastai.py": ["fastai"],
    "test_ignite.py": ["ignite"],
    "test_keras.py": ["keras"],
    "test_launched.py": ["accelerate", "lightning", "transformers"],
    "test_launched_fastai.py": ["fastai"],
    "test_launched_keras.py": ["keras"],
    "test_launched_ultralytics.py": ["ultralytics"],
    "test_lightning.py": ["lightning"],
    "test_mixed_up.py": ["lightning", "transformers"],
    "test_optuna.py": ["optuna"],
    "test_ranks.py": ["accelerate", "lightning", "transformers"],
    "test_ray.py": ["ray"],
    "test_ray_scan.py": ["ray"],
    "test_transformers.py": ["transformers"],
    "test_ultralytics.py": ["ultralytics"],
    "test_ultralytics_ranks.py": ["ultralytics"],
    "two_ranks.py": ["ultralytics"],
}
REQUIRED = set(os.environ.get("LRWATCH_TEST_FRAMEWORKS", "").split())

collect_ignore = [
    file
    for file, names in NEEDS.items()
    if not set(names) <= REQUIRED and not all(map(find_spec, names))
]

if not REQUIRED and not any(map(find_spec, ("lightning", "ray", "transformers", "ultralytics"))):
    collect_ignore += ["test_framework_examples.py", "test_snippets.py"]

if find_spec("ultralytics"):
    # Its environment must be set before it is imported, by whichever test comes first.
    import tests.frameworks.boxes  # noqa: F401
# What warns of itself while it is imported is imported here, where warnings are no errors yet.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for noisy in ("fastai.basics", "ignite", "optuna", "ray"):
        if find_spec(noisy.partition(".")[0]):
            import_module(noisy)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the frameworks warn of among themselves is theirs; warnings from lrwatch are errors."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings("ignore"))
            item.add_marker(pytest.mark.filterwarnings(r"error:::(lrwatch|hooks)\."))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Attached]:
    """One sink for each optimizer that a callback attaches to, in that order."""
    sinks: list[Attached] = []

    def attach(optimizer: Any, model: Any, **settings: Any) -> lrwatch.Watch:
        sinks.append(Attached(model, settings))
        return lrwatch.attach(optimizer, model, sinks=[sinks[-1]], **settings)

    monkeypatch.setattr(lrwatch.loop.frameworks.watches, "attach", attach)
    return sinks
