"""Lets a bare checkout run the tests: hooks/ becomes lrwatch.hooks only on install."""

import os
from importlib.util import find_spec
from pathlib import Path

# Tests train tiny models: threads cost more than they give, and results depend on their number.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

import lrwatch

settings.register_profile("unhurried", deadline=None)  # a busy machine fails no test
settings.load_profile("unhurried")

if find_spec("lrwatch.hooks") is None:
    lrwatch.__path__.append(str(Path(__file__).parent))
