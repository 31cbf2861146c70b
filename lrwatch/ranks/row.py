"""What one rank saw at one step, and what all of them together did."""

import math
from collections.abc import Sequence
from typing import NamedTuple

_SAME = 1e-5


class Row(NamedTuple):
    """One step of one rank, or of all once they are merged.

    Attributes:
        loss: The rank's own loss; None where it saw none.
        grad_norm: Norm of the gradients that it holds; None where it took none.
        is_share: Whether the squares of the norms of all ranks add up to that of the whole; else
            each may hold a copy of the same gradients.
        skipped: Whether a GradScaler left the weights alone.
        disarm: Whether the back-off is asked to let go.
        lr_scale: Factor that the back-off puts on its rates; of all ranks, the lowest.
        unlike: Whether the ranks scale their rates differently, so that their weights would part.
    """

    loss: float | None = None
    grad_norm: float | None = None
    is_share: bool = False
    skipped: bool = False
    disarm: bool = False
    lr_scale: float = 1.0
    unlike: bool = False


def merged(rows: Sequence[Row], *, n_missing: int = 0) -> Row:
    """The mean loss of the ranks that have one, and the norm over all gradients.

    A NaN of one rank is a NaN of all. Shares of a norm make a whole only where every rank has told
    its own. Other norms are copies of one where they are equal, as DDP leaves them, and parts of
    one where they differ (FSDP1, stages of a pipeline). A flag of one rank is a flag of all, and
    the lowest scale that of all.

    Args:
        rows: At least one, of the same step.
        n_missing: Ranks that told nothing about it.

    >>> merged([Row(loss=1.0, grad_norm=3.0), Row(loss=2.0, grad_norm=4.0)])[:5]
    (1.5, 5.0, False, False, False)
    >>> merged([Row(grad_norm=3.0), Row(loss=2.0, grad_norm=3.0)])[:2]
    (2.0, 3.0)
    """
    losses = [row.loss for row in rows if row.loss is not None]
    scales = {row.lr_scale for row in rows}
    return Row(
        loss=sum(losses) / len(losses) if losses else None,
        grad_norm=_norm(rows, n_missing),
        skipped=any(row.skipped for row in rows),
        disarm=any(row.disarm for row in rows),
        lr_scale=min(scales),
        unlike=len(scales) > 1,
    )


def _norm(rows: Sequence[Row], n_missing: int) -> float | None:
    norms = [row.grad_norm for row in rows if row.grad_norm is not None]
    if not norms:
        return None
    if any(row.is_share for row in rows):
        return math.hypot(*norms) if len(norms) == len(rows) and not n_missing else None
    total = sum(norms)
    if not math.isfinite(total):
        return total
    if max(norms) - min(norms) <= _SAME * max(norms):
        return norms[0]
    return math.hypot(*norms)
