"""Rows 12, 13, 15, 38 and 39: workers, copies, graphs, threads, the collector of garbage."""

import copy
import gc
import io
import pickle
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset

from lrwatch import Watch, attach
from tests.benchmarks.proof.figure import Figure, all_of
from tests.benchmarks.soak.resources import Held

_N_TOUCHES = 1000


class Touching(Dataset[Tensor]):
    """A data set that holds the watch, and touches it a thousand times an item."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> Tensor:
        for _ in range(_N_TOUCHES):
            self.watch.observe(0.0)
        assert self.watch.alerts == []
        return torch.full((2,), float(index))


def made() -> tuple[nn.Module, Optimizer]:
    """A model and its optimizer."""
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    return model, torch.optim.Adam(model.parameters(), lr=0.01)


def step(model: Any, optimizer: Optimizer, x: Tensor) -> None:
    """One step of a training."""
    optimizer.zero_grad()
    model(x).square().mean().backward()
    optimizer.step()


def workers(ways: Sequence[str] = ("fork", "spawn", "forkserver")) -> Figure:
    """Row 12: DataLoader workers that touch the watch of their parent."""
    n_right = 0
    for way in ways:
        model, optimizer = made()
        quiet = warnings.catch_warnings(action="ignore", category=DeprecationWarning)
        with quiet, attach(optimizer, model, run_dir=False, stderr=False) as watch:
            data = DataLoader(
                Touching(watch),
                batch_size=2,
                num_workers=2,
                multiprocessing_context=way,
                timeout=120,
            )
            seen = []
            for x in data:
                step(model, optimizer, x)
                seen.append(x.mean().item())
            n_right += seen == [0.5, 2.5, 4.5, 6.5] and watch.n_steps == 4
    return all_of(n_right, len(ways), f"ways to start workers without a hang ({', '.join(ways)})")


def _saved(value: Any) -> Any:
    file = io.BytesIO()
    torch.save(value, file)
    return torch.load(io.BytesIO(file.getvalue()), weights_only=False)


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy.deepcopy": copy.deepcopy,
    "copy.copy": copy.copy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "torch.save": _saved,
}


def copies() -> Figure:
    """Row 13: everything that a user may copy, with and without the back-off's hooks on it."""
    n = n_good = 0
    misses: list[str] = []
    for backoff in (False, True):
        model, optimizer = made()
        with attach(optimizer, model, run_dir=False, stderr=False, backoff=backoff) as watch:
            step(model, optimizer, torch.ones(4, 2))
            for name, value in _values(model, optimizer, watch).items():
                for way, copied in COPIES.items():
                    n += 1
                    try:
                        good = _is_good(value, copied(value), watch)
                    except Exception as error:
                        good = False
                        way += f" ({error!r:.80})"
                    n_good += good
                    misses += [] if good else [f"{way} of {name}"]
    return all_of(n_good, n, "copies that work and are not watched", misses)


def _values(model: nn.Module, optimizer: Optimizer, watch: Watch) -> dict[str, Any]:
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 5)
    return {
        "the model": model,
        "the optimizer": optimizer,
        "both": (model, optimizer),
        "the schedule": schedule,
        "an average of the model": AveragedModel(model),
        "a compiled model": torch.compile(model, backend="eager"),
        "a scaler": torch.amp.GradScaler("cpu"),
        "the watch": watch,
        "a data set that holds the watch": Touching(watch),
        "a function of torch that is wrapped": torch.nn.utils.clip_grad_value_,
        "states": (model.state_dict(), optimizer.state_dict(), schedule.state_dict()),
    }


def _is_good(value: Any, copied: Any, watch: Watch) -> bool:
    """The copy trains without the watch hearing of it, and its states are the same bytes."""
    parts = copied if isinstance(copied, tuple) else (copied,)
    given = value if isinstance(value, tuple) else (value,)
    for old, new in zip(given, parts, strict=True):
        if isinstance(new, Optimizer) and new is not old:
            before = watch.n_steps
            new.step()
            if watch.n_steps != before:
                return False
        elif isinstance(new, nn.Module) and _bytes(old.state_dict()) != _bytes(new.state_dict()):
            return False
    return True


def _bytes(state: Any) -> bytes:
    file = io.BytesIO()
    torch.save({name: value.clone() for name, value in state.items()}, file)
    return file.getvalue()


def graphs(n: int) -> Figure:
    """Row 15: ``n`` losses that carry their graph, said by hand."""
    model, optimizer = made()
    x = torch.randn(256, 2)
    with attach(optimizer, run_dir=False, stderr=False) as watch:
        for i in range(n + n // 10):
            if i == n // 10:
                start = Held.now()
            optimizer.zero_grad()
            loss = model(x).square().mean()
            loss.backward()
            watch.observe(loss)
            optimizer.step()
        end = Held.now()
    return Figure(
        f"{n:,} losses with their graphs: {end.grown(start)}", end.rss - start.rss < 2**20
    )


def threads(n_threads: int, n_steps: int) -> Figure:
    """Row 38: trainings side by side, each in a thread, with a watch each."""
    counts: list[int] = []

    def train() -> None:
        weight = nn.Parameter(torch.ones(2))
        optimizer = torch.optim.SGD([weight], lr=1e-6)
        with attach(optimizer, run_dir=False, stderr=False) as watch:
            for _ in range(n_steps):
                optimizer.zero_grad()
                weight.square().sum().backward()
                optimizer.step()
            watch.flush()
            counts.append(watch.n_steps)

    running = [threading.Thread(target=train) for _ in range(n_threads)]
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # more changes of thread, and fewer waits for one, than by default
    try:
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
    finally:
        sys.setswitchinterval(interval_s)
    return all_of(sum(counts), n_threads * n_steps, f"steps counted in {n_threads} threads")


def collected(n: int) -> Figure:
    """Row 39: the collector of garbage runs at nearly every allocation."""
    model, optimizer = made()
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        with redirect_stderr(io.StringIO()), attach(optimizer, model, run_dir=False) as watch:
            for i in range(n):
                step(model, optimizer, torch.full((4, 2), float("nan") if i == n // 2 else 1.0))
            n_alerts = len(watch.alerts)
    finally:
        gc.set_threshold(*threshold)
    return Figure(f"{n} steps without a deadlock, {n_alerts} alerts", n_alerts > 0)
