import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrwatch.records import Action, Alert
from lrwatch.sinks.ledger_line import MAX_BYTES, Entry, decode, encode

TEXT = st.text(st.characters(exclude_categories=()), max_size=50)
NUMBER = st.none() | st.floats(allow_nan=False)
WHOLE = st.integers(-(2**40), 2**40)
LINE = encode(
    Alert(kind="stall", severity="info", step=7, onset=1, message='a {"v":1} b', value=2.5),
    time_s=1e9,
    run="ab",
)
ACTION = encode(Action(kind="rewind", step=7, reason="r", to_step=0), time_s=1e9, run="ab")


def steps(line: bytes) -> list[int | None]:
    found = [entry for entry in decode(line)]
    return [e.record.step if e and e.record else None for e in found]


@given(TEXT, TEXT, WHOLE, WHOLE, NUMBER, st.dictionaries(TEXT, NUMBER | st.integers(0, 9)))
def test_any_alert_comes_back(
    message: str,
    advice: str,
    step: int,
    onset: int,
    value: float | None,
    evidence: dict[str, float],
) -> None:
    alert = Alert(
        kind="divergence",
        severity="critical",
        step=step,
        onset=onset,
        message=message,
        advice=advice,
        value=value,
        evidence=evidence,
    )
    line = encode(alert, time_s=1e9, run="r")
    assert line.count(b"\n") == 1
    assert line.isascii()
    (entry,) = decode(line)
    assert entry is not None
    assert entry.record == alert or entry.raw.get("truncated")


def test_any_action_comes_back() -> None:
    action = Action(kind="outcome", step=1, reason="r", helped=None, to_step=0, dry_run=True)
    (entry,) = decode(encode(action, time_s=2.5, run="r"))
    assert entry == Entry(time=2.5, run="r", record=action, raw=entry.raw if entry else {})


@pytest.mark.parametrize("n", range(2, len(LINE) - 1))
def test_a_line_cut_short_anywhere_is_broken_and_nothing_else(n: int) -> None:
    assert steps(LINE[:n]) == [None]


def test_a_flipped_byte_harms_no_other_record() -> None:
    for i in range(len(LINE)):
        flipped = bytearray(LINE + LINE)
        flipped[i] ^= 0x10
        found = [step for part in bytes(flipped).split(b"\n") for step in steps(part)]
        assert found[-1] == 7 or found[-2:] == [7, None]


@given(st.binary(max_size=200))
def test_no_bytes_raise(junk: bytes) -> None:
    assert all(entry is None or isinstance(entry, Entry) for entry in decode(junk))


@pytest.mark.parametrize(
    "junk",
    [
        b"[" * 100_000,
        b'{"v":1,"type":"alert","time":"2026-01-01","step":' + b"9" * 5000 + b"}",
        b'{"v":1,"type":"alert","time":"yesterday","kind":"stall"}',
        b'{"v":1,"type":"alert","time":"2026-01-01T00:00:00Z","kind":"stall"}',
        b'{"v":1,"type":"alert","time":"0001-01-01T00:00:00","step":null}',
        LINE.replace(b'"step":7', b'"step":"7"'),
        LINE.replace(b'"evidence":{}', b'"evidence":7'),
        LINE.replace(b'"evidence":{}', b'"evidence":[1]'),
        LINE.replace(b'"value":2.5', b'"value":[]'),
        LINE.replace(b'"severity":"info"', b'"severity":"fatal"'),
        LINE.replace(b'"severity":"info"', b'"severity":null'),
        LINE.replace(b'"state":"opened"', b'"state":["opened"]'),
        LINE.replace(b'"verdict":null', b'"verdict":"sideways"'),
        LINE.replace(b'"kind":"stall"', b'"kind":null'),
        LINE.replace(b'"advice":""', b'"advice":null'),
        LINE.replace(b'"step":7', b'"step":1' + b"0" * 400),
        LINE.replace(b'"onset":1', b'"onset":-4611686018427387904'),
        LINE.replace(b'"time":"2001-09-09T01:46:40.000Z"', b'"time":"9999-12-31T23:59:59-12:00"'),
        ACTION.replace(b'"reason":"r"', b'"reason":null'),
        ACTION.replace(b'"to_step":0', b'"to_step":1' + b"0" * 400),
        b"7",
        b'"text"',
        b"\xff\xfe{}",
    ],
)
def test_junk_is_broken(junk: bytes) -> None:
    assert junk not in (LINE, ACTION)
    assert steps(junk) == [None]


@pytest.mark.parametrize(
    "line",
    [
        b"\xef\xbb\xbf" + LINE,
        LINE.replace(b"\n", b"\r\n"),
        b"\0" * 4096 + LINE,
        LINE.replace(b'"step":7', b'"step":7,"of a newer lrwatch":[1]'),
    ],
)
def test_what_editors_and_power_cuts_add_is_no_harm(line: bytes) -> None:
    assert steps(line) == [7]


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"\0\0", LINE.replace(b'"alert"', b'"new"'), LINE.replace(b'"v":1', b'"v":2', 1)],
)
def test_what_is_empty_or_newer_is_passed_over(line: bytes) -> None:
    assert steps(line) == []


def test_values_beyond_a_float_are_infinite() -> None:
    (entry,) = decode(LINE.replace(b'"value":2.5', b'"value":1e999'))
    assert entry is not None
    assert isinstance(entry.record, Alert)
    assert entry.record.value == float("inf")


def test_numbers_of_numpy_are_written_as_plain_ones() -> None:
    alert = Alert(
        kind="stall",
        severity="info",
        step=np.int64(7),  # type: ignore[arg-type]
        onset=np.int64(1),  # type: ignore[arg-type]
        message="m",
        value=np.float32(2.5),  # type: ignore[arg-type]
    )
    line = encode(alert, time_s=0, run="r")
    assert b'"step":7,"onset":1' in line
    assert b'"value":2.5' in line
    assert steps(line) == [7]


def test_longest_lines_fit_a_page() -> None:
    alert = Alert(kind="stall", severity="info", step=1, onset=0, message="\x00" * 9999)
    assert len(encode(alert, time_s=0, run="r")) <= MAX_BYTES
