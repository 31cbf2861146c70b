"""The runs of the benchmark: launches too hot, healthy ones, and mishaps midway."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from tests.benchmarks.rescue.mishaps import MISHAPS
from tests.benchmarks.rescue.peers import LeavesOut
from tests.benchmarks.rescue.remedies import BACK_OFF, NOTHING, REMEDIES
from tests.benchmarks.rescue.runs import Ended, train
from tests.benchmarks.rescue.store import Store, code_version
from tests.benchmarks.sweep.workload import Workload

BARE_RATES = tuple(10 ** (k / 2) for k in range(-2, 3))
TOO_HOT = (10**0.5, 10.0, 10**1.5, 100.0, 1000.0)
HEALTHY = 0.05
Side = Literal["hot", "healthy"]


@dataclass(frozen=True, slots=True)
class Result:
    """One run beside the same run left alone.

    Attributes:
        workload: Its name.
        seed: Its seed.
        what: Rate in units of the best one, or the name of a mishap.
        remedy: What was done.
        best: Final loss of the best rate, or of the run without the mishap.
        alone: The run left alone.
        ended: The run with the remedy.
        left_out: For a mishap: the run to which nothing happened but that the updates were left
            out which the mishap spoils. No remedy can promise more.
    """

    workload: Workload
    seed: int
    what: str
    remedy: str
    best: float
    alone: Ended
    ended: Ended
    left_out: Ended | None = None

    @property
    def regret(self) -> float:
        """Share of the best rate's gain that was missed."""
        return self.ended.regret(self.best)

    @property
    def harm(self) -> float:
        """How much regret the remedy added."""
        return self.regret - self.alone.regret(self.best)


class Bench:
    """Does runs, or takes them from the store.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = code_version()

    def run(self, w: Workload, seed: int, lr: float, remedy: str, mishap: str = "") -> Ended:
        """One run, with a mishap after 0.4 of it if one is named."""
        version = f"|{self._version}" if remedy == BACK_OFF else ""
        key = f"{w.key}|{seed}|{lr:.6g}|{remedy}|{mishap}{version}"
        return self._store.get(
            key,
            lambda: train(
                w,
                seed,
                lr,
                REMEDIES[remedy],
                MISHAPS[mishap](int(0.4 * w.n_steps)) if mishap else None,
            ),
        )

    def left_out(self, w: Workload, seed: int, lr: float, mishap: str) -> Ended:
        """One run without a mishap, and without the updates that it would spoil."""
        first = int(0.4 * w.n_steps)
        n_steps = MISHAPS[mishap](first).n_bad
        key = f"{w.key}|{seed}|{lr:.6g}|left out|{n_steps} updates"
        make = partial(LeavesOut, first=first, n_steps=n_steps)
        return self._store.get(key, lambda: train(w, seed, lr, make))

    def best(self, w: Workload, seed: int) -> tuple[float, Ended]:
        """The best of five rates around the centre."""
        rates = [w.centre * f for f in BARE_RATES]
        ended = {rate: self.run(w, seed, rate, NOTHING) for rate in rates}
        rate = min(ended, key=lambda rate: (ended[rate].final, rate))
        return rate, ended[rate]

    def launches(self, w: Workload, seed: int, remedy: str) -> Iterator[tuple[Side, Result]]:
        """Launched 3 to 1000 times too hot; launched healthy, at or up to 10 below the best."""
        best, unharmed = self.best(w, seed)
        cool = [w.centre * f for f in BARE_RATES if w.centre * f <= best * 1.001]
        for rate in [*(best * f for f in TOO_HOT), *cool]:
            side: Side = "hot" if rate > 1.5 * best else "healthy"
            alone = self.run(w, seed, rate, NOTHING)
            if (alone.regret(unharmed.final) <= HEALTHY) == (side == "hot"):
                if side == "hot":
                    side = "healthy"
                else:
                    continue
            ended = self.run(w, seed, rate, remedy)
            what = f"x{rate / best:.3g}"
            yield side, Result(w, seed, what, remedy, unharmed.final, alone, ended)

    def mishaps(self, w: Workload, seed: int, remedy: str) -> Iterator[Result]:
        """The run of the best rate, harmed midway."""
        best, unharmed = self.best(w, seed)
        for name in MISHAPS:
            alone = self.run(w, seed, best, NOTHING, name)
            ended = self.run(w, seed, best, remedy, name)
            left_out = self.left_out(w, seed, best, name)
            yield Result(w, seed, name, remedy, unharmed.final, alone, ended, left_out)
