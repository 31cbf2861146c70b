"""The ranks that train one optimizer together, as one of them sees it; alone where it is."""

import functools
import math
import time
from collections.abc import Callable

from lrwatch.errors import let_pass
from lrwatch.ranks import job
from lrwatch.ranks.asking import Asking
from lrwatch.ranks.exchange import Exchange
from lrwatch.ranks.follower import Follower
from lrwatch.ranks.job import Store
from lrwatch.ranks.leader import Leader
from lrwatch.ranks.row import Row

TIMEOUT_S = 30.0
CLOSING_S = 2.0
_FIRST_PAUSE_S = 5e-5
_LONGEST_PAUSE_S = 5e-3

Steps = list[tuple[int, Row]]


class Together:
    """Makes the same rows of all ranks' steps, on every rank, through the job's own store.

    lrwatch never joins a collective: one that some rank does not come to would hang the others,
    and one that falls between the user's own would break those. Values that a store holds can do
    neither. Where nobody acts (``acts`` False), rows are told and fetched in batches and no rank
    waits for another. Where ranks act, each step is agreed upon before its update; a rank waits
    until the slowest has come to the same step, as it does for the gradients of DDP and FSDP, and
    for 30 seconds at most: then all ranks part, which rank 0 decides for all. Nor is the store
    itself waited for any longer, whose host may be gone.

    Args:
        name: Of the optimizer; the same on all ranks.
        acts: Whether the ranks act on what they agree on.

    Attributes:
        acts: As given.
        alone: Whether there is no other rank, as far as is known; True until ``open``.
        parted: Why the ranks judge apart, if they do.
        common_scale: Factor that all put on their rates from there on, where they parted as it
            differed; None elsewhere.
    """

    def __init__(self, name: str = "optimizer", *, acts: bool = False) -> None:
        self._name = name
        self.acts = acts
        self._asked = self._granted = False
        self._asking = Asking()
        self._is_closing = False
        self._lost: Exchange | None = None
        self._steps: Exchange | None = None
        self._norms: Exchange | None = None
        self.alone = True
        self.parted: str | None = None
        self.common_scale: float | None = None

    def open(self) -> None:
        """Find the others; to be called at the first step, when every rank has joined the job."""
        if job.n_ranks() < 2:
            return
        self.alone = False
        if (store := job.store_of(self._name)) is None:
            self.parted = "torch.distributed has no store here"
            return
        self._steps = _end(store, self.acts)
        if self.acts and (store := job.store_of(f"{self._name}/norms")) is not None:
            self._norms = _end(store, acts=True)

    @property
    def disarmed(self) -> bool:
        """Whether all ranks agreed to let go."""
        return self._asked if self.alone else self._granted

    def ask_to_disarm(self) -> None:
        """Ask for it; of several ranks all agree with the next row."""
        self._asked = True

    def add(self, row: Row) -> None:
        """Take the next step of this rank."""
        if self._steps is not None:
            self._steps.add(row._replace(disarm=self._asked))

    def turn(self) -> Steps:
        """Tell what is new, and give back what has been merged since; waits for nobody."""
        if self._steps is None:
            return []
        most_s = CLOSING_S if self._is_closing else TIMEOUT_S
        return self._noted(self._told(self._trying(self._steps, self._steps.turn, most_s)))

    def agree(self) -> Steps:
        """As ``turn``, until all steps of this rank are merged or the ranks have parted."""
        if self._steps is None:
            return []
        return self._noted(self._told(self._agreed(self._steps)))

    def norms(self, *norms: float, is_share: bool) -> list[float]:
        """Norms of which every rank has its part; each must ask, and waits as for ``agree``.

        NaN where the ranks have parted.
        """
        if self.alone:
            return list(norms)
        if self._norms is None or self.parted:
            return [math.nan] * len(norms)
        for norm in norms:
            self._norms.add(Row(grad_norm=norm, is_share=is_share))
        found = [row.grad_norm for _, row in self._told(self._agreed(self._norms))]
        return [math.nan if norm is None else norm for norm in found] or [math.nan] * len(norms)

    def leave(self, reason: str) -> None:
        """Judge apart from here on; the others find out at their next step."""
        if self._steps is not None and not self.parted:
            self.parted = reason
            self._told([])

    def hurry(self) -> None:
        """From here on wait for the store as long as ``close`` does."""
        self._is_closing = True

    def close(self) -> Steps:
        """Tell what is left and wait for the others' rest, two seconds at most."""
        steps, self._steps = self._steps, None
        found = [] if steps is None or self.parted else self._last(steps)
        self._asking.end()
        if steps is None:
            return []
        self.parted = self.parted or "the process group was destroyed"
        return found

    def _last(self, steps: Exchange) -> Steps:
        closing = functools.partial(steps.turn, closing=True)
        last = steps.turn if isinstance(steps, Leader) else closing
        found = self._waited(steps, last, CLOSING_S) if not self.acts else []
        return found + self._trying(steps, closing, CLOSING_S)

    def _agreed(self, exchange: Exchange) -> Steps:
        found = self._waited(exchange, exchange.turn, TIMEOUT_S)
        if self.parted or exchange.settled():
            return found

        late = f"not all ranks came to the same step within {TIMEOUT_S:g} s"
        return found + self._trying(exchange, functools.partial(exchange.part, late), TIMEOUT_S)

    def _waited(self, exchange: Exchange, turn: Callable[[], Steps], most_s: float) -> Steps:
        found = self._trying(exchange, turn, most_s)
        pause_s, deadline_s = _FIRST_PAUSE_S, time.monotonic() + most_s
        while not (self.parted or exchange.settled()) and time.monotonic() < deadline_s:
            time.sleep(pause_s)
            pause_s = min(1.5 * pause_s, _LONGEST_PAUSE_S)
            found += self._trying(exchange, turn, most_s)
        return found

    def _trying(self, exchange: Exchange, turn: Callable[[], Steps], most_s: float) -> Steps:
        if exchange is self._lost:  # torch prints forty lines for each try
            return []
        try:
            found = self._asking.call(turn, most_s)
        except (RuntimeError, OSError, ValueError) as error:
            let_pass(error)
            self._lost = exchange
            self.parted = f"the job's store does not answer ({type(error).__name__})"
            return []
        self.parted = self.parted or exchange.parted
        return found

    def _told(self, found: Steps) -> Steps:
        """Once this rank has parted: have all others part, too, and keep no row for them."""
        if self.parted and self._steps is not None:
            steps, self._steps, self._norms = self._steps, None, None
            self._trying(steps, functools.partial(steps.leave, self.parted), CLOSING_S)
            self._asking.end()
        return found

    def _noted(self, steps: Steps) -> Steps:
        self._granted |= any(row.disarm for _, row in steps)
        unlike = next((row for _, row in steps if row.unlike), None)
        if unlike is not None and not self.parted:
            # No word to the others: they find this row, too, and a word might come before it.
            self.common_scale, self._steps, self._norms = unlike.lr_scale, None, None
            self.parted = "they were given other settings or states, and scale their rates apart"
        return steps


def _end(store: Store, acts: bool) -> Exchange:
    rank = job.rank() or 0
    if rank:
        return Follower(store, rank=rank, acts=acts)
    return Leader(store, n_ranks=job.n_ranks(), timeout_s=TIMEOUT_S, acts=acts)
