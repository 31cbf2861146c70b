"""Rows 32 and 33: hostile words on a terminal, in pages, in a job's summary and in messages."""

import html
import os
import pty
import random
import re
import subprocess
import sys
import tempfile
import threading
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from lrwatch.notify.message import as_object, payload
from lrwatch.records import Alert
from lrwatch.sinks.digest import Digest
from lrwatch.sinks.ledger import Ledger
from tests.benchmarks.proof.figure import Figure, together

ROOT = Path(__file__).parents[3]
# A colour and its end; a bar of progress, which hides the cursor and goes back in its line.
_OURS = re.compile(r"\x1b\[[\d;]*m|\r?\x1b\[\?25[lh]|\x1b\[K|\r(?=\w+  \[)")
_BAD = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_ESCAPES = (
    "\x1b[2J", "\x1b]0;owned\x07", "\x1b]52;c;b3duZWQ=\x07", "\x1b]8;;http://evil\x1b\\link",
    "\x9b31m", "\x9d0;x\x9c", "\x1bP+q\x1b\\", "\x1b[?1049h", "\r", "\b\b", "\x00", "\x7f",
    "\u202e", "\u2066", "\u200b", "\ufeff", "\ud800", "\u2028", "[/red]", "[link=x]",
)  # fmt: skip
_MARKUP = (
    "<script>fetch('http://evil')</script>", "<img src=x onerror=alert(1)>", "<!channel>",
    "@everyone", "](javascript:alert(1))", "![x](http://evil)", "|", "`", "\n::error::owned",
    "&lt;b&gt;", "<http://evil|click>", '" onload="x', "</td></table>", "=cmd()", "{{7*7}}",
)  # fmt: skip


def corpus(n: int, parts: tuple[str, ...], seed: int = 0) -> list[str]:
    """``n`` texts of a few hostile parts each, with harmless words between."""
    rng = random.Random(seed)
    return [
        " ".join(rng.choice((*parts, "loss", "rose")) for _ in range(rng.randint(1, 6)))
        for _ in range(n)
    ]


def _alerts(texts: list[Any]) -> list[Alert]:
    """A ledger may hold any word where lrwatch writes one of a few."""
    return [
        Alert(kind=x, severity="critical", step=i, onset=0, message=x, advice=x, state=x)
        for i, x in enumerate(texts)
    ]


def terminal(n: int) -> Figure:
    """Row 32: every command on a terminal, over a run, a log and names that are hostile."""
    n_bytes, found, silent = 0, list[str](), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        for words in _commands(Path(folder), corpus(n, _ESCAPES)):
            shown = _on_a_terminal(words, Path(folder))
            n_bytes += len(shown)
            rest = _OURS.sub("", shown).replace("\r\n", "").replace("\t", "")
            if any(unicodedata.category(c) in _BAD for c in rest):
                found.append(words[0])
            if not shown:
                silent.append(words[0])
    text = f"{n:,} hostile texts, {n_bytes:,} characters shown: commands that let one through: "
    return Figure(f"{text}{len(found)} {found}", not found and not silent)


def _commands(folder: Path, texts: list[str]) -> list[list[str]]:
    run = folder / "run \x1b[2J\u202e"
    ledger = Ledger(run / "lrwatch" / "alerts.jsonl")
    for alert in _alerts(texts):
        ledger.write(alert)
    log = folder / "log\x1b]0;x\x07.csv"
    header = ",".join(["step", "loss", *(re.sub(r"[,\n\r\x00\ud800]", "", t) for t in texts[:20])])
    rows = [",".join(["1", "2", *["3"] * 20]) for _ in range(9)]
    log.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8", errors="replace")
    missing = str(folder / "none\x1b[2J\u202e")
    return [
        ["tail", "-n", "100000", str(run)],
        ["tail", "--json", "-n", "100000", str(run)],
        ["tail", missing],
        ["tail", "--level", "\x1b[2J", str(run)],
        ["tail", "--\x1b[2J", str(run)],
        ["\x1b[2J\u202e"],
        *([name, str(path)] for name in ("scan", "check", "tags") for path in (run, log, missing)),
        ["scan", "--json", str(folder)],
        ["scan", "--csv", str(folder)],
        ["check", "--format", "github", str(run)],
        ["check", "--format", "json", str(run)],
        ["live", "--once", str(run), str(log)],
        ["report", "-o", str(folder / "r.html"), missing],
        ["disarm", missing],
        ["find", missing],
        ["run", missing],
        *([name, "--help"] for name in ("tail", "scan", "check", "live", "report", "run", "find")),
    ]


def _on_a_terminal(words: list[str], folder: Path) -> str:
    """What a command prints on a terminal."""
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def drain() -> None:
        try:
            while data := os.read(ours, 1 << 16):
                shown.append(data)
        except OSError:  # the other side is closed
            return

    reader = threading.Thread(target=drain)
    environ = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "lrwatch", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environ,
    )
    os.close(theirs)
    reader.start()
    process.wait()
    reader.join()
    os.close(ours)
    return b"".join(shown).decode("utf-8", "replace")


class _Tags(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of one."""
        self.found += [tag, *(name for name, _ in attrs)]


def _tags(page: str) -> set[str]:
    parser = _Tags()
    parser.feed(page)
    return set(parser.found)


def markup(n: int) -> Figure:
    """Row 33: pages and messages about hostile words have the same markup as about harmless."""
    texts = corpus(n, _MARKUP)
    digest = Digest()
    n_called = 0
    for alert, text in zip(_alerts(texts), texts, strict=True):
        digest.add(alert, 0.0)
        slack = payload(as_object(alert, text), "slack")["text"]
        n_called += "<" in slack or ">" in slack
        n_called += payload(as_object(alert, text), "discord")["allowed_mentions"] != {"parse": []}
    escaped = digest.markdown().replace("<br>", "")
    n_links = len(re.findall(r"(?<!\\)[<`]|(?<!\\)\]\(", escaped))
    pages = [_report(texts, kind) for kind in ("html", "md")]
    plain = [_report(["loss rose"], kind) for kind in ("html", "md")]
    extra = [sorted(_tags(page) - _tags(same)) for page, same in zip(pages, plain, strict=True)]
    requests = [u for p in pages for u in re.findall(r'(?:src|href)="(https?://[^"]*)"', p)]
    led = [line for line in _checked(texts).splitlines() if line.startswith("::error::owned")]
    return together(
        Figure(f"{n:,} hostile texts: {n_called} call somebody in Slack or Discord", not n_called),
        Figure(f"{n_links} tags or links in the digest", not n_links),
        Figure(f"{sum(map(len, extra))} tags of theirs in reports {extra}", not any(extra)),
        Figure(f"{len(requests)} addresses to load", not requests),
        Figure(f"{len(led)} commands to GitHub", not led),
    )


def _run(folder: Path, texts: list[str]) -> Path:
    ledger = Ledger(folder / "run" / "lrwatch" / "alerts.jsonl")
    for i, text in enumerate(texts):
        ledger.write(
            Alert(
                kind="divergence", severity="critical", step=i, onset=0, message=text, advice=text
            )
        )
    return folder / "run"


def _report(texts: list[str], kind: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        run, output = _run(Path(folder), texts), Path(folder) / f"report.{kind}"
        _on_a_terminal(["report", "-o", str(output), "--title", texts[0], str(run)], Path(folder))
        return output.read_text(encoding="utf-8")


def _checked(texts: list[str]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        words = ["check", "--format", "github", str(_run(Path(folder), texts))]
        return html.unescape(_on_a_terminal(words, Path(folder)))
