"""A lower rate from the first weights against a level: when it has won."""

from lrwatch.policy.arm import Arm
from lrwatch.policy.contest import Contest
from lrwatch.policy.move import Seen
from lrwatch.policy.spread import Mean


def test_one_of_many_looks_must_show_more_than_the_last() -> None:
    def outcomes(below: float) -> list[str | None]:
        challenger = Arm(0.3, from_start=True)
        contest = Contest(
            incumbent=Arm(1.0, from_start=True), n_steps=40, target=Mean(2.0, 0.0), rival=None
        )
        found: list[str | None] = []
        for i in range(40):
            loss = 2.0 + below + 0.1 * (-1) ** i
            seen = Seen(step=i, loss=loss, grad_norm=1.0, rate=1.0, moved=lambda: 0.0)
            challenger.add(seen)
            found.append(contest.outcome(challenger))
        return found

    error = 0.1 * (12 / 11) ** 0.5 / 12**0.5
    assert outcomes(-2.5 * error).index("won") == 39
    assert outcomes(-3.5 * error).index("won") == 15
    assert set(outcomes(-1.5 * error)) == {None, "lost"}
