"""Before a run goes back to older weights: do they do any better on the batches of today?"""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from lrwatch.policy.course import Course
from lrwatch.policy.move import Move, Seen
from lrwatch.policy.shelf import Good

N_ASKED = 4
# Share of what was lost that older weights must still have: they may have begun to go bad, too.
BETTER = 1 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of older weights.

    Attributes:
        older: Their snapshots, the next to be asked last.
        level: Loss that they had when they were saved.
        now: Loss of the run that may be given up for them.
        go: Gives it up for one of them.
        losses: Those of the last on the batches since it was brought in.
    """

    older: list[Good]
    level: float
    now: float
    go: Callable[[Seen, Good], Move | None]
    losses: list[float] = field(default_factory=list)

    @property
    def whose(self) -> str:
        """The weights that are asked now, in words."""
        return f"the weights of step {self.older[-1].step}"


class Asking:
    """Holds older weights for four batches; the run goes back only where they do better by much.

    A loss that rose for good has two causes. Either the weights have gone bad: then older ones do
    as well as they did. Or the data or the loss itself have changed, another task, a term that was
    switched on, a class of its own: then they do no better, going back would undo what was learnt
    since, and the rate is not to blame. The new level is accepted then. All snapshots that are
    trusted are asked, the newest first: it may have been taken when all was lost already.

    Args:
        course: Shared state.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._question: Question | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether older weights are in place, to be looked at."""
        return self._question is not None

    @property
    def is_possible(self) -> bool:
        """Whether the present weights can be kept meanwhile, and updates be left out."""
        course = self._course
        spare = course.n_changes_left >= 1 + len(course.shelf.kept)
        return course.can_hold and spare and "skip" in course.settings.rungs

    def drop(self) -> bool:
        """Ask no more; whether older weights are in place that nobody asks about now."""
        was_asking, self._question = self.is_under_way, None
        return was_asking

    def ask(self, question: Question, reason: str) -> Move:
        """Bring the older weights in."""
        self._question = question
        return replace(self._bring_in(question, reason), save="held")

    def judge(self, seen: Seen) -> Move | None:
        """Another batch for the older weights, or what follows from the answer."""
        question, course = self._question, self._course
        if question is None:
            return None
        question.losses.append(seen.loss if math.isfinite(seen.loss) else math.inf)
        course.n_lost += 1
        if len(question.losses) < N_ASKED:
            return Move(kind="skip", reason=f"{question.whose} are looked at")
        lost = question.now - question.level
        if statistics.median(question.losses) < question.now - BETTER * lost:
            self._question = None
            return question.go(seen, question.older[-1])
        reason = f"{question.whose} do no better on these batches"
        question.older.pop()
        if question.older:
            question.losses.clear()
            return self._bring_in(question, reason)
        self._question = None
        course.accept_change()
        course.tell(f"{reason}: the data changed, or the loss", helped=False)
        return Move(kind="rewind", reason=reason, load="held")

    def _bring_in(self, question: Question, reason: str) -> Move:
        said = f"{reason}: do {question.whose} do better on these batches?"
        return Move(kind="rewind", reason=said, load=question.older[-1].name, buffers=False)
