"""Row 37: two ranks of which one meets a NaN: what each does, step by step."""

import tempfile
from pathlib import Path

from tests.benchmarks.proof.figure import Figure, all_of, together
from tests.ranks.job import run_job

_SCENARIOS = ("ddp_acts", "fsdp_acts")


def ranks() -> Figure:
    """Row 37: actions, alerts and weights of both ranks, under DDP and FSDP."""
    with tempfile.TemporaryDirectory() as folder:
        job = run_job(Path(folder), "tests.ranks.scenarios", *_SCENARIOS, n_ranks=2)
    n = n_alike = n_same = 0
    for scenario in _SCENARIOS:
        first, *others = (found[scenario] for found in job.found)
        n += len(first["actions"])
        for other in others:
            n_alike += sum(map(list.__eq__, first["actions"], other["actions"]))
        n_same += all(first["weights"] == other["weights"] for other in others)
    return together(
        Figure(f"the job of two ranks ended with code {job.code}", job.code == 0),
        all_of(n_alike, n, "actions alike: what, at which step, to which rate"),
        all_of(n_same, len(_SCENARIOS), "jobs whose ranks end with the same weights"),
    )
