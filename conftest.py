"""Lets a bare checkout run the tests: hooks/ becomes lrwatch.hooks only on install."""

import os
import signal
from importlib.util import find_spec
from pathlib import Path

# Tests train tiny models: threads cost more than they give, and results depend on their number.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell starts what runs in its background deaf to SIGINT, and that is handed down to children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from hypothesis import settings

import lrwatch
from lrwatch.sinks import promptly, run_directory

# A training waits for its disk so long at most; a busy machine is given more, and fails no test.
promptly._BUDGET_S = run_directory._CLOSE_S = 120.0

settings.register_profile("unhurried", deadline=None)  # a busy machine fails no test
settings.load_profile("unhurried")

if find_spec("lrwatch.hooks") is None:
    lrwatch.__path__.append(str(Path(__file__).parent))
