"""``make fuzz``: atheris on each target, ten minutes each."""

import argparse
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

SEEDS = Path(__file__).parents[2] / "proof" / "seeds"
FOUND = Path(".bench") / "fuzz"
_DONE = re.compile(r"Done (\d+) (?:runs )?in (\d+)")
_COVERED = re.compile(r"cov: (\d+) ft: (\d+)")


def fuzz(name: str, seconds: int) -> tuple[bool, str]:
    """Fuzz a target in a process of its own; whether it held, and the figures."""
    corpus, crashes = FOUND / name, FOUND / "crashes" / f"{name}-"
    for folder in (corpus, crashes.parent):
        folder.mkdir(parents=True, exist_ok=True)
    words = [f"-max_total_time={seconds}", f"-artifact_prefix={crashes}", "-max_len=4096"]
    words += [str(corpus), str(SEEDS / name)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.fuzz", "--one", name, *words],
        capture_output=True,
        text=True,
        errors="replace",
    )
    told = done.stderr + done.stdout
    n_runs = _DONE.findall(told)
    covered = _COVERED.findall(told)
    held = done.returncode == 0 and bool(n_runs)
    figures = f"{int(n_runs[-1][0]):,} executions in {n_runs[-1][1]} s" if n_runs else told[-2000:]
    coverage = f", {covered[-1][0]} edges, {covered[-1][1]} features" if covered else ""
    return held, f"{name}: {figures}{coverage}, {'no crash' if held else 'CRASH'}"


def one(name: str, words: list[str]) -> None:
    """Fuzz in this process, which ends with it."""
    atheris = import_module("atheris")  # it has an environment of its own, without types
    with atheris.instrument_imports(include=["lrwatch"]):
        for package in ("lrwatch.readers", "lrwatch.sinks"):  # readers are imported when needed
            for module in iter_modules(import_module(package).__path__):
                import_module(f"{package}.{module.name}")
        from tests.benchmarks.fuzz.targets import TARGETS
    atheris.Setup([sys.argv[0], *words], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Fuzz all targets, one after the other; 1 if one breaks."""
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], sys.argv[3:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=["events", "follower", "sanitiser"])
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    chosen = parser.parse_args()
    results = [fuzz(name, chosen.seconds) for name in chosen.targets]
    print("\n".join(words for _, words in results))
    return 0 if all(held for held, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main())
