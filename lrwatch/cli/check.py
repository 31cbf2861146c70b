"""``lrwatch check``: one run that is over as a gate for CI and job scripts."""

import json
from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from lrwatch.cli import _github as _github_actions
from lrwatch.cli._columns import asked, column_options
from lrwatch.cli._notified import Notified, notify_options
from lrwatch.cli._params import Place
from lrwatch.cli._readable import readable
from lrwatch.records import SEVERITIES, Alert, to_dict
from lrwatch.sinks.lines import LEVEL_WORDS
from lrwatch.sinks.printable import printable

if TYPE_CHECKING:
    from lrwatch.readers.reading import Reading
    from lrwatch.reviewing.judging import Judgement

_CODES = {"warning": 10, "critical": 20}

EXAMPLES = """\b
Exit code: 0 where nothing that bad was found, 10 after a warning, 20 after a critical alert,
3 if the run cannot be read.

\b
Examples:
  lrwatch check runs/today || echo "look at it"
  lrwatch check --fail-on warning --format github runs/today
  lrwatch check --webhook runs/today          only a check that fails is told
"""


@click.command(epilog=EXAMPLES)
@click.argument("run", type=Place(readable=False))
@click.option(
    "--fail-on",
    type=click.Choice(list(_CODES)),
    default="critical",
    show_default=True,
    help="The least severe alert that fails the check.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Lines for people, one JSON object, or commands of GitHub Actions.",
)
@click.option("--step-summary", is_flag=True, help="Add a table to the summary of the GitHub job.")
@notify_options
@column_options
def command(
    run: str,
    fail_on: str,
    form: str,
    step_summary: bool,
    program: str | None,
    webhook: bool,
    **columns: Any,
) -> int:
    """Judge RUN; fail if it is in trouble."""
    from lrwatch.readers.reading import Reading
    from lrwatch.readers.remote import reachable
    from lrwatch.readers.source import open_log
    from lrwatch.reviewing.judging import judge

    with ExitStack() as stack:
        notified = Notified(stack, program=program, webhook=webhook)
        with readable(), reachable(run) as place:
            reading = Reading(open_log(place.path), asked(columns))
            reading.name = place.named(reading.path)
            judged = judge(reading)
        alerts = _last_words(judged.alerts)
        for line in _FORMS[form](reading, judged, alerts):
            click.echo(line)
        if step_summary:
            _github_actions.write_summary(reading.name, judged.verdict, alerts)
        code = _code(alerts, fail_on)
        if code:
            notified.send({**_object(reading, judged, alerts), "text": _told(reading, alerts)})
    return code


def _last_words(alerts: Iterable[Alert]) -> list[Alert]:
    """The alerts, of one that was raised only the higher severity."""
    found = {(a.kind, a.onset): a for a in alerts if a.state != "closed"}
    return list(found.values())


def _told(reading: "Reading", alerts: list[Alert]) -> str:
    """The line that a notification shows: the worst alert."""
    worst = max(alerts, key=lambda alert: SEVERITIES.index(alert.severity))
    return printable(f"{reading.name}: {LEVEL_WORDS[worst.severity]} {_words(worst)}", limit=1500)


def _code(alerts: list[Alert], fail_on: str) -> int:
    ranks = [SEVERITIES.index(alert.severity) for alert in alerts]
    rank = max(ranks, default=0)
    failed = rank >= [str(severity) for severity in SEVERITIES].index(fail_on)
    return _CODES[SEVERITIES[rank]] if failed else 0


def _text(reading: "Reading", judged: "Judgement", alerts: list[Alert]) -> list[str]:
    steps = f"{judged.n_steps:,} steps"
    head = f"{printable(reading.name)}: {judged.verdict} ({reading.format}, {steps})"
    notes = [f"  note  {note}" for note in reading.notes + judged.notes]
    return [head, *notes, *(f"  {LEVEL_WORDS[a.severity]}  {_words(a)}" for a in alerts)]


def _words(alert: Alert) -> str:
    advice = f"; try: {alert.advice}" if alert.advice else ""
    return printable(f"{alert.kind} from step {alert.onset}: {alert.message}{advice}", limit=1000)


def _json(reading: "Reading", judged: "Judgement", alerts: list[Alert]) -> list[str]:
    found = _object(reading, judged, alerts)
    return [json.dumps(found, allow_nan=False, separators=(",", ":"))]


def _object(reading: "Reading", judged: "Judgement", alerts: list[Alert]) -> dict[str, Any]:
    return {
        "v": 1,
        "run": reading.name,
        "format": reading.format,
        "verdict": judged.verdict,
        "n_steps": judged.n_steps,
        "last_step": judged.last_step,
        "closed": judged.closed,
        "alerts": [to_dict(alert) for alert in alerts],
    }


def _github(reading: "Reading", judged: "Judgement", alerts: list[Alert]) -> list[str]:
    run = printable(reading.name)
    return _github_actions.annotations(run, judged.verdict, [(a, _words(a)) for a in alerts])


_FORMS = {"text": _text, "json": _json, "github": _github}
