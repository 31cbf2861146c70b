"""The watcher alone, without PyTorch: numbers from any source, here a loss that goes astray."""

import random

import lrwatch

rng = random.Random(0)
watcher = lrwatch.Watcher()
for step in range(600):
    astray = max(0, step - 400) / 50
    loss = 2 + 8 * (step + 10) ** -0.5 + rng.gauss(0, 0.05 + astray) + astray
    for alert in watcher.update(lrwatch.Step(step=step, loss=loss, lr=0.1)):
        print(f"step {alert.step}: {alert.kind} {alert.state}: {alert.message}")

print("verdict:", watcher.verdict)
