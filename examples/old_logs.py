"""Old logs, judged without training anything: what other tools wrote, in three formats."""

import csv
import json
import math
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

import lrwatch

N_STEPS = 500


def losses(rate: float) -> Iterator[float]:
    """A curve as a run at a fair, a tiny and a hopeless rate leaves it."""
    rng = random.Random(0)
    for step in range(N_STEPS):
        learned = 4.0 * math.exp(-rate * step)
        lost = 3.0 * max(0, step - 200) / 50 if rate > 1 else 0.0
        yield 0.5 + learned + lost + rng.gauss(0, 0.05)


folder = Path(tempfile.mkdtemp())
with (folder / "fair.csv").open("w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["step", "train_loss", "lr"])
    rows.writerows([step, loss, 0.02] for step, loss in enumerate(losses(0.02)))
with (folder / "tiny.jsonl").open("w") as file:
    for step, loss in enumerate(losses(0.0001)):
        print(json.dumps({"step": step, "loss": loss, "grad_norm": 1.0, "lr": 1e-4}), file=file)
with SummaryWriter(str(folder / "hopeless")) as board:
    for step, loss in enumerate(losses(2.0)):
        board.add_scalar("train/loss", loss, step)
        board.add_scalar("lr", 2.0, step)

for path in sorted(folder.iterdir()):
    found = lrwatch.review(path)
    print(f"{path.name}: {found.verdict}")
    for alert in found.alerts:
        print(f"  step {alert.step}: {alert.kind} {alert.state}: {alert.message}")

# In a terminal: lrwatch scan FOLDER, or lrwatch report LOG -o report.html
verdicts = Counter(lrwatch.review(path).verdict for path in folder.iterdir())
print("verdicts:", ", ".join(f"{n} {verdict}" for verdict, n in sorted(verdicts.items())))
