"""``make soak``: millions of steps, lines and bytes, thousands of watches, hundreds of kills."""

import argparse
import sys
import time
from collections.abc import Callable

from tests.benchmarks.proof import attaching, resuming
from tests.benchmarks.proof.figure import Figure
from tests.benchmarks.soak import core, following, scanning, storm, training

PARTS: dict[str, tuple[Callable[[int], Figure], int]] = {
    "core": (core.soak, 10_000_000),
    "torch": (training.soak, 1_000_000),
    "storm": (storm.soak, 1_000_000),
    "attach": (attaching.attachments, 10_000),
    "resume": (resuming.cycles, 200),
    "tail": (following.soak, 1_000_000),
    "scan": (scanning.soak, 1 << 30),
}


def main() -> int:
    """Run what is asked for and print a line for each; 1 if one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--share", type=float, default=1.0, help="of the full size")
    chosen = parser.parse_args()
    all_hold = True
    for part in chosen.parts or PARTS:
        soak, size = PARTS[part]
        start_s = time.monotonic()
        figure = soak(max(int(size * chosen.share), 1))
        all_hold &= figure.holds
        took = f"[{time.monotonic() - start_s:.0f} s]"
        print(f"{'holds' if figure.holds else 'FAILS'}  {part}: {figure.text} {took}", flush=True)
    return 0 if all_hold else 1


if __name__ == "__main__":
    sys.exit(main())
