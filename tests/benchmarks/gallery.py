"""The example on each page of docs/alerts: ``python -m tests.benchmarks.gallery``.

Trains one small model for each kind of alert, all of them runs of the sweep or of the faults, lets
``lrwatch report`` draw it, and puts the alert's line into the page.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from lrwatch.records import Alert, Kind
from lrwatch.sinks.lines import line
from lrwatch.watcher import Watcher
from tests.benchmarks import judge
from tests.benchmarks.faults.kinds import KINDS
from tests.benchmarks.sweep.training import train
from tests.benchmarks.sweep.workloads import WORKLOADS
from tests.benchmarks.truth import Rows

DOCS = Path("docs")
FOLDER = Path(".bench/gallery")
_EXAMPLE = re.compile(r"(<!-- example: [^>]* -->\n).*?(<!-- end -->)", re.DOTALL)
_STAMP = re.compile(r"^\S+\s+")


@dataclass(frozen=True, slots=True)
class Example:
    """A run that shows one kind of alert.

    Attributes:
        workload: Which of the sweep.
        times: Its rate, as a multiple of the rate in the middle of the sweep.
        fault: A fault that is put in, if any.
        at: The step of the fault.
    """

    workload: str
    times: float
    fault: str | None = None
    at: int = 0


EXAMPLES: dict[Kind, Example] = {
    "overshoot": Example("spiral_mlp/rmsprop", 1.0),
    "oscillation": Example("waves_gru_cycle/adam", 100.0),
    "divergence": Example("glyph_mlp/sgd", 1.0, "rate_x10", 653),
    "stall": Example("glyph_mlp/sgd", 1e-3),
    "non_finite": Example("matrix_factors/sgd", 10.0),
    "exploding_gradient": Example("glyph_mlp/sgd", 1.0, "rate_x10", 653),
    "vanishing_gradient": Example("bandit/adam", 10**1.5),
    "lr_too_high": Example("glyph_cnn/adam", 10**1.5),
    "lr_too_low": Example("friedman_mlp/momentum", 1e-2),
}


def rows_of(example: Example) -> Rows:
    """Train it: loss, gradient norm and rate of every step."""
    (workload,) = (w for w in WORKLOADS if w.key == example.workload)
    disturb = KINDS[example.fault](example.at, 0) if example.fault else None
    return train(workload, seed=0, lr=workload.centre * example.times, before_step=disturb).rows


def alerts_of(rows: Rows) -> list[Alert]:
    """All that a watcher says about it."""
    watcher = Watcher()
    return [alert for step in judge.steps(rows) for alert in watcher.update(step)]


def first_of(kind: Kind, alerts: Sequence[Alert]) -> Alert:
    """The first alert of this kind.

    Raises:
        LookupError: If there is none: the page needs another example.
    """
    for alert in alerts:
        if alert.kind == kind and alert.state == "opened":
            return alert
    raise LookupError(f"the example of {kind} no longer shows it: choose another")


def with_example(page: str, alert: Alert) -> str:
    """The page with this alert as its example, as ``lrwatch tail`` shows it but for the time."""
    shown = _STAMP.sub("", line(alert, time_s=0.0))
    found, n = _EXAMPLE.subn(rf"\g<1>\n```text\n{shown}\n```\n\n\g<2>", page)
    if n != 1:
        raise ValueError("a page needs one place for its example")
    return found


def write(kind: Kind, docs: Path) -> None:
    """Train the example of a kind, draw it, and bring its page up to date."""
    rows = rows_of(EXAMPLES[kind])
    page = docs / "alerts" / f"{kind}.md"
    text = with_example(page.read_text("utf-8"), first_of(kind, alerts_of(rows)))
    draw(kind, rows, docs / "pictures" / f"{kind}.svg")
    page.write_text(text, "utf-8")


def draw(kind: Kind, rows: Rows, path: Path) -> None:
    """The picture that ``lrwatch report`` makes of this run."""
    log = FOLDER / f"{kind}.csv"
    log.parent.mkdir(parents=True, exist_ok=True)
    named = pd.DataFrame(rows, columns=["loss", "grad_norm", "lr"])
    named.to_csv(log, index_label="step")
    command = [sys.executable, "-m", "lrwatch", "report", str(log), "-o", str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Parse the command line and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder of the pages")
    parser.add_argument("--only", nargs="+", default=list(EXAMPLES), help="kinds of alert")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for kind in chosen.only:
        write(kind, chosen.docs)
        print(f"{kind}: {chosen.docs / 'alerts' / kind}.md", flush=True)


if __name__ == "__main__":
    main()
