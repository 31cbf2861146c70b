"""Runs that were done before: those of the back-off count only while its code is the same."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.rescue.runs import Ended

ROOT = Path(__file__).parents[3]
PARTS = ("policy", "control", "loop", "detectors", "stats", "watcher.py", "records.py")


def code_version() -> str:
    """A name for the present code of everything that decides or acts."""
    found = hashlib.sha256()
    for part in PARTS:
        path = ROOT / "lrwatch" / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()[:12]


class Store:
    """A file with a line a run.

    Args:
        path: The file; made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._done: dict[str, Ended] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                found = json.loads(line)
                key, story = found.pop("key"), tuple(found.pop("story"))
                self._done[key] = Ended(story=story, **found)

    def get(self, key: str, run: Callable[[], Ended]) -> Ended:
        """The run of that name; done now if it was not."""
        if key not in self._done:
            ended = self._done[key] = run()
            with self._path.open("a") as lines:
                lines.write(json.dumps({"key": key, **asdict(ended)}) + "\n")
        return self._done[key]
