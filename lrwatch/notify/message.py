"""What a notification says, as the services read it; hostile words stay words in all of them."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from lrwatch.records import Action, Alert, to_dict
from lrwatch.sinks.lines import level_word, state_word
from lrwatch.sinks.printable import printable

Service = Literal["json", "slack", "discord"]
SERVICES: tuple[Service, ...] = get_args(Service)

_MAX_TEXT = 1500


def as_object(record: Alert | Action, run: str) -> dict[str, Any]:
    """One alert or action as JSON can hold it: what ``--exec`` reads on stdin.

    >>> as_object(Action(kind="skip", step=3, reason="NaN"), "a")["text"]
    'a: ACT skip at step 3, done: NaN'
    """
    kind = "alert" if isinstance(record, Alert) else "action"
    head = {"v": 1, "type": kind, "run": printable(run, limit=200)}
    return {**head, "text": _text(record, run), **to_dict(record)}


def payload(message: Mapping[str, Any], service: Service, n_left_out: int = 0) -> dict[str, Any]:
    """The body that a service takes; ``n_left_out`` messages before it were not sent.

    Slack's ``<!channel>`` and links, and Discord's ``@everyone``, come to nothing.
    """
    text = str(message.get("text", ""))
    if n_left_out:
        text += f" (and {n_left_out} before it)"
    if service == "slack":
        return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
    if service == "discord":
        return {"content": text, "allowed_mentions": {"parse": []}}
    return {**message, "text": text, "n_left_out": n_left_out}


def _text(record: Alert | Action, run: str) -> str:
    """One line for a person."""
    words = record.message if isinstance(record, Alert) else record.reason
    head = f"{run}: {level_word(record)} {record.kind} at step {record.step}"
    advice = f"; try: {record.advice}" if isinstance(record, Alert) and record.advice else ""
    return printable(f"{head}, {state_word(record)}: {words}{advice}", limit=_MAX_TEXT)
