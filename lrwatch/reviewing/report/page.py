"""The report as a page of HTML that needs nothing else, or as Markdown beside a picture."""

import html
import re
from urllib.parse import quote

from lrwatch.reviewing.report import words
from lrwatch.reviewing.report.deeds import Deed
from lrwatch.reviewing.report.episodes import Episode
from lrwatch.reviewing.report.story import Story
from lrwatch.reviewing.report.svg import COLORS, svg
from lrwatch.sinks.printable import printable

MAX_ROWS = 200
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;color:#222;
background:#fff;max-width:960px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.45rem;margin:0 0 .6rem}h1 small{display:block;font-weight:400;color:#666;
font-size:.95rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:1.6rem 0 .4rem}
svg{max-width:100%;height:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;
border-bottom:1px solid #e3e3e3;overflow-wrap:anywhere}
th{font-weight:600;color:#555;white-space:nowrap}
td.n{white-space:nowrap;font-variant-numeric:tabular-nums}
b.dot{display:inline-block;min-width:1.5em;border-radius:1em;color:#fff;text-align:center}
p.foot,figcaption{color:#666;font-size:.85rem}figure{margin:1rem 0}
@media print{body{margin:0;max-width:none}tr,figure{break-inside:avoid}}
"""
_CAPTION = (
    "The loss, with the band in which it was expected in blue; numbers and dashes mark where a "
    "trouble was told, shades where it lasted; wedges mark actions, filled where they helped, and "
    "the purple line is the rate as applied; red ticks are losses that are NaN or infinite, pale "
    "lines what was written anew after the run went back."
)
_MARKDOWN = re.compile(r"[|`*\[\]()#!~\\@<>&$]|(?<!\w)_|_(?!\w)|:(?=//)|(?<=www)\.")


def as_html(story: Story) -> str:
    """The page; no text of the run becomes markup, and nothing is loaded from anywhere."""
    title = f"{words.headline(story).capitalize()}"
    name, lead = _safe(story.name), _safe(" ".join(words.lead(story)), limit=4000)
    rows = "".join(_html_row(episode) for episode in story.episodes[:MAX_ROWS])
    actions = "".join(
        f'<tr><td class="n">{deed.action.step:,}</td><td class="n">{_safe(deed.action.kind)}</td>'
        f"<td>{_safe(words.done(deed.action))}</td><td>{_safe(words.outcome(deed))}</td></tr>"
        for deed in story.deeds[:MAX_ROWS]
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{name}: {_safe(words.headline(story))}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{_safe(title)}<small>{name}</small></h1><p>{lead}</p>"
        f"<figure>{svg(story)}<figcaption>{_CAPTION}</figcaption></figure>"
        + _html_table("What happened", ("", "steps", "what", "seen, and what to try"), rows)
        + _html_table("What was done", ("step", "action", "why", "what came of it"), actions)
        + _more(story)
        + f'<p class="foot">{_safe(" ".join(words.footing(story)), limit=4000)}</p></body></html>\n'
    )


def _html_table(title: str, head: tuple[str, ...], rows: str) -> str:
    if not rows:
        return ""
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    return f"<h2>{title}</h2><table><tr>{cells}</tr>{rows}</table>"


def _html_row(episode: Episode) -> str:
    alert = episode.worst
    advice = f"<br>To try: {_safe(alert.advice)}" if alert.advice else ""
    dot = f'<b class="dot" style="background:{COLORS[alert.severity]}">{episode.number}</b>'
    return (
        f'<tr><td>{dot}</td><td class="n">{words.when(episode)}</td>'
        f'<td class="n">{_safe(alert.kind)}<br>{alert.severity}</td>'
        f"<td>{_safe(alert.message)}{advice}</td></tr>"
    )


def _more(story: Story) -> str:
    n = max(len(story.episodes), len(story.deeds)) - MAX_ROWS
    return f"<p>and {n:,} more that are not shown.</p>" if n > 0 else ""


def _safe(text: object, *, limit: int = 1000) -> str:
    return html.escape(printable(text, limit=limit))


def as_markdown(story: Story, picture: str) -> str:
    """The same in Markdown, as GitHub and others read it, with the picture at ``picture``."""
    lines = [f"### {_escaped(story.name)}: {words.headline(story)}", ""]
    lines += [_escaped(" ".join(words.lead(story)), limit=4000), ""]
    lines += [f"![loss, gradient norm and rate over the steps]({_link(picture)})", ""]
    if story.episodes:
        lines += ["| | steps | what | seen, and what to try |", "|---:|---|---|---|"]
        lines += [_markdown_row(episode) for episode in story.episodes[:MAX_ROWS]] + [""]
    if story.deeds:
        lines += ["| step | action | why | what came of it |", "|---:|---|---|---|"]
        lines += [_markdown_deed(deed) for deed in story.deeds[:MAX_ROWS]] + [""]
    return "\n".join([*lines, _escaped(" ".join(words.footing(story)), limit=4000), ""])


def _markdown_row(episode: Episode) -> str:
    alert = episode.worst
    advice = f" To try: {alert.advice}" if alert.advice else ""
    what = f"{_escaped(alert.kind)}, {alert.severity}"
    seen = _escaped(f"{alert.message}.{advice}")
    return f"| {episode.number} | {words.when(episode)} | {what} | {seen} |"


def _markdown_deed(deed: Deed) -> str:
    cells = (deed.action.kind, words.done(deed.action), words.outcome(deed))
    return f"| {deed.action.step:,} | " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(text: object, *, limit: int = 1000) -> str:
    """Text of which no Markdown and no HTML can be made; plain words stay readable."""
    return _MARKDOWN.sub(lambda match: f"&#{ord(match[0])};", printable(text, limit=limit))


def _link(name: str) -> str:
    return quote(name)
