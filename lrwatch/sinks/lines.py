"""An alert or an action as one line for a person, with columns that stay where they are."""

from datetime import UTC, datetime
from typing import Final

from lrwatch.records import Action, Alert, Severity
from lrwatch.sinks.color import colored
from lrwatch.sinks.printable import printable

LEVEL_WORDS: Final[dict[str, str]] = {"info": "INFO", "warning": "WARN", "critical": "CRIT"}


def utc(time_s: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, to the second; a bar for NaN, unknown.

    >>> utc(1795370531.9)
    '2026-11-22T18:02:11Z'
    """
    if time_s != time_s:
        return f"{'-':<20}"
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def severity_of(record: Alert | Action) -> Severity:
    """How loud a record is; an action is a warning, and a stop is critical."""
    if isinstance(record, Alert):
        return record.severity
    return "critical" if record.kind == "stop" else "warning"


def level_word(record: Alert | Action) -> str:
    """A word for the level of an alert; an action is ``ACT``."""
    if isinstance(record, Action):
        return "ACT"
    return LEVEL_WORDS.get(record.severity, printable(record.severity, limit=4))


def line(record: Alert | Action, *, time_s: float, color: bool = False, of: str = "") -> str:
    """Time, level, kind, step, state, words, rate, advice; without a line break.

    ``of`` is the name of the optimizer, for where there are several.

    >>> line(Action(kind="skip", step=12, reason="the loss is NaN"), time_s=0)
    '1970-01-01T00:00:00Z  ACT   skip                step=12        done     the loss is NaN'
    """
    word = f"{level_word(record):<4}"
    head = [
        utc(time_s),
        colored(word) if color else word,
        f"{printable(record.kind, limit=40):<18}",
        f"{f'step={record.step}':<13}",
        f"{state_word(record):<7}",
    ]
    name = [f"{printable(of, limit=40)}:"] if of else []
    return "  ".join([*head, *name, *_words(record)]).rstrip()


def state_word(record: Alert | Action) -> str:
    """What became of it: the state of an alert; done, dry-run, helped or failed for an action."""
    if isinstance(record, Alert):
        return printable(record.state, limit=7)
    if record.dry_run:
        return "dry-run"
    if record.kind != "outcome":
        return "done"
    return {True: "helped", False: "failed", None: "unknown"}[record.helped]


def _words(record: Alert | Action) -> list[str]:
    if isinstance(record, Action):
        return action_words(record)
    words = [printable(record.message)]
    if record.lr is not None:
        words.append(f"lr={record.lr:.4g}")
    if record.advice:
        words.append(f"try: {printable(record.advice)}")
    return words


def action_words(action: Action) -> list[str]:
    """Why it was done, and what it changed."""
    words = [printable(action.reason)]
    if action.lr_before is not None and action.lr_after is not None:
        before, after = f"{action.lr_before:.4g}", f"{action.lr_after:.4g}"
        words += [f"lr {before}->{after}"] if after != before else []
    if action.to_step is not None:
        words.append(f"to step {action.to_step}")
    return words
