"""A second registry, kept apart from the first: nets over real tables and scikit-learn's own."""

from torch import nn

from tests.benchmarks.sweep.builders import CE, MSE, supervised
from tests.benchmarks.sweep.models import dense
from tests.benchmarks.sweep.tables_data import (
    circles,
    classes,
    clusters,
    digits,
    iris,
    measured,
    phases,
    roll,
    sparse,
    themselves,
    values,
)
from tests.benchmarks.sweep.tables_models import (
    Residual,
    RowAttention,
    RowMixer,
    RowRecurrent,
    gelu_conv,
    layer_normed,
    linear_autoencoder,
)
from tests.benchmarks.sweep.third import THIRD
from tests.benchmarks.sweep.workload import Workload

FIRST: tuple[Workload, ...] = (
    Workload(
        name="digits_resnet",
        optimizer="momentum",
        build=supervised(classes(digits), Residual, CE),
        centre=0.03,
        n_steps=800,
    ),
    Workload(
        name="digits_attention",
        optimizer="adamw",
        build=supervised(classes(digits), RowAttention, CE),
        centre=0.01,
        n_steps=1000,
    ),
    Workload(
        name="digits_lstm",
        optimizer="adam",
        build=supervised(
            classes(digits), lambda: RowRecurrent(nn.LSTM(8, 32, batch_first=True), mean=False), CE
        ),
        centre=0.01,
        n_steps=900,
    ),
    Workload(
        name="wine_layernorm",
        optimizer="sgd",
        build=supervised(classes(measured("wine")), layer_normed, CE, batch_size=16),
        centre=0.1,
        n_steps=600,
    ),
    Workload(
        name="diabetes_mlp",
        optimizer="rmsprop",
        build=supervised(values(measured("diabetes")), lambda: dense(10, 32, 32, 1), MSE),
        centre=0.003,
        n_steps=1000,
    ),
    Workload(
        name="cancer_mlp",
        optimizer="adam",
        build=supervised(
            classes(measured("breast_cancer")), lambda: dense(30, 32, 2), CE, batch_size=16
        ),
        centre=0.003,
        n_steps=800,
    ),
    Workload(
        name="digits_sigmoid",
        optimizer="momentum",
        build=supervised(classes(digits), lambda: dense(64, 48, 48, 10, activation=nn.Sigmoid), CE),
        centre=0.3,
        n_steps=1200,
    ),
    Workload(
        name="digits_linear_ae",
        optimizer="sgd",
        build=supervised(themselves(digits), linear_autoencoder, MSE),
        centre=1.0,
        n_steps=1000,
    ),
    Workload(
        name="digits_logreg",
        optimizer="adam",
        build=supervised(classes(digits), lambda: dense(64, 10), CE),
        centre=0.03,
        n_steps=1000,
    ),
    Workload(
        name="diabetes_logreg",
        optimizer="momentum",
        build=supervised(values(measured("diabetes")), lambda: dense(10, 1), MSE, batch_size=16),
        centre=0.01,
        n_steps=800,
    ),
)

SECOND: tuple[Workload, ...] = (
    Workload(
        name="classes_mlp",
        optimizer="momentum",
        build=supervised(classes(clusters), lambda: dense(40, 64, 64, 6), CE),
        centre=0.03,
        n_steps=1200,
    ),
    Workload(
        name="friedman3_mlp",
        optimizer="adamw",
        build=supervised(values(phases), lambda: dense(4, 48, 48, 1), MSE),
        centre=0.01,
        n_steps=1200,
    ),
    Workload(
        name="roll_mlp",
        optimizer="sgd",
        build=supervised(values(roll), lambda: dense(3, 64, 64, 1, activation=nn.Tanh), MSE),
        centre=0.1,
        n_steps=1500,
    ),
    Workload(
        name="circles_mlp",
        optimizer="rmsprop",
        build=supervised(classes(circles), lambda: dense(2, 24, 24, 2), CE),
        centre=0.003,
        n_steps=800,
    ),
    Workload(
        name="sparse_linear",
        optimizer="adam",
        build=supervised(values(sparse), lambda: dense(20, 1), MSE, batch_size=16),
        centre=0.03,
        n_steps=900,
    ),
    Workload(
        name="digits_gru",
        optimizer="adamw",
        build=supervised(
            classes(digits), lambda: RowRecurrent(nn.GRU(8, 24, 2, batch_first=True), mean=True), CE
        ),
        centre=0.01,
        n_steps=700,
    ),
    Workload(
        name="digits_gelu_cnn",
        optimizer="sgd",
        build=supervised(classes(digits), gelu_conv, CE),
        centre=0.1,
        n_steps=1000,
    ),
    Workload(
        name="digits_mixer",
        optimizer="adam",
        build=supervised(classes(digits), RowMixer, CE),
        centre=0.01,
        n_steps=800,
    ),
    Workload(
        name="iris_mlp",
        optimizer="momentum",
        build=supervised(classes(iris), lambda: dense(4, 16, 3), CE, batch_size=8),
        centre=0.03,
        n_steps=600,
    ),
    Workload(
        name="digits_ae",
        optimizer="rmsprop",
        build=supervised(themselves(digits), lambda: dense(64, 32, 8, 32, 64), MSE),
        centre=0.003,
        n_steps=1000,
    ),
)

TABLES = FIRST + SECOND + THIRD
# Which seeds of which workloads the figures are of.
SEEDS = ((FIRST, (0, 1)), (SECOND, (0,)), (THIRD, (0,)))
