import importlib

import pytest

from lrwatch.records import Action, Alert
from lrwatch.sinks.digest import Digest

HOSTILE = "a | b <script>x</script> [y](javascript:z) `c` **d** ![e](http://f) \x1b[2J\n| g |"


def alert(step: int, **changes: object) -> Alert:
    fields = {"kind": "stall", "severity": "warning", "step": step, "onset": 0, "message": "flat"}
    return Alert(**{**fields, **changes})  # type: ignore[arg-type]


def test_without_alerts_it_says_so() -> None:
    assert Digest().markdown() == "**No alerts so far.**"


def test_newest_is_on_top_and_the_summary_counts() -> None:
    digest = Digest()
    digest.add(alert(5), 0)
    digest.add(Action(kind="backoff", step=6, reason="flat", lr_before=0.2, lr_after=0.1), 0)
    digest.add(alert(9, state="closed", severity="info"), 0)
    summary, table = digest.markdown().split("\n\n")
    assert summary == "**1 alert, 1 action; last: INFO stall at step 9**"
    assert [row.split(" | ")[0] for row in table.splitlines()[2:]] == ["| 9", "| 6", "| 5"]
    assert "0.2<br>to 0.1" in table


def test_what_a_resume_superseded_is_shown_but_not_counted() -> None:
    digest = Digest()
    digest.add(alert(5), 0, superseded=True)
    assert digest.markdown().startswith("**No alerts so far.**")
    assert "superseded" in digest.markdown()
    assert digest.n_opened == 0


def test_it_stays_small() -> None:
    digest = Digest(dict.fromkeys(map(str, range(1000)), "v" * 1000))
    for step in range(1000):
        digest.add(alert(step, message="m" * 10_000), 0)
    assert len(digest.markdown(n_dropped=3)) < 100_000
    assert digest.n_opened == 1000
    assert "3 points are not drawn" in digest.markdown(n_dropped=3)


@pytest.mark.parametrize("field", ["kind", "message", "advice", "state"])
def test_hostile_words_are_shown_as_they_are(field: str) -> None:
    digest = Digest({HOSTILE: HOSTILE})
    digest.add(alert(5, **{field: HOSTILE}), 0)
    markdown = importlib.import_module("markdown").markdown  # the one that TensorBoard uses
    html = markdown(digest.markdown(), extensions=["tables"])
    assert not [tag for tag in ("<script", "<a ", "<img", "<code", "\x1b") if tag in html]
    assert html.count("<tr>") == 4
    assert "&lt;script&gt;" in html
