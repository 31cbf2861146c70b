"""A process that trains under one way of watching: a line in, a stretch, a line out."""

import json
import os
import sys
import tempfile
from pathlib import Path

import torch

from tests.benchmarks.overhead.loops import WORKLOADS, Loop


def main() -> None:
    """Serve until the input ends. What libraries print goes to stderr."""
    way, size = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        loop = Loop(way, WORKLOADS[size], Path(folder))
        for _ in sys.stdin:
            answers.write(json.dumps(loop.stretch().as_dict()) + "\n")
            answers.flush()
        loop.close()


if __name__ == "__main__":
    main()
