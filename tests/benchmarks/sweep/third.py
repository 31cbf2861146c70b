"""A third registry: twenty workloads that were judged before any rule was changed for them."""

from torch import nn

from tests.benchmarks.sweep.builders import (
    CE,
    MSE,
    last_characters,
    supervised,
    symbols,
    windows,
)
from tests.benchmarks.sweep.models import Recurrent, dense
from tests.benchmarks.sweep.tables_data import classes, digits, measured, themselves, values
from tests.benchmarks.sweep.tables_models import RowRecurrent
from tests.benchmarks.sweep.third_data import (
    ball,
    bent,
    impedance,
    many_labels,
    outliers,
    overlapping,
    shells,
)
from tests.benchmarks.sweep.third_models import (
    Embedded,
    PostNorm,
    Variational,
    batch_normed,
    dropped_out,
    negative_elbo,
    strided,
)
from tests.benchmarks.sweep.workload import Workload

BCE = nn.functional.binary_cross_entropy_with_logits
HUBER = nn.functional.smooth_l1_loss

THIRD: tuple[Workload, ...] = (
    Workload(
        name="hastie_mlp",
        optimizer="adam",
        build=supervised(classes(ball), lambda: dense(10, 64, 64, 2), CE),
        centre=0.003,
        n_steps=1000,
    ),
    Workload(
        name="quantiles_mlp",
        optimizer="momentum",
        build=supervised(classes(shells), lambda: dense(5, 48, 48, 4), CE),
        centre=0.03,
        n_steps=1200,
    ),
    Workload(
        name="friedman2_mlp",
        optimizer="sgd",
        build=supervised(values(impedance), lambda: dense(4, 64, 64, 1), MSE),
        centre=0.1,
        n_steps=1000,
    ),
    Workload(
        name="scurve_mlp",
        optimizer="adam",
        build=supervised(values(bent), lambda: dense(3, 64, 64, 1, activation=nn.Tanh), MSE),
        centre=0.01,
        n_steps=1200,
    ),
    Workload(
        name="digits_mlp",
        optimizer="adamw",
        build=supervised(classes(digits), lambda: dense(64, 64, 10), CE),
        centre=0.01,
        n_steps=1000,
        schedule="warmup_cosine",
    ),
    Workload(
        name="digits_deep",
        optimizer="rmsprop",
        build=supervised(classes(digits), lambda: dense(64, 48, 48, 48, 48, 10), CE),
        centre=0.001,
        n_steps=900,
    ),
    Workload(
        name="digits_strided",
        optimizer="momentum",
        build=supervised(classes(digits), strided, CE),
        centre=0.03,
        n_steps=900,
        schedule="one_cycle",
    ),
    Workload(
        name="digits_bnmlp",
        optimizer="adam",
        build=supervised(classes(digits), batch_normed, CE),
        centre=0.01,
        n_steps=800,
        schedule="step_decay",
    ),
    Workload(
        name="digits_vae",
        optimizer="adam",
        build=supervised(themselves(digits), Variational, negative_elbo),
        centre=0.003,
        n_steps=1200,
    ),
    Workload(
        name="digits_rnn",
        optimizer="rmsprop",
        build=supervised(
            classes(digits), lambda: RowRecurrent(nn.RNN(8, 48, batch_first=True), mean=False), CE
        ),
        centre=0.001,
        n_steps=1000,
    ),
    Workload(
        name="digits_postnorm",
        optimizer="adam",
        build=supervised(classes(digits), PostNorm, CE),
        centre=0.003,
        n_steps=800,
    ),
    Workload(
        name="wine_mlp",
        optimizer="adamw",
        build=supervised(classes(measured("wine")), lambda: dense(13, 32, 3), CE, batch_size=16),
        centre=0.01,
        n_steps=600,
    ),
    Workload(
        name="cancer_logreg",
        optimizer="sgd",
        build=supervised(classes(measured("breast_cancer")), lambda: dense(30, 2), CE),
        centre=0.1,
        n_steps=1000,
    ),
    Workload(
        name="diabetes_shallow",
        optimizer="sgd",
        build=supervised(
            values(measured("diabetes")), lambda: dense(10, 32, 1), MSE, batch_size=16
        ),
        centre=0.03,
        n_steps=1000,
    ),
    Workload(
        name="text_embedded",
        optimizer="sgd",
        build=supervised(last_characters, Embedded, CE),
        centre=0.3,
        n_steps=1500,
    ),
    Workload(
        name="text_gru",
        optimizer="adam",
        build=supervised(
            windows,
            lambda: Recurrent(nn.GRU, 40, 40, width=48, symbols=True),
            symbols,
            batch_size=16,
        ),
        centre=0.01,
        n_steps=700,
    ),
    Workload(
        name="many_labels",
        optimizer="momentum",
        build=supervised(many_labels(), lambda: dense(20, 48, 6), BCE),
        centre=0.1,
        n_steps=900,
    ),
    Workload(
        name="outliers_huber",
        optimizer="adam",
        build=supervised(values(outliers), lambda: dense(15, 32, 1), HUBER, batch_size=16),
        centre=0.01,
        n_steps=1000,
    ),
    Workload(
        name="overlapping_mlp",
        optimizer="adagrad",
        build=supervised(classes(overlapping), lambda: dense(8, 48, 10), CE),
        centre=0.03,
        n_steps=900,
    ),
    Workload(
        name="digits_dropout",
        optimizer="sgd",
        build=supervised(classes(digits), dropped_out, CE),
        centre=0.1,
        n_steps=1500,
    ),
)
