"""Score a watcher on labelled logs of real runs: ``python -m tests.benchmarks.real_logs FOLDER``.

The folder holds ``runs/*.csv`` (step, loss, grad_norm, lr; empty where absent), ``index.csv`` and
``labels.csv``. Only labels of high confidence count, and only alerts of warning or critical.
"""

import argparse
import csv
import json
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrwatch.records import Step, plain
from lrwatch.watcher import Watcher
from tests.benchmarks.judge import ALARMING

UNSEEN = ("random", "all")


@dataclass(frozen=True, slots=True)
class Log:
    """One labelled log.

    Attributes:
        run_id: Its name.
        labels: What it shows; ``("healthy",)`` if nothing.
        onset: Number of the point at which the trouble begins, None where none is labelled.
        selection: How it came to be chosen: a healthy one that was chosen for its curve proves
            little.
        steps: Its points.
    """

    run_id: str
    labels: tuple[str, ...]
    onset: int | None
    selection: str
    steps: tuple[Step, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.labels[0].startswith("healthy")


@dataclass(slots=True)
class RealScore:
    """The figures over all logs; ``missed``, ``accused`` and ``too_early`` name the runs."""

    n_healthy: int = 0
    n_alerts: int = 0
    n_points: int = 0
    n_trouble: int = 0
    accused: list[str] = field(default_factory=list)
    too_early: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    caught: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    delays: list[int] = field(default_factory=list)

    def add(self, log: Log, points: Sequence[int]) -> None:
        """Count one log with the points at which there were alerts."""
        if log.healthy:
            if log.selection in UNSEEN:
                self.n_healthy += 1
                self.n_points += len(log.steps)
                self.n_alerts += len(points)
                self.accused += [log.run_id] if points else []
        elif log.onset is not None:
            self._add_trouble(log, log.onset, points)

    def _add_trouble(self, log: Log, onset: int, points: Sequence[int]) -> None:
        earliest = onset - max(5, 0.02 * len(log.steps))
        hits = [point for point in points if point >= earliest]
        self.n_trouble += 1
        self.too_early += [log.run_id] if len(hits) < len(points) else []
        self.missed += [] if hits else [f"{log.run_id} ({', '.join(log.labels)})"]
        self.delays += [hits[0] - onset] if hits else []
        for name in log.labels:
            self.caught[name][0] += bool(hits)
            self.caught[name][1] += 1


def read_steps(path: Path) -> tuple[Step, ...]:
    """The points of a log; an empty field is absent, ``nan`` is a value."""
    with path.open(newline="") as lines:
        return tuple(
            Step(
                step=int(float(row["step"])),
                loss=_number(row["loss"]),
                grad_norm=_number(row["grad_norm"]),
                lr=_number(row["lr"]),
            )
            for row in csv.DictReader(lines)
        )


def _number(text: str) -> float | None:
    return float(text) if text else None


def load(runs: Path, index: Path, labels: Path) -> Iterator[Log]:
    """The logs with a label of high confidence."""
    selections = {row["run_id"]: row["selection"] for row in _rows(index)}
    for row in _rows(labels):
        if row["confidence"] != "high" or row["run_id"] not in selections:
            continue
        steps = read_steps(runs / f"{row['run_id']}.csv")
        named = row["label"].replace(" ", "")
        for mark in "+,;":
            named = named.replace(mark, "|")
        onset = _number(row["onset_step"])
        point = None if onset is None else bisect_left([s.step for s in steps], onset)
        yield Log(row["run_id"], tuple(named.split("|")), point, selections[row["run_id"]], steps)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def alarms(steps: Sequence[Step]) -> list[int]:
    """Numbers of the points at which a fresh watcher warns, once for each alert."""
    watcher = Watcher()
    return [
        point
        for point, step in enumerate(steps)
        for alert in watcher.update(step)
        if alert.severity in ALARMING and alert.state != "closed"
    ]


def summary(s: RealScore) -> dict[str, Any]:
    """The figures as strict JSON can hold them."""
    delay = sorted(s.delays)[(len(s.delays) - 1) // 2] if s.delays else math.nan
    found: dict[str, Any] = plain(
        {
            "healthy": s.n_healthy,
            "accused": len(s.accused),
            "alerts_per_10k_points": 1e4 * s.n_alerts / max(s.n_points, 1),
            "trouble": s.n_trouble,
            "too_early": len(s.too_early),
            "caught": {name: f"{a} of {b}" for name, (a, b) in sorted(s.caught.items())},
            "median_delay_points": delay,
        }
    )
    return found


def main() -> None:
    """Parse the command line and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with runs/, index.csv and labels.csv")
    parser.add_argument("--runs", type=Path, help="another folder of runs")
    parser.add_argument("--index", type=Path, help="another index.csv")
    parser.add_argument("--labels", type=Path, help="another labels.csv")
    parser.add_argument("--json", action="store_true", help="only the figures, as JSON")
    chosen = parser.parse_args()
    score, folder = RealScore(), chosen.folder
    runs, index = chosen.runs or folder / "runs", chosen.index or folder / "index.csv"
    for log in load(runs, index, chosen.labels or folder / "labels.csv"):
        score.add(log, alarms(log.steps))
    if chosen.json:
        print(json.dumps(summary(score)))
        return
    for name, value in summary(score).items():
        print(f"{name:22s} {value}")
    for title, named in (
        ("Accused", score.accused),
        ("Too early", score.too_early),
        ("Missed", score.missed),
    ):
        print(f"\n{title}:", *named, sep="\n  ")


if __name__ == "__main__":
    main()
