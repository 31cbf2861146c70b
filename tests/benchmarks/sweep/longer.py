"""Workloads of two other sweeps, eight times as long: what is said early of a run that goes on.

A rate that is too low for a thousand steps may be a good one for ten thousand, and nothing in the
first steps tells which it is. Made on 2026-11-23 to see how often that leads to a false accusation,
with and without being told how long the run will be.
"""

from dataclasses import replace

from tests.benchmarks.sweep.third import THIRD
from tests.benchmarks.sweep.workloads import MULTIPLIERS, WORKLOADS

SEED = 11
TIMES = 8
# From a hundredth of the centre to three times it.
FACTORS = MULTIPLIERS[2:8]
LONGER = tuple(
    replace(w, n_steps=TIMES * w.n_steps) for w in (*WORKLOADS, *THIRD) if not w.surrogate
)
