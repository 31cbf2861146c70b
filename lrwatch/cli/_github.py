"""GitHub Actions: alerts as annotations of a job, and as a table in its summary."""

import html
import os
from collections.abc import Iterable, Mapping

from lrwatch.records import Alert
from lrwatch.sinks.printable import printable

_COMMANDS = {"info": "notice", "warning": "warning", "critical": "error"}
_VARIABLE = "GITHUB_STEP_SUMMARY"


def annotation(level: str, title: str, text: str) -> str:
    """A command of the runner; the escapes are those of its own toolkit."""
    return f"::{level} title={_property(title)}::{_data(text)}"


def annotations(run: str, verdict: str, words: Iterable[tuple[Alert, str]]) -> list[str]:
    """A notice with the verdict, and one annotation an alert."""
    lines = [annotation("notice", "lrwatch", f"{run}: {verdict}")]
    for alert, text in words:
        level = _COMMANDS[alert.severity]
        lines.append(annotation(level, f"lrwatch: {alert.kind}", f"{run}: {text}"))
    return lines


def write_summary(
    run: str, verdict: str, alerts: Iterable[Alert], environ: Mapping[str, str] = os.environ
) -> None:
    """Append a table to the summary of the job; nothing where no job is running."""
    path = environ.get(_VARIABLE)
    if not path:
        return
    rows = [
        f"| {alert.severity} | {_cell(alert.kind)} | {alert.onset:,} "
        f"| {_cell(alert.message)} | {_cell(alert.advice)} |"
        for alert in alerts
    ]
    head = ["| level | what | from step | seen | to try |", "|---|---|---:|---|---|"]
    table = [*head, *rows] if rows else ["No alerts."]
    with open(path, "a", encoding="utf-8") as file:
        file.write("\n".join([f"### lrwatch: {_cell(run)}: {verdict}", "", *table, "", ""]))


def _cell(text: str) -> str:
    """Text that no Markdown and no HTML can come from."""
    safe = html.escape(printable(text))
    return "".join(f"&#{ord(char)};" if char in "|`*_[]()#!~\\@:" else char for char in safe)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")
