"""Runs where a Python starts below ``lrwatch run``; then the sitecustomize that it hides."""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def _step_aside() -> None:
    """Leave ``sys.path`` as it is without this folder."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]


def _start() -> None:
    try:
        from lrwatch.launch.start import start
    except ImportError:  # a Python of another environment, which has no lrwatch
        return
    start()


def _run_hidden() -> None:
    spec = PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


if __name__ == "sitecustomize":
    _step_aside()
    _start()
    _run_hidden()
