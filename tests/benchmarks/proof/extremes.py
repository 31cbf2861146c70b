"""Rows 16 to 20: values, losses, gradients, scalers and groups of every kind."""

import json
import math
import random
import time
from typing import Any

import torch
from torch import nn
from torch.amp import GradScaler

from lrwatch import Step, Watcher, attach
from lrwatch.loop.gradient.grad_norm import grad_norm
from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.benchmarks.soak.core import healthy_steps
from tests.loop.test_bad_input import REFUSED, TAKEN, step_with
from tests.loop.test_step_norm import GRADIENTS, with_grad
from tests.loop.training import Told, exact_norm, loss_of, small_model

_CALM = 300
_WILD = 40
_EXTREMES = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e38, -1e38, 1e300, -1e300, 5e-324, 2.0)


def values(n_runs: int) -> Figure:
    """Row 16: forty extreme values in the middle of a calm run, and what is left of them."""
    n_named = n_whole = n_recovered = 0
    for seed in range(n_runs):
        rng, watcher, steps = random.Random(seed), Watcher(), healthy_steps()
        for _ in range(_CALM):
            watcher.update(next(steps))
        wild = [_wild(rng, next(steps)) for _ in range(_WILD)]
        told = [alert for step in wild for alert in watcher.update(step)]
        for _ in range(2 * _CALM):
            told += watcher.update(next(steps))
        first = next((s.step for s in wild if not _is_finite(s)), None)
        named = [a.step for a in told if a.kind == "non_finite" and a.state == "opened"]
        n_named += named[:1] == ([] if first is None else [first])
        n_recovered += {a.kind: a.state for a in told}.get("non_finite", "closed") == "closed"
        n_whole += bool(json.dumps(watcher.state_dict(), allow_nan=False))
    return together(
        all_of(n_named, n_runs, "runs whose first non-finite value was named at its step"),
        all_of(n_recovered, n_runs, "of which the alert was closed when the run was calm again"),
        all_of(n_whole, n_runs, "states that are finite"),
    )


def _wild(rng: random.Random, calm: Step) -> Step:
    loss, norm = rng.choice(_EXTREMES), abs(rng.choice(_EXTREMES))
    return Step(step=calm.step, loss=loss, grad_norm=norm, lr=calm.lr)


def _is_finite(step: Step) -> bool:
    return all(map(math.isfinite, (step.loss or 0.0, step.grad_norm or 0.0)))


def losses() -> Figure:
    """Row 17: what can be taken as a loss is, anything else is refused, nothing raises."""
    taken = [step_with(value) == [loss] for value, loss in TAKEN.values()]
    refused = [step_with(value) == [1.0] for value, _ in REFUSED.values()]
    return together(
        all_of(sum(taken), len(TAKEN), "kinds of number taken as they are"),
        all_of(sum(refused), len(REFUSED), "kinds of value refused, the loop went on"),
    )


def norms() -> Figure:
    """Row 18: the norm over gradients of every kind against one in double."""
    worst, worst_of = 0.0, ""
    for name, gradients in GRADIENTS.items():
        dense = [g.to_dense() if g.is_sparse else g for g in gradients]
        exact = float(torch.cat([g.flatten().to(torch.complex128).abs() for g in dense]).norm())
        norm = grad_norm([with_grad(g) for g in gradients])
        error = math.inf if norm is None else abs(float(norm.value) - exact) / max(exact, 1e-300)
        if error >= worst:
            worst, worst_of = error, name
    words = f"{len(GRADIENTS)} kinds of gradients: relative error at most {worst:.1e} ({worst_of})"
    return Figure(words, worst <= 1e-6)


def scaled(n_steps: int) -> Figure:
    """Row 19: a GradScaler that overflows every fifty steps, and one that never does."""
    smooth, _, _ = _scaled(n_steps, overflows=False)
    told, exact, n_skipped = _scaled(n_steps, overflows=True)
    false = {a.kind for a in told.alerts} - {a.kind for a in smooth.alerts}
    stepped = [s for s in told.steps if not s.skipped]
    errors = [abs((s.grad_norm or 0.0) / exact[s.step] - 1) for s in stepped]
    return together(
        all_of(len(told.steps) - len(stepped), n_skipped, "skipped steps told apart"),
        Figure(f"{len(false)} kinds of alert that are not there without an overflow", not false),
        Figure(f"norms unscaled to {max(errors):.1e}", max(errors) < 1e-5),
    )


def _scaled(n_steps: int, *, overflows: bool) -> tuple[Told, list[float], int]:
    """What was told, the exact norms, and how many steps the scaler skipped."""
    model, told, exact, n_skipped = small_model(), Told(), [], 0
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scaler = GradScaler("cpu", init_scale=2.0**10, growth_interval=20)
    with attach(optimizer, run_dir=False, stderr=False, norm_every=1, sinks=[told]):
        for i in range(n_steps):
            optimizer.zero_grad()
            factor = math.inf if overflows and i % 50 == 49 else 1.0
            scale = scaler.get_scale()
            scaler.scale(loss_of(model, i) * factor).backward()
            exact.append(exact_norm(model) / scale)
            scaler.step(optimizer)
            scaler.update()
            n_skipped += scaler.get_scale() < scale
    return told, exact, n_skipped


def groups(n_groups: int, n_steps: int) -> Figure:
    """Row 20: thousands of groups, each with its rate."""
    params = [nn.Parameter(torch.ones(1)) for _ in range(n_groups)]
    by_group: list[dict[str, Any]] = [
        {"params": [p], "lr": 1e-6 * (i + 1)} for i, p in enumerate(params)
    ]
    optimizer, told = torch.optim.SGD(by_group, lr=0.1), Told()
    alone_s = _step_s(optimizer, params, n_steps)
    with attach(optimizer, run_dir=False, stderr=False, sinks=[told]):
        watched_s = _step_s(optimizer, params, n_steps)
    rates = tuple(group["lr"] for group in by_group)
    added = f"{n_groups:,} groups: {1e6 * (watched_s - alone_s):+.0f} us of processor time a step"
    return together(
        all_of(sum(p.lrs == rates for p in told.points), n_steps, "steps with all rates right"),
        Figure(f"{added} on {1e6 * alone_s:.0f}", True),
    )


def _step_s(optimizer: torch.optim.Optimizer, params: list[nn.Parameter], n: int) -> float:
    """Processor time of the cheapest of ``n`` steps: others differ by more than the watch costs."""
    taken = []
    for _ in range(n):
        start_s = time.thread_time()
        optimizer.zero_grad()
        torch.stack([p.sum() for p in params]).sum().backward()
        optimizer.step()
        taken.append(time.thread_time() - start_s)
    return min(taken)
