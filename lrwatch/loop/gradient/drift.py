"""Whether the weights still go one way, or only back and forth: from a few thousand of them."""

from collections import deque
from collections.abc import Sequence

import torch
from torch.nn.parameter import is_lazy

from lrwatch.loop.device.readback import Readback
from lrwatch.loop.device.slot import Slot
from lrwatch.loop.guard import Guard
from lrwatch.loop.sample import Value
from lrwatch.ranks.shards import is_spread, local

N_WEIGHTS = 4096
N_APART = 16
FARTHER = 2**0.25
HALF = (0.4, 0.6)


class Drift:
    """Compares the way of the weights in the first half of the run with that in the second.

    ``(b . a) / (a . a)``, where ``a`` leads from the first weights to those of half the run, and
    ``b`` from there to the present ones: 1 where the second half goes on as the first one went, 0
    where it goes nowhere. About 4096 weights, evenly spread over the parameters, are kept at steps
    a fifth of the run apart, those of the second half and the first: copies on their device, and
    nothing there is waited for. Weights that are spread over ranks are not looked at: each has
    other parts, and all must come to the same verdict.

    Reference: S. Pesme, A. Dieuleveut and N. Flammarion, "On convergence-diagnostic based step
    sizes for stochastic gradient descent", 2020, whose distance from the first weights grows with
    the steps while the weights drift, and with their root where they diffuse.

    Args:
        readback: Reads scalars from their device.

    Attributes:
        next: No step before this one is looked at.
        found: What was found, and is perhaps on its way from the device.
    """

    def __init__(self, readback: Readback) -> None:
        self._readback = readback
        self._guard = Guard("looking at the way of the weights")
        self._kept: list[tuple[int, torch.Tensor]] = []
        self.found: deque[tuple[int, Value]] = deque(maxlen=8)
        self.next = 0

    def look(self, step: int, parameters: Sequence[torch.Tensor]) -> None:
        """Take the weights as they are before this step, where that is due; raises nothing."""
        if step < self.next or self._guard.off:
            return
        try:
            self._look(step, parameters)
        except Exception as error:
            self._guard.failed(error)

    def take(self, step: int) -> float | None:
        """What was found up to this step, once it has arrived; None where nothing new was."""
        found = None
        while self.found and self.found[0][0] <= step:
            value = self.found[0][1]
            if isinstance(value, Slot):
                if not value.ready():
                    break
                value = value.take()
            found = value
            self.found.popleft()
        return found

    def _look(self, step: int, parameters: Sequence[torch.Tensor]) -> None:
        now = None if any(map(_is_part, parameters)) else _some(parameters)
        if now is None:
            self.next = step + N_APART
            return
        if not self._kept or len(self._kept[0][1]) != len(now) or step <= self._kept[-1][0]:
            self._kept = []
        self._kept.append((step, now))
        (start, first), n = self._kept[0], step - self._kept[0][0]
        self.next = start + max(n + N_APART, int(FARTHER * n))
        at, middle = min(self._kept, key=lambda one: abs(one[0] - start - n / 2))
        share = (at - start) / max(n, 1)
        if n >= 2 * N_APART and HALF[0] <= share <= HALF[1]:
            a, b = middle - first, now - middle
            drift = (a @ b) / (a @ a) * (share / (1 - share))
            self.found.append((step, self._readback.read(drift)))
        self._kept = [self._kept[0], *(one for one in self._kept[1:] if one[0] - start > n / 3)]


def _is_part(parameter: torch.Tensor) -> bool:
    """Whether other ranks hold the rest: of a DTensor, or of what FSDP1 made flat."""
    return is_spread(parameter) or hasattr(parameter, "_fsdp_flattened")


def _some(parameters: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """About 4096 of the weights, in float32 on a device that has some; None where there are none.

    No torch.no_grad(): an interrupt on the way out of it would leave a training without gradients.
    """
    known = [p for p in parameters if p.requires_grad and not is_lazy(p)]
    trained = [local(p.detach()) for p in known if p.is_floating_point()]
    every = max(1, sum(p.numel() for p in trained) // N_WEIGHTS)
    plain = [p for p in trained if not hasattr(p, "__tensor_flatten__")]  # not the quantised
    parts = [p.reshape(-1)[::every] for p in plain if p.numel()]
    if not parts:
        return None
    # Not on the CPU if one is elsewhere: what nobody waits for would be read there before it came.
    device = next((part.device for part in parts if part.device.type != "cpu"), parts[0].device)
    return torch.cat([part.to(device, torch.float32, non_blocking=True) for part in parts])
