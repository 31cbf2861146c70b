"""What a handler of a signal raises is a word to the training: no line of lrwatch holds it up."""

import io
import linecache
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, cast

import pytest
import torch
from torch._C._distributed_c10d import HashStore

import lrwatch
from lrwatch.errors import let_pass
from lrwatch.loop import attach as attaching
from lrwatch.loop import patches
from lrwatch.ranks.follower import Follower
from lrwatch.ranks.row import Row
from lrwatch.ranks.together import Together
from tests.benchmarks.proof.injection import is_ours, quiet_finalizers, traced
from tests.benchmarks.proof.interrupts import _is_finalizing
from tests.benchmarks.proof.scenarios import acting, plain
from tests.loop.training import Told, loss_of, small_model

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signals")


class PreemptedError(OSError):
    """Of a class that lrwatch catches by itself, as TimeoutError is."""


def preempted(number: int, frame: FrameType | None) -> None:
    raise PreemptedError


class Calls:
    """A handler that is no function, as frameworks have it."""

    def __call__(self, *args: Any) -> None:
        preempted(*args)


HANDLERS: dict[str, Callable[..., None]] = {
    "function": preempted,
    "any arguments": lambda *args: preempted(*args),
    "object": Calls(),
    "partial": partial(preempted),
    "keyword": lambda number, frame=None: preempted(number, frame),
}


@pytest.fixture
def handler() -> Iterator[Callable[[Callable[..., None]], None]]:
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda one: (signal.signal(signal.SIGUSR1, one), None)[1]
    signal.signal(signal.SIGUSR1, before)


def interrupt() -> None:
    signal.raise_signal(signal.SIGUSR1)


class Lines:
    """Counts the lines of lrwatch, and has one of them interrupted by a signal."""

    def __init__(self, at: int | None = None) -> None:
        self.n, self.at, self.where = 0, at, ""

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        if event == "call":
            return self if is_ours(frame) and not _is_finalizing(frame) else None
        if event == "line" and not _is_with(frame):
            self.n += 1
            if self.n == self.at:
                self.where = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                interrupt()
        return self


def _is_with(frame: FrameType) -> bool:
    """Tracing tells of such a line once more before its end, where no signal is ever handled."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return line.lstrip().startswith("with ")


def lines_of(scenario: Any, folder: Path, at: int | None = None) -> Lines:
    lines = Lines(at)
    with redirect_stderr(io.StringIO()), traced(lines, threads=False) as again:
        scenario(True, again, folder)
    return lines


@pytest.mark.parametrize("scenario", [plain, acting])
def test_it_passes_wherever_it_comes(scenario: Any, handler: Any, tmp_path: Path) -> None:
    handler(preempted)
    with quiet_finalizers():
        n = lines_of(scenario, tmp_path / "whole").n
        for at in range(7, int(0.95 * n), n // 25):
            try:
                lines = lines_of(scenario, tmp_path / str(at), at)
            except PreemptedError:
                torch.set_grad_enabled(True)
                continue
            pytest.fail(f"held up at {lines.where}")


class Interrupting(Told):
    def write_alert(self, alert: lrwatch.Alert) -> None:
        interrupt()


@pytest.mark.parametrize("kind", HANDLERS)
def test_it_is_known_whatever_handles_the_signal(kind: str, handler: Any) -> None:
    handler(HANDLERS[kind])
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch = lrwatch.attach(
        optimizer, run_dir=False, stderr=False, sinks=[Interrupting()], check_before_step=True
    )
    (loss_of(model, 0) * float("nan")).backward()
    with pytest.raises(PreemptedError):
        optimizer.step()
    handler(signal.SIG_IGN)
    watch.close()


def test_it_ends_an_attach(handler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    handler(preempted)
    monkeypatch.setattr(attaching, "close_orphans", lambda watches: interrupt())
    with pytest.raises(PreemptedError):
        lrwatch.attach(torch.optim.SGD(small_model().parameters(), lr=0.1), run_dir=False)


def test_ranks_that_wait_for_each_other_do_not_take_it_for_the_stores(
    handler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler(preempted)
    together = Together(acts=True)
    together.alone = False
    together._steps = Follower(HashStore(), rank=1, acts=True)
    together.add(Row(loss=1.0))
    monkeypatch.setattr("time.sleep", lambda seconds: interrupt())
    with pytest.raises(PreemptedError):
        together.agree()
    monkeypatch.setattr(together._steps, "turn", interrupt)
    with pytest.raises(PreemptedError):
        together.turn()
    assert together.parted is None


def test_an_error_of_ours_is_none_of_a_handlers() -> None:
    def failing(frame: object) -> None:
        raise PreemptedError(os.getpid())

    with pytest.raises(PreemptedError) as caught:
        failing(None)
    let_pass(caught.value)


def test_what_a_function_that_traces_raises_is_none_either() -> None:
    def tracing(frame: FrameType, event: str, arg: object) -> None:
        raise PreemptedError

    with pytest.raises(PreemptedError) as caught:
        tracing(sys._getframe(), "call", None)
    let_pass(caught.value)


def test_whoever_caught_an_error_is_gone_when_it_returns() -> None:
    class Big:
        pass

    def catches(big: Big) -> None:
        try:
            os.stat("/nowhere/at/all")
        except OSError as error:
            let_pass(error)

    big = Big()
    alive = weakref.ref(big)
    catches(big)
    del big
    assert alive() is None


def test_what_it_interrupts_in_the_midst_of_wrapping_is_wrapped_once(handler: Any) -> None:
    handler(preempted)
    plain, fake, n_interrupted, told = torch.autograd.backward, cast(Any, object()), 0, Told()
    while True:
        try:
            with traced(Lines(n_interrupted + 1), threads=False):
                patches.listen(fake)
                patches.unlisten(fake)
            break
        except PreemptedError:
            n_interrupted += 1
        if patches.listeners:
            patches.unlisten(fake)
        model = small_model()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with lrwatch.attach(optimizer, run_dir=False, stderr=False, sinks=[told]):
            loss_of(model, 0).backward()
            optimizer.step()
        assert told.losses == n_interrupted * [loss_of(small_model(), 0).item()]
        assert torch.autograd.backward is plain
    assert n_interrupted > 50
    free = threading.Thread(target=patches.unlisten, args=[fake], daemon=True)
    free.start()
    free.join(60)
    assert not free.is_alive()
