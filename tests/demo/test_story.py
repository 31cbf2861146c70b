"""The demo from end to end, on a training of a second."""

import io
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lrwatch.cli.demo import OPTIMIZERS as OFFERED
from lrwatch.demo import story
from lrwatch.demo.screen import Screen
from lrwatch.demo.story import play, rate_advice
from lrwatch.demo.training import OPTIMIZERS, Plan, train
from lrwatch.records import Alert, Kind


def demo(folder: Path, *options: str) -> str:
    command = [sys.executable, "-W", "error", "-m", "lrwatch", "demo", "--run-dir", "run", *options]
    environ = {**os.environ, "LRWATCH_STRICT": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_it_tells_the_verdict_and_how_to_look_at_the_run(tmp_path: Path) -> None:
    told = demo(tmp_path, "--steps", "24", "--lr", "0.003")
    assert "24 steps of adamw at a rate of 0.003" in told
    assert "Verdict: " in told
    assert "tensorboard --logdir run\n" in told
    assert "lrwatch tail run/lr-0.003\n" in told
    assert list((tmp_path / "run/lr-0.003/lrwatch").glob("events.out.tfevents.*"))
    assert "In short" not in told


def test_it_says_in_short_how_the_trainings_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "rate_advice", lambda alerts: story.Advice("try another", 0.001))
    out = io.StringIO()
    play(Plan(lr=0.003, n_steps=2, backoff=True), run_dir=tmp_path, out=out)
    said = r"In short: \S+ at 0.003, \S+ at 0.001, \S+ at 0.003 with back-off\."
    assert re.search(said, out.getvalue())


def test_the_offered_optimizers_are_those_that_train() -> None:
    assert set(OFFERED) == set(OPTIMIZERS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_learns_with_a_rate_that_fits(optimizer: str, tmp_path: Path) -> None:
    lr = 0.3 if optimizer == "sgd" else 0.002
    plan = Plan(lr=lr, n_steps=30, warmup_steps=5, optimizer=optimizer)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        outcome = train(plan, run_dir=tmp_path, sink=Screen(nowhere, 30))
    assert outcome.loss < 4.0  # it begins at log(96) = 4.6


def test_a_run_with_backoff_ends_finite_where_one_without_does_not(tmp_path: Path) -> None:
    plan = Plan(lr=30.0, n_steps=40, warmup_steps=10, optimizer="sgd")
    losses = []
    for backoff in (False, True):
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            screen = Screen(nowhere, plan.n_steps)
            outcome = train(replace(plan, backoff=backoff), run_dir=tmp_path, sink=screen)
        losses.append(outcome.loss)
    assert not math.isfinite(losses[0])
    assert losses[1] < 5.0


def test_the_caller_keeps_its_random_numbers_and_threads(tmp_path: Path) -> None:
    before, n_threads = torch.random.get_rng_state(), torch.get_num_threads()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        play(Plan(lr=0.003, n_steps=2), run_dir=tmp_path, out=nowhere)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == n_threads


def alert(kind: Kind, lr_to_try: float | None = None) -> Alert:
    evidence = {} if lr_to_try is None else {"lr_to_try": lr_to_try}
    return Alert(
        kind=kind,
        severity="critical",
        step=9,
        onset=8,
        message="",
        advice="try another",
        evidence=evidence,
    )


def test_advice_is_the_last_that_names_a_rate() -> None:
    advice = rate_advice([alert("lr_too_high", 0.1), alert("non_finite", 0.05), alert("stall")])
    assert advice is not None
    assert advice.words == "try another"
    assert advice.lr == 0.05


def test_there_is_no_advice_without_a_rate_to_try() -> None:
    assert rate_advice([alert("lr_too_high"), alert("divergence")]) is None


def test_it_says_how_far_the_backoff_lowered_the_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "rate_advice", lambda alerts: story.Advice("try another", 0.1))
    out = io.StringIO()
    plan = Plan(lr=30.0, n_steps=40, warmup_steps=10, optimizer="sgd", backoff=True)
    play(plan, run_dir=tmp_path, out=out)
    lowered = re.findall(r"Back-off: 30 was lowered to (\S+), where", out.getvalue())
    assert len(lowered) == 1
    assert 0.0 < float(lowered[0]) < 30.0
