"""Workloads that nothing is ever fitted to or chosen on: what the verdict is worth elsewhere.

Whoever changes a rule because of a run of these has to replace the workload.
"""

from torch import nn

from tests.benchmarks.sweep.builders import CE, MSE, labels, supervised, symbols, windows
from tests.benchmarks.sweep.images import glyphs, shapes
from tests.benchmarks.sweep.models import Attention, Recurrent, conv, dense
from tests.benchmarks.sweep.points import blobs, linear, spirals, teacher
from tests.benchmarks.sweep.sequences import marked_sums, reversals, waves
from tests.benchmarks.sweep.tables_data import classes, digits, measured, themselves, values
from tests.benchmarks.sweep.tables_models import gelu_conv
from tests.benchmarks.sweep.workload import Workload

HELD_OUT: tuple[Workload, ...] = (
    Workload(
        name="spirals_tanh",
        optimizer="adam",
        build=supervised(spirals, lambda: dense(2, 48, 48, 3, activation=nn.Tanh), CE),
        centre=0.01,
        n_steps=1400,
    ),
    Workload(
        name="blobs_mlp",
        optimizer="rmsprop",
        build=supervised(blobs, lambda: dense(20, 32, 5), CE),
        centre=0.003,
        n_steps=800,
    ),
    Workload(
        name="linear_adam",
        optimizer="adam",
        build=supervised(linear, lambda: dense(30, 1), MSE),
        centre=0.03,
        n_steps=1000,
    ),
    Workload(
        name="teacher_momentum",
        optimizer="momentum",
        build=supervised(teacher, lambda: dense(16, 48, 48, 4), MSE),
        centre=0.03,
        n_steps=1200,
    ),
    Workload(
        name="labels_deep",
        optimizer="sgd",
        build=supervised(labels, lambda: dense(16, 48, 48, 48, 5), CE),
        centre=0.1,
        n_steps=1300,
    ),
    Workload(
        name="glyph_logreg",
        optimizer="adamw",
        build=supervised(glyphs, lambda: dense(144, 10), CE),
        centre=0.01,
        n_steps=900,
        schedule="warmup_cosine",
    ),
    Workload(
        name="shape_cnn",
        optimizer="momentum",
        build=supervised(shapes, lambda: conv(4), CE),
        centre=0.03,
        n_steps=900,
    ),
    Workload(
        name="shape_mlp",
        optimizer="rmsprop",
        build=supervised(shapes, lambda: dense(144, 48, 4), CE, batch_size=16),
        centre=0.001,
        n_steps=1000,
    ),
    Workload(
        name="waves_lstm",
        optimizer="adam",
        build=supervised(waves, lambda: Recurrent(nn.LSTM, 1, 1, width=24, symbols=False), MSE),
        centre=0.01,
        n_steps=800,
    ),
    Workload(
        name="sums_gru_adam",
        optimizer="adam",
        build=supervised(
            marked_sums, lambda: Recurrent(nn.GRU, 2, 1, width=24, symbols=False), MSE
        ),
        centre=0.01,
        n_steps=900,
    ),
    Workload(
        name="char_attention_warm",
        optimizer="adam",
        build=supervised(
            windows, lambda: Attention(40, 16, width=48, causal=True), symbols, batch_size=16
        ),
        centre=0.003,
        n_steps=800,
        schedule="warmup_cosine",
    ),
    Workload(
        name="reversal_adamw",
        optimizer="adamw",
        build=supervised(reversals, lambda: Attention(12, 8, width=24, causal=False), symbols),
        centre=0.01,
        n_steps=700,
    ),
    Workload(
        name="digits_wide_ae",
        optimizer="adam",
        build=supervised(themselves(digits), lambda: dense(64, 128, 16, 128, 64), MSE),
        centre=0.003,
        n_steps=1000,
    ),
    Workload(
        name="digits_cnn_steps",
        optimizer="adam",
        build=supervised(classes(digits), gelu_conv, CE),
        centre=0.003,
        n_steps=900,
        schedule="step_decay",
    ),
    Workload(
        name="wine_logreg",
        optimizer="momentum",
        build=supervised(classes(measured("wine")), lambda: dense(13, 3), CE, batch_size=16),
        centre=0.1,
        n_steps=700,
    ),
    Workload(
        name="diabetes_deep",
        optimizer="adam",
        build=supervised(values(measured("diabetes")), lambda: dense(10, 64, 64, 1), MSE),
        centre=0.003,
        n_steps=1000,
    ),
    Workload(
        name="cancer_cycle",
        optimizer="momentum",
        build=supervised(classes(measured("breast_cancer")), lambda: dense(30, 32, 2), CE),
        centre=0.03,
        n_steps=800,
        schedule="one_cycle",
    ),
)
