"""A watch begins and ends without a trace: no hook, no patch, no reference, no copy that lives."""

import copy
import gc
import io
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.utils import clip_grad
from torch.optim import SGD

from lrwatch import Action, Watch, attach
from tests.loop.training import Told, small_model, train


def functions_of_torch() -> list[Any]:
    return [
        torch.autograd.backward,
        clip_grad._clip_grads_with_norm_,
        clip_grad._get_total_norm,
        clip_grad.clip_grad_value_,
        torch.nn.utils.clip_grads_with_norm_,
        torch.nn.utils.get_total_norm,
        torch.nn.utils.clip_grad_value_,
        GradScaler.scale,
        GradScaler.step,
    ]


def hooks_of(optimizer: torch.optim.Optimizer) -> list[Any]:
    return [*optimizer._optimizer_step_pre_hooks, *optimizer._optimizer_step_post_hooks]


def made(seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = small_model(seed)
    return model, torch.optim.SGD(model.parameters(), lr=0.01)


def test_close_leaves_no_hook_and_no_patch() -> None:
    before = functions_of_torch()
    model, optimizer = made()
    watch = attach(optimizer, run_dir=False)
    assert all(a is not b for a, b in zip(functions_of_torch(), before, strict=True))
    train(model, optimizer, 3)
    watch.close()
    watch.close()
    assert functions_of_torch() == before
    assert hooks_of(optimizer) == []


def test_an_exception_in_the_loop_passes_and_leaves_nothing() -> None:
    before = functions_of_torch()
    _, optimizer = made()
    with pytest.raises(KeyboardInterrupt), attach(optimizer, run_dir=False):
        raise KeyboardInterrupt
    assert functions_of_torch() == before
    assert hooks_of(optimizer) == []


def test_the_patch_stays_until_the_last_watch_is_closed() -> None:
    before = torch.autograd.backward
    (model, one), (_, other) = made(), made(1)
    told = Told()
    first, second = attach(one, run_dir=False, sinks=[told]), attach(other, run_dir=False)
    second.close()
    logged = train(model, one, 3)
    assert torch.autograd.backward is not before
    first.close()
    assert torch.autograd.backward is before
    assert told.losses == logged


def test_a_second_attach_replaces_the_first_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    model, optimizer = made()
    first, second = Told(), Told()
    attach(optimizer, run_dir=False, sinks=[first])
    train(model, optimizer, 2)
    with attach(optimizer, run_dir=False, sinks=[second]):
        train(model, optimizer, 3)
    assert (len(first.steps), len(second.steps)) == (2, 3)
    assert first.n_closed == 1
    assert [r.message for r in caplog.records] == [
        "attach() to the same optimizer again: the earlier watch ends here"
    ]


def test_a_watch_that_nobody_keeps_goes_on() -> None:
    model, optimizer = made()
    told = Told()
    attach(optimizer, run_dir=False, sinks=[told])
    gc.collect()
    logged = train(model, optimizer, 128)
    attach(optimizer, run_dir=False).close()  # ends the one before, which judges what is left
    assert told.losses == logged


def test_model_and_optimizer_die_when_the_user_drops_them() -> None:
    before = torch.autograd.backward
    model, optimizer = made()
    told = Told()
    watch = attach(optimizer, model, run_dir=False, sinks=[told])
    train(model, optimizer, 5)
    parts: list[Any] = [model, optimizer, next(model.parameters())]
    refs = [weakref.ref(part) for part in parts]
    parts.clear()
    gc.disable()
    try:
        del model, optimizer
        assert [ref() for ref in refs] == [None, None, None]
    finally:
        gc.enable()
    assert torch.autograd.backward is before
    assert (len(told.steps), told.n_closed) == (5, 1)
    assert watch.n_steps == 5


def test_losses_are_kept_without_their_graph() -> None:
    model, optimizer = made()
    inputs: list[weakref.ref[torch.Tensor]] = []
    with attach(optimizer, run_dir=False) as watch:
        for _ in range(10):
            optimizer.zero_grad()
            x = torch.randn(16, 4)
            loss = model(x).square().mean()
            loss.backward()
            watch.observe(loss)
            inputs.append(weakref.ref(x))
            optimizer.step()
        del x, loss
        assert not any(ref() is not None for ref in inputs)


def test_copies_of_what_is_watched_are_not_watched() -> None:
    model, optimizer = made()
    told = Told()
    with attach(optimizer, model, run_dir=False, sinks=[told]) as watch:
        train(model, optimizer, 2)
        copies = [copy.deepcopy((model, optimizer)), pickle.loads(pickle.dumps((model, optimizer)))]
        file = io.BytesIO()
        torch.save((model, optimizer), file)
        copies.append(torch.load(io.BytesIO(file.getvalue()), weights_only=False))
        for model_copy, optimizer_copy in copies:
            assert hooks_of(optimizer_copy) == []
            train(model_copy, optimizer_copy, 3)
        torch.optim.swa_utils.AveragedModel(model).update_parameters(model)
        watch.flush()
        assert len(told.steps) == 2
        assert b"lrwatch" not in file.getvalue()


def test_a_copied_watch_is_inert() -> None:
    model, optimizer = made()
    with attach(optimizer, run_dir=False) as watch:
        for inert in (copy.deepcopy(watch), pickle.loads(pickle.dumps(watch))):
            inert.observe(1.0)
            inert.flush()
            inert.close()
            assert (inert.alerts, inert.verdict, inert.n_steps) == ([], "undecided", 0)
        train(model, optimizer, 2)
        assert watch.n_steps == 2


def test_disabled_by_the_environment_nothing_is_hooked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_DISABLED", "1")
    before = functions_of_torch()
    model, optimizer = made()
    with attach(optimizer, model) as watch:
        train(model, optimizer, 2)
        assert functions_of_torch() == before
        assert hooks_of(optimizer) == []
        watch.load_state_dict(watch.state_dict())
    assert isinstance(watch, Watch)


def test_wrapped_optimizers_are_unwrapped() -> None:
    class Accelerated(torch.optim.Optimizer):
        def __init__(self, optimizer: torch.optim.Optimizer) -> None:
            self.optimizer = optimizer

    model, optimizer = made()
    told = Told()
    with attach(Accelerated(optimizer), run_dir=False, sinks=[told]):
        logged = train(model, optimizer, 3)
    assert told.losses == logged


def test_attaching_a_thousand_times_leaves_nothing_behind() -> None:
    before = functions_of_torch()
    model, optimizer = made()
    for _ in range(1000):
        with attach(optimizer, model, run_dir=False):
            pass
    assert functions_of_torch() == before
    assert hooks_of(optimizer) == []
    gc.collect()
    assert not [x for x in gc.get_objects() if type(x) is Watch]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_is_inert_and_its_parent_goes_on() -> None:
    model, optimizer = made()
    told = Told()
    with attach(optimizer, run_dir=False, sinks=[told]) as watch:
        train(model, optimizer, 2)
        watch.flush()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                train(model, optimizer, 40)
                watch.observe(1.0)
                watch.close()
                code = 0 if len(told.steps) == 2 and told.n_closed == 0 else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        train(model, optimizer, 3)
    assert len(told.steps) == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("backoff", [False, True])
def test_a_forked_child_may_ask_but_judges_and_tells_nothing(backoff: bool) -> None:
    model, optimizer = made()
    told = Told()
    with attach(optimizer, run_dir=False, backoff=backoff, sinks=[told]) as watch:
        train(model, optimizer, 40)
        n_told = len(told.steps)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                assert (watch.alerts, watch.verdict, watch.n_steps) == ([], "undecided", 40)
                watch.note(Action(kind="rewind", step=40, reason="by hand"))
                watch.flush()
                watch.disarm()
                watch.load_state_dict(watch.state_dict())
                code = 0 if len(told.steps) == n_told and not told.actions else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        watch.flush()
    assert len(told.steps) == 40


SCRIPT = """
import torch, lrwatch
torch.set_num_threads(1)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
lrwatch.attach(optimizer, run_dir={run!r})
for i in range(5):
    optimizer.zero_grad()
    loss = model(torch.ones(4, 2)).square().mean() * (float("nan") if i == 4 else 1)
    loss.backward()
    optimizer.step()
print("done")
"""


def test_a_script_that_never_closes_has_its_last_steps_judged(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(run=str(tmp_path / "run"))],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.stdout == "done\n"
    assert [line.split()[2] for line in done.stderr.splitlines()] == ["non_finite"]
    assert "non_finite" in (tmp_path / "run" / "lrwatch" / "alerts.jsonl").read_text()


IDLE = "lrwatch: the optimizer never stepped, so nothing was judged"


def test_an_optimizer_that_another_took_the_place_of_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = small_model()
    optimizer = SGD(model.parameters(), lr=0.01)
    watch = attach(optimizer, run_dir=False)
    optimizer = SGD(model.parameters(), lr=0.1)
    gc.collect()
    train(model, optimizer, 3)
    watch.close()
    assert capsys.readouterr().err.count(IDLE) == 1


def test_an_optimizer_beside_the_one_that_steps_is_told_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = small_model()
    optimizer, other = SGD(model.parameters(), lr=0.01), SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False), attach(other, run_dir=False):
        train(model, optimizer, 3)
    assert capsys.readouterr().err.count(IDLE) == 1


def test_an_optimizer_that_nobody_trains_is_no_matter(capsys: pytest.CaptureFixture[str]) -> None:
    optimizer = SGD(small_model().parameters(), lr=0.01)
    with attach(optimizer, run_dir=False):
        train(small_model(1), SGD(small_model(1).parameters(), lr=0.01), 1)
    assert capsys.readouterr().err == ""


def test_a_watch_tells_what_it_is_without_judging() -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    watch = attach(optimizer, run_dir=False, sinks=[told])
    train(model, optimizer, 3)
    n_judged = len(told.steps)
    assert repr(watch) == "Watch(watching, 3 steps, 0 alerts, undecided)"
    assert len(told.steps) == n_judged
    watch.close()
    assert repr(watch) == "Watch(closed, 3 steps, 0 alerts, undecided)"
    assert repr(copy.deepcopy(watch)) == "Watch(inert)"
