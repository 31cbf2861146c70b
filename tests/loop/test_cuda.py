"""On a CUDA device: no synchronisation at a step, and the numbers that the loop itself would log.

Run where there is one, and nowhere else; the queue of test_readback.py stands in for it elsewhere.
"""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from lrwatch import attach
from lrwatch.loop.gradient.grad_norm import grad_norm
from tests.loop.training import Told

N = 200

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture
def no_waiting() -> Iterator[Callable[[], None]]:
    """Makes every synchronisation from its call on an error."""
    yield lambda: torch.cuda.set_sync_debug_mode("error")
    torch.cuda.set_sync_debug_mode("default")


def made(compiled: bool = False) -> tuple[nn.Module, torch.optim.Optimizer, Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 256), nn.GELU(), nn.Linear(256, 64)).cuda()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    if compiled:
        model.compile()
    return model, optimizer, torch.randn(128, 64, device="cuda")


def step(
    model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, *, clip: bool = False
) -> Tensor:
    optimizer.zero_grad()
    with torch.autocast("cuda", torch.bfloat16):
        loss: Tensor = (model(x) - x).float().square().mean()
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.detach()


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_no_step_waits_for_the_device(
    clip: bool, compiled: bool, no_waiting: Callable[[], None]
) -> None:
    model, optimizer, x = made(compiled)
    told, logged = Told(), []
    for _ in range(3):
        step(model, optimizer, x)
    with attach(optimizer, run_dir=False, stderr=False, norm_every=1, sinks=[told]):
        logged.append(step(model, optimizer, x, clip=clip))
        torch.cuda.synchronize()
        no_waiting()
        logged += [step(model, optimizer, x, clip=clip) for _ in range(N)]
        torch.cuda.set_sync_debug_mode("default")
    assert told.losses == [loss.item() for loss in logged]
    assert None not in told.norms


@pytest.mark.parametrize("first", ["cpu", "cuda"])
def test_a_model_that_lies_partly_on_the_host_has_the_norm_of_both_parts(first: str) -> None:
    second = "cuda" if first == "cpu" else "cpu"
    params = [nn.Parameter(torch.zeros(1, device=device)) for device in (first, second)]
    for _ in range(100):
        torch.cuda._sleep(1_000_000)  # the device is behind
        for param, value in zip(params, (3.0, 4.0), strict=True):
            param.grad = torch.full_like(param, value)
        norm = grad_norm(params)
        assert norm is not None
        assert norm.value.item() == 5.0


def test_a_step_in_a_cuda_graph_is_captured_as_without_lrwatch() -> None:
    model, optimizer, x = made()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    stream = torch.cuda.Stream()
    with attach(optimizer, run_dir=False, stderr=False) as watch:
        with torch.cuda.stream(stream):
            for _ in range(3):
                step(model, optimizer, x)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(graph, stream=stream):
            loss: Tensor = (model(x) - x).square().mean()
            loss.backward()
            optimizer.step()
        before = loss.item()
        for _ in range(5):
            graph.replay()
        assert loss.item() < before
        assert watch.n_steps == 3


def test_weights_are_bit_identical_with_and_without() -> None:
    def trained(watched: bool) -> list[Tensor]:
        model, optimizer, x = made()
        watch = attach(optimizer, run_dir=False, stderr=False) if watched else None
        for _ in range(N):
            step(model, optimizer, x)
        if watch is not None:
            watch.close()
        return [p.detach().cpu() for p in model.parameters()]

    assert all(map(torch.equal, trained(True), trained(False)))
