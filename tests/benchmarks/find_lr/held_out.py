"""Workloads on which nothing of the search was chosen: tasks of the sweep, other optimizers."""

from dataclasses import replace

from tests.benchmarks.sweep.optimizers import Optimizer
from tests.benchmarks.sweep.workloads import WORKLOADS

_OTHERS: tuple[tuple[str, str, Optimizer, float], ...] = (
    ("glyph_cnn/adam", "glyph_cnn", "sgd", 0.3),
    ("glyph_mlp/sgd", "glyph_mlp", "adamw", 0.003),
    ("char_gru/momentum", "char_gru", "adam", 0.01),
    ("friedman_mlp/momentum", "friedman_mlp", "adam", 0.01),
    ("denoising/momentum", "denoising", "rmsprop", 0.003),
    ("spiral_mlp/rmsprop", "spiral_mlp", "momentum", 0.1),
    ("moons_mlp/adam", "moons_mlp", "sgd", 0.3),
    ("reversal_attention/adam", "reversal_attention", "adagrad", 0.03),
    ("shape_autoencoder/adam", "shape_autoencoder", "momentum", 1.0),
    ("sets/adam", "sets", "rmsprop", 0.003),
    ("waves_gru_cycle/adam", "waves_gru_cycle", "momentum", 0.1),
    ("teacher_mlp_cosine/adamw", "teacher_mlp_cosine", "momentum", 0.03),
)
_BY_KEY = {workload.key: workload for workload in WORKLOADS}
HELD_OUT = tuple(
    replace(_BY_KEY[key], name=name, optimizer=optimizer, centre=centre)
    for key, name, optimizer, centre in _OTHERS
)
