"""What is said before a process group is destroyed, and that nothing of it stays behind."""

from collections.abc import Iterator

import pytest
from torch import distributed
from torch.distributed import distributed_c10d

from lrwatch.ranks import parting

ORIGINAL = distributed.destroy_process_group


class Judging:
    def __init__(self, order: list[str], error: Exception | None = None) -> None:
        self._order, self._error = order, error

    def part(self) -> None:
        self._order.append("said")
        if self._error is not None:
            raise self._error


@pytest.fixture
def order(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What happens, in order; torch's own function is pretended."""
    found: list[str] = []
    for owner in (distributed, distributed_c10d):
        monkeypatch.setattr(
            owner, "destroy_process_group", lambda group=None: found.append("destroyed")
        )
    yield found
    assert parting._originals == {}


@pytest.mark.parametrize("owner", [distributed, distributed_c10d])
def test_the_last_word_comes_before_the_end(order: list[str], owner: object) -> None:
    one = Judging(order)
    parting.listen(one)
    vars(owner)["destroy_process_group"]()
    parting.unlisten(one)
    assert order == ["said", "destroyed"]


def test_other_groups_may_be_destroyed_without_a_word(order: list[str]) -> None:
    one = Judging(order)
    parting.listen(one)
    distributed.destroy_process_group(object())  # type: ignore[arg-type]
    parting.unlisten(one)
    assert order == ["destroyed"]


def test_a_last_word_that_fails_holds_nothing_up(order: list[str]) -> None:
    one, two = Judging(order, ValueError()), Judging(order, ValueError())
    parting.listen(one)
    parting.listen(two)
    distributed.destroy_process_group()
    parting.unlisten(one)
    parting.unlisten(two)
    assert order == ["said", "said", "destroyed"]


def test_torch_has_its_own_function_back_with_the_last_listener() -> None:
    one = Judging([])
    parting.listen(one)
    assert distributed.destroy_process_group is not ORIGINAL
    parting.unlisten(one)
    assert distributed.destroy_process_group is ORIGINAL
    assert distributed_c10d.destroy_process_group is ORIGINAL
