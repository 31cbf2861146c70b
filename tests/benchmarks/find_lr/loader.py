"""A task of the sweep as a loader that begins anew, as a DataLoader does."""

from collections.abc import Callable, Iterator

from torch import Tensor

from tests.benchmarks.sweep.task import Batches, Task


class TaskLoader:
    """Yields nothing of its own: the task draws its batches, from the first one on.

    Args:
        task: Its order of batches and its generator are set back at every ``iter``.
        seed: What the task was built with.
    """

    def __init__(self, task: Task, seed: int) -> None:
        self._task = task
        self._seed = seed
        batches: Batches = task.batches  # type: ignore[attr-defined]
        self._fresh: Callable[[], Batches] = lambda: Batches(
            batches._n_samples, batches._batch_size, seed
        )

    def __iter__(self) -> Iterator[None]:
        vars(self._task)["batches"] = self._fresh()
        generator = vars(self._task).get("generator")
        if generator is not None:
            generator.manual_seed(self._seed + 1)
        while True:
            yield None

    def loss(self, batch: None) -> Tensor:
        """Loss of the task's next batch."""
        return self._task.loss()
