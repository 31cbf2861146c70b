"""Places: the folders that TensorBoard was pointed at, and what a run in them is called."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from lrwatch.sinks.printable import printable

_REMOTE = "://"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with runs.

    Attributes:
        path: The folder, absolute.
        group: Name that the user gave it, empty if none.
    """

    path: Path
    group: str = ""

    def name_of(self, run: str) -> str:
        """What TensorBoard calls a run at or below the place, made safe to show.

        >>> Place(Path("/logs")).name_of("/logs/tuesday/1")
        'tuesday/1'
        """
        below = os.path.relpath(run, self.path)
        parts = [self.group] if self.group else []
        parts += [below] if below != os.curdir or not parts else []
        return printable("/".join(parts).replace(os.sep, "/"), limit=300)


def places_of(logdir: str | None, logdir_spec: str | None = None) -> tuple[Place, ...]:
    """The local folders that ``--logdir`` or ``--logdir_spec`` name.

    >>> [place.group for place in places_of(None, "a:/runs/1,/runs/2")]
    ['a', '']
    """
    if logdir:
        return () if _REMOTE in logdir else (Place(_absolute(logdir)),)
    found = []
    for part in (logdir_spec or "").split(","):
        if not part or _REMOTE in part:
            continue
        group, colon, path = part.partition(":")
        is_named = bool(colon) and not group.startswith(("/", "~", "."))
        found.append(Place(_absolute(path), group) if is_named else Place(_absolute(part)))
    return tuple(found)


def id_of(run: str) -> str:
    """A short name for a run that survives an address, whatever bytes its path is made of."""
    return hashlib.blake2b(os.fsencode(run), digest_size=8).hexdigest()


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))
