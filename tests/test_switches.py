"""What the environment says."""

from collections.abc import Callable

import pytest

from lrwatch import switches

BOTH = [("LRWATCH_DISABLED", switches.disabled), ("LRWATCH_STRICT", switches.strict)]


@pytest.mark.parametrize(("name", "asked"), BOTH)
def test_a_switch_is_on_with_whatever_says_yes(
    name: str, asked: Callable[[], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(name, raising=False)
    assert not asked()
    for off in ("", "0", "false", "False", "NO", "off", " 0 "):
        monkeypatch.setenv(name, off)
        assert not asked(), off
    for on in ("1", "true", "TRUE", "yes", "on", "2"):
        monkeypatch.setenv(name, on)
        assert asked(), on
