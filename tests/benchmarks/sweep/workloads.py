"""The registry of the sweep: every workload, and the rates around its centre."""

from torch import nn

from tests.benchmarks.sweep.builders import (
    CE,
    CHAR_ATTENTION,
    CHAR_GRU,
    CHAR_LSTM,
    FRIEDMAN,
    GLYPH_BN,
    GLYPH_CNN,
    GLYPH_MLP,
    MSE,
    REVERSAL,
    SHAPE_BN,
    autoencoder,
    contrastive,
    deep_tanh,
    denoising,
    labels,
    last_characters,
    supervised,
    variational,
)
from tests.benchmarks.sweep.generative import Adversarial
from tests.benchmarks.sweep.models import LastSymbols, Recurrent, dense
from tests.benchmarks.sweep.points import (
    DeepSet,
    Factors,
    blobs,
    linear,
    moons,
    point_sets,
    ratings,
    spirals,
    teacher,
)
from tests.benchmarks.sweep.policy import Bandit
from tests.benchmarks.sweep.sequences import marked_sums, waves
from tests.benchmarks.sweep.workload import Workload

MULTIPLIERS = tuple(10 ** (k / 2) for k in range(-6, 7))

WORKLOADS = (
    Workload(name="glyph_mlp", optimizer="sgd", build=GLYPH_MLP, centre=1.0, n_steps=1200),
    Workload(
        name="blobs_logreg",
        optimizer="momentum",
        build=supervised(blobs, lambda: dense(20, 4), CE),
        centre=0.03,
        n_steps=1000,
    ),
    Workload(name="glyph_cnn", optimizer="adam", build=GLYPH_CNN, centre=0.01, n_steps=800),
    Workload(name="friedman_mlp", optimizer="momentum", build=FRIEDMAN, centre=0.03, n_steps=1500),
    Workload(name="char_lstm", optimizer="adam", build=CHAR_LSTM, centre=0.01, n_steps=700),
    Workload(name="glyph_bn_cnn", optimizer="sgd", build=GLYPH_BN, centre=0.3, n_steps=800),
    Workload(
        name="char_attention",
        optimizer="adamw",
        build=CHAR_ATTENTION,
        centre=0.01,
        n_steps=1000,
        schedule="warmup_cosine",
    ),
    Workload(
        name="shape_autoencoder", optimizer="adam", build=autoencoder, centre=0.003, n_steps=1200
    ),
    Workload(
        name="deep_tanh",
        optimizer="momentum",
        build=supervised(labels, deep_tanh, CE),
        centre=0.03,
        n_steps=1200,
    ),
    Workload(
        name="linear_regression",
        optimizer="sgd",
        build=supervised(linear, lambda: dense(30, 1), MSE, batch_size=16),
        centre=0.03,
        n_steps=1000,
    ),
    Workload(
        name="spiral_mlp",
        optimizer="rmsprop",
        build=supervised(spirals, lambda: dense(2, 32, 32, 3), CE),
        centre=0.01,
        n_steps=1500,
    ),
    Workload(
        name="blobs_logreg",
        optimizer="adagrad",
        build=supervised(blobs, lambda: dense(20, 4), CE),
        centre=0.3,
        n_steps=1000,
    ),
    Workload(
        name="glyph_mlp_step",
        optimizer="momentum",
        build=GLYPH_MLP,
        centre=0.1,
        n_steps=1200,
        schedule="step_decay",
    ),
    Workload(
        name="shape_bn_cnn_cycle",
        optimizer="momentum",
        build=SHAPE_BN,
        centre=0.1,
        n_steps=800,
        schedule="one_cycle",
    ),
    Workload(
        name="sums_gru",
        optimizer="rmsprop",
        build=supervised(
            marked_sums, lambda: Recurrent(nn.GRU, 2, 1, width=24, symbols=False), MSE
        ),
        centre=0.003,
        n_steps=1000,
    ),
    Workload(
        name="reversal_attention", optimizer="adam", build=REVERSAL, centre=0.003, n_steps=800
    ),
    Workload(name="denoising", optimizer="momentum", build=denoising, centre=0.3, n_steps=1200),
    Workload(name="shape_vae", optimizer="adam", build=variational, centre=0.003, n_steps=1200),
    Workload(
        name="matrix_factors",
        optimizer="sgd",
        build=supervised(ratings, lambda: Factors(60, 4), MSE),
        centre=1.0,
        n_steps=2000,
    ),
    Workload(name="contrast_mlp", optimizer="adamw", build=contrastive, centre=0.01, n_steps=800),
    Workload(
        name="sets",
        optimizer="adam",
        build=supervised(point_sets, lambda: DeepSet(3, 24), MSE),
        centre=0.01,
        n_steps=1000,
    ),
    Workload(
        name="last_characters",
        optimizer="momentum",
        build=supervised(last_characters, lambda: LastSymbols(40, 6, width=64), CE, n_samples=4096),
        centre=0.1,
        n_steps=1500,
    ),
    Workload(
        name="teacher_mlp_cosine",
        optimizer="adamw",
        build=supervised(teacher, lambda: dense(16, 32, 32, 4), MSE),
        centre=0.01,
        n_steps=1200,
        schedule="warmup_cosine",
    ),
    Workload(
        name="moons_mlp",
        optimizer="adam",
        build=supervised(moons, lambda: dense(2, 16, 16, 2, activation=nn.Tanh), CE),
        centre=0.01,
        n_steps=1000,
    ),
    Workload(
        name="waves_gru_cycle",
        optimizer="adam",
        build=supervised(waves, lambda: Recurrent(nn.GRU, 1, 1, width=16, symbols=False), MSE),
        centre=0.01,
        n_steps=700,
        schedule="one_cycle",
    ),
    Workload(name="char_gru", optimizer="momentum", build=CHAR_GRU, centre=0.3, n_steps=800),
    Workload(
        name="bandit",
        optimizer="adam",
        build=lambda seed: Bandit(batch_size=32, seed=seed),
        centre=0.01,
        n_steps=1500,
        surrogate=True,
    ),
    Workload(
        name="moons_gan",
        optimizer="rmsprop",
        build=lambda seed: Adversarial(batch_size=64, seed=seed),
        centre=0.003,
        n_steps=1500,
        surrogate=True,
    ),
)
