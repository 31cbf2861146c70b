import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrwatch.sinks.printable import printable

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=300)
BIDI_AND_INVISIBLE = "\u200b\u200e\u202e\u2066\u2069\ufeff\u00ad\U000e0041"


@given(ANYTHING)
def test_nothing_that_moves_a_cursor_or_hides_is_left(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(ANYTHING, st.integers(10, 400))
def test_doing_it_twice_changes_nothing(text: str, limit: int) -> None:
    once = printable(text, limit=limit)
    assert printable(once, limit=limit) == once


@given(ANYTHING, st.integers(10, 400))
def test_length_is_capped(text: str, limit: int) -> None:
    assert len(printable(text, limit=limit)) <= limit


@given(ANYTHING)
def test_result_can_be_encoded(text: str) -> None:
    assert printable(text).encode("utf-8")[:0] == b""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("loss is 1.5 µ — 高い", "loss is 1.5 µ — 高い"),
        ("a\tb\nc\r\nd\x85e\u2028f", "a b c  d e f"),
        ("\x1b]0;title\x07\x1b[2J\x9b31m", "]0;title[2J31m"),
        (f"run{BIDI_AND_INVISIBLE}1", "run1"),
        ("\udc80\x00\x7f", ""),
        (None, "None"),
    ],
)
def test_words_stay_and_controls_go(text: object, shown: str) -> None:
    assert printable(text) == shown


def test_a_long_text_ends_in_dots() -> None:
    assert printable("x" * 100, limit=10) == "xxxxxxx..."
    assert printable("x" * 10, limit=10) == "x" * 10
