"""find_lr(): a rate for a model, an optimizer and a loader, before the training begins."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrwatch.loop.step_rates import rate_of
from lrwatch.range_test.advice import advice
from lrwatch.range_test.batch_loss import BatchLoss, LossFn
from lrwatch.range_test.board import write_board
from lrwatch.range_test.feed import Feed
from lrwatch.range_test.finding import LrFinding
from lrwatch.range_test.given_back import GivenBack
from lrwatch.range_test.pause import paused
from lrwatch.range_test.progress import Progress
from lrwatch.range_test.search import search
from lrwatch.range_test.settings import Settings
from lrwatch.range_test.stepper import Stepper
from lrwatch.range_test.training import HowToStep, Training, needs_closure
from lrwatch.ranks import job


def find_lr(
    model: nn.Module,
    optimizer: Optimizer,
    loader: Iterable[Any],
    loss_fn: LossFn | None = None,
    *,
    loss_of: Callable[[Any], Tensor] | None = None,
    start_lr: float = 1e-6,
    end_lr: float = 100.0,
    n_steps: int = 100,
    trial_steps: int = 50,
    total_steps: int | None = None,
    decays: bool = False,
    accumulate: int = 1,
    autocast: torch.dtype | None = None,
    scaler: Any = None,
    max_grad_norm: float | None = None,
    run_dir: str | Path | None = None,
    progress: bool | None = None,
) -> LrFinding:
    """Find a learning rate by a ramp of the rate and some short trainings, all of them taken back.

    A ramp from ``start_lr`` to ``end_lr`` shows where the loss falls and where it breaks. Around
    that, five to nine runs of ``trial_steps`` steps at one rate each begin with the same weights
    and see the same batches; what they gain over weights left alone is compared pairwise, so that
    the noise of the batches cancels. The suggestion is the rate that gains most, times a factor
    below 1 for the length of the real run. With ``trial_steps=0`` the ramp alone is judged, at a
    quarter of the steps and with about twice the error.

    Weights, buffers, optimizer, scaler, random states, gradients and training modes are bit-
    identical afterwards, also after an exception or Ctrl-C. Schedulers are not stepped. A loader
    that is an iterator cannot be given back: the finding says how many batches are gone.

    The rate is that of the first parameter group; the others keep their ratio to it. Run it on
    every rank of a distributed job; losses are averaged, so that all of them find the same. Every
    step waits for the device.

    Args:
        model: What is trained; set to training mode meanwhile.
        optimizer: With a rate above 0, whose value does not matter.
        loader: Batches: pairs of inputs and targets, or mappings for a model that returns its loss.
        loss_fn: Loss of outputs and targets.
        loss_of: Loss of a whole batch, instead of ``loss_fn``.
        start_lr: First rate of the ramp, > 0.
        end_lr: Last rate of the ramp, >= 10 * ``start_lr``.
        n_steps: Steps of the ramp, >= 20.
        trial_steps: Steps of a short training, >= 20, or 0 for none.
        total_steps: Planned steps of the real run: a longer one takes a lower rate.
        decays: Whether the real run warms the rate up and lets it decay to about zero: the
            suggestion is then the peak, twice as high as a constant rate.
        accumulate: Batches averaged for one update, >= 1.
        autocast: Type of mixed precision, such as ``torch.bfloat16``.
        scaler: GradScaler of the loop.
        max_grad_norm: Norm to which the loop clips gradients, > 0.
        run_dir: Where to put the curve for TensorBoard.
        progress: Whether to show progress on stderr; None shows it on a terminal.

    Raises:
        TypeError: If an argument is of another kind, or the loss cannot be made of what was given.
        ValueError: If a number is out of its range, or the optimizer cannot be tested.
        LrwatchError: If the loader has no batches.

    Reference:
        L. N. Smith, "Cyclical learning rates for training neural networks", 2017 (the ramp);
        Y. Wu et al., "Understanding short-horizon bias in stochastic meta-optimization", 2018.
    """
    settings = Settings(
        start_lr=start_lr,
        end_lr=end_lr,
        n_steps=n_steps,
        trial_steps=trial_steps,
        total_steps=total_steps,
        decays=decays,
    )
    _check_kinds(model, optimizer, loader, autocast)
    _check(optimizer, accumulate, max_grad_norm)
    how = HowToStep(
        accumulate=accumulate, autocast=autocast, scaler=scaler, max_grad_norm=max_grad_norm
    )
    modules = [module for module in (model, loss_fn) if isinstance(module, nn.Module)]
    kept = GivenBack(modules, optimizer, loader, scaler)
    feed = Feed(loader)
    try:
        with paused(optimizer), Progress(sys.stderr, False if job.rank() else progress) as bar:
            stepper = Stepper(search(settings), bar.show)
            for module in modules:
                module.train()
            finding = _drive(
                stepper,
                Training(optimizer, BatchLoss(model, loss_fn, loss_of), feed, how),
                kept,
                feed,
            )
    finally:
        kept.restore()
    finding = replace(
        finding,
        n_steps=stepper.n_steps,
        optimizer=type(optimizer).__name__,
        advice=advice(optimizer) if finding.lr is not None else (),
        notes=_notes(feed),
    )
    if run_dir is not None and not job.rank():
        write_board(finding, Path(run_dir))
    return finding


def _drive(stepper: Stepper, training: Training, kept: GivenBack, feed: Feed) -> LrFinding:
    try:
        kept.rewind()
        feed.rewind()
        while stepper.finding is None:
            if stepper.observe(training.loss()) == "step":
                training.step(stepper.lr)
                continue
            kept.rewind()
            feed.rewind()
        return stepper.finding
    finally:
        training.close()


def _check_kinds(model: Any, optimizer: Any, loader: Any, autocast: Any) -> None:
    for name, given, kind, is_one in (
        ("optimizer", optimizer, "a torch.optim.Optimizer", isinstance(optimizer, Optimizer)),
        ("model", model, "a torch.nn.Module", isinstance(model, nn.Module)),
        (
            "loader",
            loader,
            "an iterable of batches",
            hasattr(type(loader), "__iter__") or hasattr(type(loader), "__getitem__"),
        ),
        (
            "autocast",
            autocast,
            "a torch.dtype or None",
            autocast is None or isinstance(autocast, torch.dtype),
        ),
    ):
        if not is_one:
            raise TypeError(f"{name} must be {kind}, got {type(given).__name__}")


def _check(optimizer: Optimizer, accumulate: int, max_grad_norm: float | None) -> None:
    if needs_closure(optimizer):
        raise ValueError(f"{type(optimizer).__name__} evaluates the loss itself: no range test")
    if not rate_of(optimizer.param_groups[0]) > 0:
        found = optimizer.param_groups[0].get("lr")
        raise ValueError(
            f"the optimizer's rate must be > 0, got {found}: give it any, such as 1e-3"
        )
    if accumulate < 1:
        raise ValueError(f"accumulate must be >= 1, got {accumulate}")
    if max_grad_norm is not None and not max_grad_norm > 0:
        raise ValueError(f"max_grad_norm must be > 0, got {max_grad_norm}")


def _notes(feed: Feed) -> tuple[str, ...]:
    if not feed.n_taken:
        return ()
    return (f"{feed.n_taken} batches were taken from the iterator, and cannot be put back",)
