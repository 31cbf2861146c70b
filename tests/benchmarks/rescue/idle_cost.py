"""What the back-off adds to a step while nothing happens: ``python -m ...rescue.idle_cost``."""

import statistics
import time

import torch
from torch import nn

import lrwatch

N_STEPS, N_ROUNDS, WIDTH, BATCH = 100, 5, 512, 64


def training(*, backoff: bool | None) -> float:
    """Mean CPU seconds of a step; None: not watched."""
    torch.manual_seed(0)
    model = nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(4)))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    x = torch.randn(BATCH, WIDTH)
    watch = None
    if backoff is not None:
        watch = lrwatch.attach(
            optimizer, model, run_dir=False, backoff=backoff, stderr=False, norm_every=1
        )
    times = []
    for _ in range(N_STEPS):
        started = time.process_time()
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), x).backward()
        optimizer.step()
        times.append(time.process_time() - started)
    if watch is not None:
        watch.close()
    # The mean, so that the steps at which a snapshot is taken count.
    return statistics.fmean(times[10:])


def main() -> None:
    """Alternate between the three, and print what each adds."""
    torch.set_num_threads(1)
    bare, watched, armed = [], [], []
    for _ in range(N_ROUNDS):
        bare.append(training(backoff=None))
        watched.append(training(backoff=False))
        armed.append(training(backoff=True))
    base = min(bare)
    print(f"step {1e3 * base:.2f} ms of CPU time, fastest of {N_ROUNDS} rounds of {N_STEPS} steps")
    for name, times in (("watched", watched), ("with back-off", armed)):
        more = min(times) - base
        print(f"{name:14s} + {1e6 * more:5.0f} us  {more / base:.2%}")


if __name__ == "__main__":
    main()
