import json
import math

import pytest

from lrwatch.stats.recent import Recent
from lrwatch.stats.state import Stateful


class Inner(Stateful):
    def __init__(self) -> None:
        self.count = 0


class Thing(Stateful):
    SETTINGS = ("_limit",)

    def __init__(self, limit: float = 1.0) -> None:
        self._limit = limit
        self.value: float | None = math.nan
        self.word: str | None = None
        self.table = [[1.0, math.inf], [-math.inf, 2.0]]
        self.inner = Inner()


def test_state_is_strict_json_and_comes_back_as_it_was() -> None:
    thing, other = Thing(), Thing()
    thing.word, thing.inner.count = "warning", 7
    other.load_state_dict(json.loads(json.dumps(thing.state_dict(), allow_nan=False)))
    assert other.value is not None
    assert math.isnan(other.value)
    assert (other.word, other.inner.count) == ("warning", 7)
    assert other.table == [[1.0, math.inf], [-math.inf, 2.0]]


def test_non_finite_numbers_are_written_as_words() -> None:
    state = Thing().state_dict()
    assert state["value"] == "NaN"
    assert state["table"] == [[1.0, "Infinity"], ["-Infinity", 2.0]]


def test_settings_are_not_state() -> None:
    state = Thing(limit=5.0).state_dict()
    assert "_limit" not in state
    other = Thing(limit=9.0)
    other.load_state_dict(state)
    assert other._limit == 9.0


def test_state_is_a_copy_in_both_directions() -> None:
    thing = Thing()
    state = thing.state_dict()
    state["table"][0][0] = 99.0
    assert thing.table[0][0] == 1.0
    thing.load_state_dict(state)
    state["table"][0][0] = 5.0
    assert thing.table[0][0] == 99.0


def test_a_missing_name_is_said() -> None:
    state = Thing().state_dict()
    del state["word"]
    with pytest.raises(ValueError, match="state of Thing does not fit: word"):
        Thing().load_state_dict(state)


def test_unknown_names_are_said_in_order() -> None:
    state = {**Recent().state_dict(), "window": 3, "age": 1}
    with pytest.raises(ValueError, match="state of Recent does not fit: age, window"):
        Recent().load_state_dict(state)


def test_nothing_is_taken_from_a_state_that_does_not_fit() -> None:
    recent = Recent()
    with pytest.raises(ValueError, match="does not fit"):
        recent.load_state_dict({"values": [1.0]})
    assert recent.values == []


def test_a_part_that_does_not_fit_is_named() -> None:
    state = Thing().state_dict()
    state["inner"] = {}
    with pytest.raises(ValueError, match="state of Inner does not fit: count"):
        Thing().load_state_dict(state)
