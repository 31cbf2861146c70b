"""A summary: what one line of a scan says about one run."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lrwatch.errors import LrwatchError
from lrwatch.readers.reading import Reading
from lrwatch.readers.remote import reachable
from lrwatch.readers.source import open_log
from lrwatch.records import Alert, Verdict, plain
from lrwatch.reviewing.judging import judge, onset, worst


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One run in a few words.

    Attributes:
        run: Its path.
        format: What wrote its log, in one word; empty if that is not known.
        verdict: Which way the rate is wrong; None where the run could not be read.
        n_steps: How many Steps the log holds, of its last run if it was started anew, or, if they
            are more, the watch of the run judged.
        last_step: Number of the last of them.
        onset: First step of the first trouble that is more than a remark.
        worst: The worst alert.
        n_alerts: How many alerts there are.
        n_damaged: Lines or records of the log that could not be read.
        closed: Whether the watch of the run was closed; None where no watch left a verdict.
        notes: What a reader of the numbers must know.
        error: Why the run could not be read; empty if it could.
        is_empty: Whether it is event files that are sound and hold no number, as hyperparameters
            and the folder above ``add_scalars`` leave them.
    """

    run: str
    format: str = ""
    verdict: Verdict | None = None
    n_steps: int = 0
    last_step: int | None = None
    onset: int | None = None
    worst: Alert | None = None
    n_alerts: int = 0
    n_damaged: int = 0
    closed: bool | None = None
    notes: tuple[str, ...] = ()
    error: str = ""
    is_empty: bool = False

    def as_json(self) -> dict[str, Any]:
        """The fields as strict JSON can hold them, less what only says what to leave out."""
        found: dict[str, Any] = {"v": 1, **plain(asdict(self))}
        del found["is_empty"]
        return found


class EmptyError(LrwatchError):
    """Event files that are sound and hold no number."""


def summarise(path: str | os.PathLike[str], asked: Mapping[str, str | None]) -> Summary:
    """Read and judge one run.

    Raises:
        LrwatchError: If it cannot be read.
    """
    with reachable(path) as place:
        source = open_log(place.path)
        if source.format == "tensorboard" and not source.counts and not source.damage.n_bad:
            raise EmptyError(f"{path}: its event files hold no numbers")
        return _summary(path, Reading(source, asked))


def _summary(path: str | os.PathLike[str], reading: Reading) -> Summary:
    judged = judge(reading)
    return Summary(
        run=os.fspath(path),
        format=reading.format,
        verdict=judged.verdict,
        n_steps=judged.n_steps,
        last_step=judged.last_step,
        onset=onset(judged.alerts),
        worst=worst(judged.alerts),
        n_alerts=sum(alert.state == "opened" for alert in judged.alerts),
        n_damaged=reading.n_damaged,
        closed=judged.closed,
        notes=reading.notes + judged.notes,
    )


def summary_or_error(path: str, asked: Mapping[str, str | None]) -> Summary:
    """As :func:`summarise`; one run that cannot be read must not hide a thousand others."""
    try:
        return summarise(path, asked)
    except EmptyError as error:
        return Summary(run=path, error=str(error).removeprefix(f"{path}: "), is_empty=True)
    except (LrwatchError, OSError) as error:
        return Summary(run=path, error=str(error).removeprefix(f"{path}: "))
    except Exception as error:  # a defect of ours, in one file: told with its run, like the rest
        return Summary(run=path, error=f"{type(error).__name__}: {error}")
