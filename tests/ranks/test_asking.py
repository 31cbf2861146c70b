"""A store that does not answer, as the machine of its rank is gone, holds nobody up for good."""

import threading
from collections.abc import Callable, Iterator

import pytest

from lrwatch.loop.judgement.shared_steps import SharedSteps
from lrwatch.ranks import together
from lrwatch.ranks.asking import Asking
from lrwatch.ranks.follower import Follower
from lrwatch.ranks.row import Row
from lrwatch.ranks.together import Together

NEVER_S = 60.0


class Gone:
    """A store whose host is stopped: it takes what it is sent, and never answers."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.n_asked = 0

    def set(self, key: str, value: str, /) -> None:
        pass

    def check(self, keys: list[str], /) -> bool:
        self.n_asked += 1
        self.end.wait(NEVER_S)
        return False

    def multi_get(self, keys: list[str], /) -> list[bytes]:
        return [b"" for _ in keys if self.check(keys)]

    def compare_set(self, key: str, expected: str, desired: str, /) -> bytes:
        self.check([key])
        return desired.encode()


class Broken(Gone):
    """A store whose host was there and is no more."""

    def set(self, key: str, value: str, /) -> None:
        self.n_asked += 1
        raise RuntimeError("Connection reset by peer")


@pytest.fixture
def gone() -> Iterator[Gone]:
    store = Gone()
    yield store
    store.end.set()


def asking_of(store: Gone, *, acts: bool) -> Together:
    one = Together(acts=acts)
    one.alone = False
    one._steps = Follower(store, rank=1, acts=acts)
    return one


@pytest.mark.parametrize("asked", [Together.turn, Together.agree, Together.close])
@pytest.mark.parametrize("acts", [False, True])
def test_a_rank_whose_store_does_not_answer_goes_on_alone(
    gone: Gone, asked: Callable[[Together], object], acts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "TIMEOUT_S", 0.01)
    monkeypatch.setattr(together, "CLOSING_S", 0.01)
    one = asking_of(gone, acts=acts)
    one.add(Row(loss=1.0))
    assert asked(one) == []
    assert one.parted == "the job's store does not answer (TimeoutError)"
    assert one.close() == []
    assert gone.n_asked == 1


def test_at_the_end_it_is_waited_for_as_long_as_the_others_are(
    gone: Gone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "CLOSING_S", 0.01)
    one = asking_of(gone, acts=False)
    one.add(Row(loss=1.0))
    SharedSteps(one).hurry()
    assert one.turn() == []
    assert one.parted == "the job's store does not answer (TimeoutError)"


def test_a_store_that_failed_is_not_asked_again() -> None:
    store = Broken()
    one = asking_of(store, acts=False)
    one.add(Row(loss=1.0))
    assert one.turn() == one.close() == []
    assert one.parted == "the job's store does not answer (RuntimeError)"
    assert store.n_asked == 1


def test_what_is_asked_is_answered_in_its_order_also_after_an_interrupt() -> None:
    asking, asked, go_on = Asking(), [], threading.Event()

    def first() -> None:
        go_on.wait(NEVER_S)
        asked.append(1)

    with pytest.raises(TimeoutError):
        asking.call(first, 0.0)
    asking._is_hanging = False  # as after a Ctrl-C, which ends the waiting
    go_on.set()
    assert asking.call(lambda: asked.append(2), NEVER_S) is None
    assert asked == [1, 2]
    asking.end()


def test_the_thread_ends_with_the_exchange() -> None:
    asking, threads = Asking(), []
    assert asking.call(lambda: threads.append(threading.current_thread()), NEVER_S) is None
    asking.end()
    threads[0].join()
    assert asking.call(lambda: 3, NEVER_S) == 3
    asking.end()
    asking.end()


def test_without_a_thread_the_caller_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    asking = Asking()
    assert asking.call(threading.current_thread, 0.0) is threading.current_thread()
    asking.end()
