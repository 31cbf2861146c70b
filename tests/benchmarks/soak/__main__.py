"""``make soak``: ten million steps of the core, a million of a training, and storms."""

import argparse

from tests.benchmarks.soak import core, storm, training


def main() -> None:
    """Run what is asked for and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="core|torch|storm")
    parser.add_argument("--share", type=float, default=1.0, help="of the full number of steps")
    chosen = parser.parse_args()
    parts = chosen.parts or ["core", "torch", "storm"]
    if "core" in parts:
        print(core.soak(int(10_000_000 * chosen.share)), flush=True)
    if "torch" in parts:
        print(training.soak(int(1_000_000 * chosen.share)), flush=True)
    if "storm" in parts:
        print("\n".join(storm.soak(int(1_000_000 * chosen.share))), flush=True)


if __name__ == "__main__":
    main()
