"""Runs with a known answer, made from a seed: the healthy, and the troubled with their step."""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from lrwatch.detectors.detector import Detector
from lrwatch.records import Alert, Step
from lrwatch.watcher import Watcher

N = 640
TROUBLE_AT = 400

Stream = Callable[[int], list[Step]]
Told = tuple[str, str, int, str]


def steps(
    losses: Iterable[float | None],
    norms: Sequence[float | None] | None = None,
    rates: Sequence[float | None] | None = None,
    *,
    every: int = 1,
) -> list[Step]:
    """Steps with these values, ``every`` apart."""
    return [
        Step(
            step=every * i,
            loss=loss,
            grad_norm=norms[i] if norms else None,
            lr=rates[i] if rates else None,
        )
        for i, loss in enumerate(losses)
    ]


def norms(rng: random.Random, n: int, *, end: float = 0.4) -> list[float]:
    """Gradient norms that shrink from 1 to ``end``, with the scatter of minibatches."""
    return [math.exp(math.log(end) * i / n + rng.gauss(0, 0.15)) for i in range(n)]


def power_law(seed: int, n: int = N) -> list[Step]:
    """The loss of a language model."""
    rng = random.Random(seed)
    losses = [2 + 8 * (i + 10) ** -0.5 + rng.gauss(0, 0.1) for i in range(n)]
    return steps(losses, norms(rng, n), [1e-3] * n)


def exponential(seed: int, n: int = N) -> list[Step]:
    """Down to a floor, and the noise goes with it."""
    rng = random.Random(seed)
    levels = [0.2 + 2 * math.exp(-i / 100) for i in range(n)]
    return steps([x * math.exp(rng.gauss(0, 0.05)) for x in levels], norms(rng, n), [0.1] * n)


def white_noise(seed: int, n: int = N) -> list[Step]:
    """A loss that does not say what is learned."""
    rng = random.Random(seed)
    return steps([5 + rng.gauss(0, 1) for _ in range(n)])


def warmup_cosine(seed: int, n: int = N) -> list[Step]:
    """Flat during the warm-up, then down; the norm rises first, as it does."""
    rng = random.Random(seed)
    rates = [1e-3 * min((i + 1) / 50, 0.5 + 0.5 * math.cos(math.pi * i / n)) for i in range(n)]
    done, losses, felt = 0.0, [], []
    for rate in rates:
        done += rate
        losses.append(2 + 4 / (1 + 40 * done) + rng.gauss(0, 0.08))
        felt.append(math.exp(0.5 * min(done / 0.02, 1) - 2 * done + rng.gauss(0, 0.15)))
    return steps(losses, felt, rates)


