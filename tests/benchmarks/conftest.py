"""Benchmarks are imported for their doctests; one that needs a framework, only where that is."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("ray") else ["tune_sweep.py"]
