"""Steps of this rank, kept until all ranks have told theirs, and then judged as one."""

from collections import deque
from dataclasses import replace

from lrwatch.loop.sample import Sample
from lrwatch.ranks.row import Row
from lrwatch.ranks.together import Steps, Together
from lrwatch.records import Step


class SharedSteps:
    """Exchanges the loss and the norm of each step for those of all ranks.

    Once the ranks have parted a step comes back as this rank saw it.

    Args:
        together: The ranks.
    """

    def __init__(self, together: Together) -> None:
        self._together = together
        self._told: deque[tuple[int, Sample, Step]] = deque()
        self._n_told = 0

    def take(self, sample: Sample, step: Step) -> None:
        """Tell a step."""
        row = Row(
            loss=step.loss,
            grad_norm=sample.grad_norm,
            is_share=sample.is_share,
            skipped=step.skipped,
            lr_scale=sample.lr_scale,
        )
        self._together.add(row)
        self._told.append((self._n_told, sample, step))
        self._n_told += 1

    def turn(self, *, agree: bool) -> list[tuple[Sample, Step]]:
        """Steps that can be judged now; all of them where ``agree``, which waits."""
        if not self._told:
            return []
        return self._found(self._together.agree() if agree else self._together.turn())

    def hurry(self) -> None:
        """The end is near: wait for no answer any longer than ``close`` does."""
        self._together.hurry()

    def close(self) -> list[tuple[Sample, Step]]:
        """What is left; a step that the other ranks did not tell is this rank's alone."""
        return self._found(self._together.close()) + self._rest()

    def _found(self, rows: Steps) -> list[tuple[Sample, Step]]:
        found = []
        for index, row in rows:
            while self._told and self._told[0][0] < index:
                self._told.popleft()
            if self._told and self._told[0][0] == index:
                _, sample, step = self._told.popleft()
                found.append((sample, _as_all_saw_it(step, row)))
        return found + (self._rest() if self._together.parted else [])

    def _rest(self) -> list[tuple[Sample, Step]]:
        rest = [(sample, step) for _, sample, step in self._told]
        self._told.clear()
        return rest


def _as_all_saw_it(step: Step, row: Row) -> Step:
    return replace(step, loss=row.loss, grad_norm=row.grad_norm, skipped=row.skipped)