def epoch_stairs(seed: int, n: int = N) -> list[Step]:
    """Down at each new epoch and slightly up within, as where examples are remembered."""
    rng = random.Random(seed)
    losses = [
        1 + 3 * math.exp(-(i // 100) / 2) + 0.02 * (i % 100) / 100 + rng.gauss(0, 0.1)
        for i in range(n)
    ]
    return steps(losses, norms(rng, n), [1e-2] * n)


def rising(seed: int, n: int = N) -> list[Step]:
    """The loss of a policy, that rises as its value function has more to learn."""
    rng = random.Random(seed)
    return steps([0.1 + 0.001 * i + rng.gauss(0, 0.05) for i in range(n)])


def restart(seed: int, n: int = N) -> list[Step]:
    """The schedule begins again half way, and the loss humps by a tenth of what was gained."""
    rng = random.Random(seed)
    half = n // 2
    rates = [1e-3 * (0.5 + 0.5 * math.cos(math.pi * (i % half) / half)) for i in range(n)]
    humps = [0.1 * math.exp(-(i - half) / 60) if i >= half else 0.0 for i in range(n)]
    losses = [1 + math.exp(-i / 100) + hump + rng.gauss(0, 0.05) for i, hump in enumerate(humps)]
    return steps(losses, norms(rng, n), rates)


def negative(seed: int, n: int = N) -> list[Step]:
    """A log-likelihood: through zero and on."""
    rng = random.Random(seed)
    losses = [3 - 8 * (1 - math.exp(-i / 150)) + rng.gauss(0, 0.15) for i in range(n)]
    return steps(losses, norms(rng, n), [1e-4] * n)


def rare_class(seed: int, n: int = N) -> list[Step]:
    """Half of the batches hold a sample of a rare class, whose loss stands far above the rest."""
    rng = random.Random(seed)
    losses, felt = [], []
    for i in range(n):
        rare = rng.random() < 0.5
        easy = 0.7 * math.exp(-i / 30)
        high = rng.uniform(0.1, 0.3) * (1 - math.exp(-i / 30)) if rare else 0.0
        losses.append(easy + high + 0.01 + 0.003 * abs(rng.gauss(0, 1)))
        felt.append((0.2 + easy + 3 * high) * math.exp(rng.gauss(0, 0.2)))
    return steps(losses, felt, [1e-2] * n)


def mostly_zero(seed: int, n: int = N) -> list[Step]:
    """A margin that fewer and fewer batches violate, as in metric learning; then no gradient."""
    rng = random.Random(seed)
    losses, felt = [], []
    for i in range(n):
        share = 0.1 + 0.9 * math.exp(-i / 80)
        loss = rng.uniform(0.05, 0.2) * share if rng.random() < 2 * share else 0.0
        losses.append(loss)
        felt.append((0.1 + loss) * math.exp(rng.gauss(0, 0.2)) if loss else 0.0)
    return steps(losses, felt, [1e-3] * n)


HEALTHY: dict[str, Stream] = {
    "power_law": power_law,
    "exponential": exponential,
    "white_noise": white_noise,
    "warmup_cosine": warmup_cosine,
    "epoch_stairs": epoch_stairs,
    "rising": rising,
    "restart": restart,
    "negative": negative,
    "rare_class": rare_class,
    "mostly_zero": mostly_zero,
}


def changed(run: list[Step], change: Callable[[int, Step], Step]) -> list[Step]:
    """The run with ``change(number since the trouble began, step)`` made from there on."""
    return [change(i - TROUBLE_AT, s) if i >= TROUBLE_AT else s for i, s in enumerate(run)]


def raised(step: Step, by: float) -> Step:
    return replace(step, loss=None if step.loss is None else step.loss + by)


def leap(seed: int) -> list[Step]:
    return changed(power_law(seed), lambda i, s: raised(s, 30.0 if i == 0 else 0.0))


def swinging(seed: int) -> list[Step]:
    """Thrown every tenth step, and back after two."""
    heights = {0: 10.0, 1: 4.0}
    return changed(power_law(seed), lambda i, s: raised(s, heights.get(i % 10, 0.0)))


def diverging(seed: int) -> list[Step]:
    return changed(power_law(seed), lambda i, s: raised(s, 0.3 * i))


def broken(seed: int) -> list[Step]:
    return changed(power_law(seed), lambda i, s: replace(s, loss=math.nan if i < 10 else s.loss))


def exploding(seed: int) -> list[Step]:
    return changed(power_law(seed), lambda i, s: replace(s, grad_norm=1e3 * (s.grad_norm or 1.0)))


def vanishing(seed: int) -> list[Step]:
    rng = random.Random(seed)
    losses = [2.5 + rng.gauss(0, 0.05) for _ in range(N)]
    felt = [math.exp(rng.gauss(0, 0.1)) for _ in range(N)]
    return changed(
        steps(losses, felt, [0.1] * N),
        lambda i, s: replace(s, grad_norm=1e-5 * (s.grad_norm or 1.0)),
    )


def still(seed: int) -> list[Step]:
    """A rate so low that nothing moves."""
    rng = random.Random(seed)
    losses = [2.5 + rng.gauss(0, 0.1) for _ in range(N)]
    return steps(losses, [math.exp(rng.gauss(0, 0.1)) for _ in range(N)], [1e-6] * N)


def thrown(seed: int) -> list[Step]:
    """A rate so high that loss and norm leap at once and never come back."""
    rng = random.Random(seed)
    up = [min(i, 5) for i in range(N)]
    losses = [2.3 + 4 * u * math.exp(rng.gauss(0, 0.1)) + rng.gauss(0, 0.05) for u in up]
    felt = [math.exp(0.8 * u + rng.gauss(0, 0.1)) for u in up]
    return steps(losses, felt, [10.0] * N)


TROUBLED: dict[str, Stream] = {
    "leap": leap,
    "swinging": swinging,
    "diverging": diverging,
    "broken": broken,
    "exploding": exploding,
    "vanishing": vanishing,
    "still": still,
    "thrown": thrown,
}


def tell(watcher: Watcher, run: Iterable[Step]) -> list[Alert]:
    """All alerts of a run."""
    return [alert for step in run for alert in watcher.update(step)]


def brief(alerts: Iterable[Alert]) -> list[Told]:
    """What an alert is about, without its words and numbers."""
    return [(a.kind, a.severity, a.step, a.state) for a in alerts]


def loud(alerts: Iterable[Alert]) -> list[Told]:
    """Those that accuse the run."""
    return brief(a for a in alerts if a.severity != "info")


def alerts_of(detector: Detector, run: Iterable[Step]) -> list[Alert]:
    """All alerts of one detector on a run."""
    return tell(Watcher(detectors=[detector]), run)


def noise(n: int, *, level: float = 3.0, sigma: float = 0.1, seed: int = 0) -> list[float]:
    rng = random.Random(seed)
    return [level + rng.gauss(0, sigma) for _ in range(n)]
