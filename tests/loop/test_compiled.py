"""torch.compile of the model, of the step and of the whole loop body."""

import runpy
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from lrwatch import attach
from lrwatch.loop import compiled as compiled_module
from tests.loop.training import Told, batch, loss_of, small_model

N = 12

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's own, while it compiles
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),
]


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def compiled(function: Callable[..., Any]) -> Any:
    return torch.compile(function, backend="eager")


def test_a_compiled_model_tells_the_loss_it_logs() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.Adam(model.parameters())
    fast = compiled(model)
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        for i in range(N):
            optimizer.zero_grad()
            loss = loss_of(fast, i)
            loss.backward()
            optimizer.step()
            logged.append(loss.item())
    assert told.losses == logged
    assert None not in told.norms


def test_a_compiled_step_is_seen_every_time() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(1e-3))
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        step = compiled(optimizer.step)
        for i in range(N):
            optimizer.zero_grad()
            loss = loss_of(model, i)
            loss.backward()
            step()
            logged.append(loss.item())
    assert told.losses == logged
    assert None not in told.norms


def test_hooks_do_not_make_a_compiled_step_compile_again() -> None:
    model = small_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(1e-3))

    def graphs(n_steps: int) -> int:
        torch._dynamo.utils.counters.clear()
        step = compiled(optimizer.step)
        for i in range(n_steps):
            optimizer.zero_grad()
            loss_of(model, i).backward()
            step()
        return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])

    alone = graphs(N)
    torch._dynamo.reset()
    with attach(optimizer, run_dir=False, norm_every=1):
        assert graphs(N) == alone


def test_a_compiled_loop_body_tells_the_loss_it_logs() -> None:
    model, told, logged = small_model(), Told(), []
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(1e-3))

    @compiled
    def body(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = ((model(x) - y) ** 2).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss

    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        for i in range(N):
            logged.append(body(*batch(i)).item())
    assert told.losses == logged
    assert None not in told.norms


def test_a_torch_whose_answer_frees_what_it_does_not_own_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older = SimpleNamespace(get_eval_frame_callback=lambda: pytest.fail("asked"))
    monkeypatch.setattr(torch._C._dynamo, "eval_frame", older)
    assert runpy.run_path(str(compiled_module.__file__))["frame_compiler"]() is not None


def test_to_ask_what_compiles_leaves_the_references_of_its_answer_as_they_are() -> None:
    before = sys.getrefcount(None)
    for _ in range(1000):
        compiled_module.frame_compiler()
    assert abs(sys.getrefcount(None) - before) < 500
