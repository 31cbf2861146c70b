"""The demo's training: a plain PyTorch loop, and the one line that puts it under watch."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop
from torch.optim.lr_scheduler import LinearLR

from lrwatch.demo.model import CharTransformer
from lrwatch.demo.text import ALPHABET, batches, standard_library
from lrwatch.errors import LrwatchError
from lrwatch.loop.attach import attach
from lrwatch.records import Alert, Verdict
from lrwatch.sinks.sink import Sink

_CONTEXT = 64
_BATCH_SIZE = 16
N_LAST = 20

_MAKE: dict[str, Callable[[Iterable[Tensor], float], Optimizer]] = {
    "adam": lambda parameters, lr: Adam(parameters, lr=lr),
    "adamw": lambda parameters, lr: AdamW(parameters, lr=lr),
    "rmsprop": lambda parameters, lr: RMSprop(parameters, lr=lr),
    "sgd": lambda parameters, lr: SGD(parameters, lr=lr, momentum=0.9),
}
OPTIMIZERS = tuple(_MAKE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is trained, and how.

    Attributes:
        lr: Learning rate after the warm-up, > 0.
        n_steps: Length of the training, >= 1.
        warmup_steps: Steps over which the rate rises to ``lr``.
        optimizer: One of :data:`OPTIMIZERS`.
        seed: Of the weights and the batches.
        backoff: Whether lrwatch may lower the rate and take bad updates back.
    """

    lr: float
    n_steps: int = 300
    warmup_steps: int = 50
    optimizer: str = "adamw"
    seed: int = 0
    backoff: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a training.

    Attributes:
        verdict: Of the whole run.
        alerts: All of them, oldest first.
        loss: Median over the last steps, NaN if one of them is.
        scale: Factor that the back-off put on the rate at last, 1 without it.
    """

    verdict: Verdict
    alerts: tuple[Alert, ...]
    loss: float
    scale: float = 1.0


def train(plan: Plan, *, run_dir: Path, sink: Sink) -> Outcome:
    """Train under watch, from new weights; the caller's random state stays as it is."""
    text = standard_library()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        model = CharTransformer(len(ALPHABET), context=_CONTEXT)
    optimizer = _MAKE[plan.optimizer](model.parameters(), plan.lr)
    schedule = LinearLR(optimizer, 1 / plan.warmup_steps, total_iters=plan.warmup_steps)
    pairs = batches(text, batch_size=_BATCH_SIZE, context=_CONTEXT, seed=plan.seed)
    losses: list[float] = []
    with (
        _one_thread(),
        suppress(LrwatchError),  # the back-off stops a run that it cannot rescue, and has said why
        attach(
            optimizer, model, run_dir=run_dir, backoff=plan.backoff, stderr=False, sinks=[sink]
        ) as watch,
    ):
        for chars, following in islice(pairs, plan.n_steps):
            optimizer.zero_grad()
            loss = cross_entropy(model(chars).flatten(0, 1), following.flatten())
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    last = torch.tensor(losses[-N_LAST:] or [math.nan]).median().item()
    scale = watch.backoff.scale if watch.backoff else 1.0
    return Outcome(verdict=watch.verdict, alerts=tuple(watch.alerts), loss=last, scale=scale)


@contextmanager
def _one_thread() -> Iterator[None]:
    """A model this small loses time to more threads, minutes of it on a busy machine."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def n_parameters() -> int:
    """How many numbers the model of the demo learns."""
    with torch.device("meta"):
        model = CharTransformer(len(ALPHABET), context=_CONTEXT)
    return sum(p.numel() for p in model.parameters())
