"""A callback of ours that fails: logged, and the framework goes on."""

import pytest

from lrwatch import LrwatchError
from lrwatch.loop.frameworks.harmless import harmless


@harmless
def failing(error: Exception) -> None:
    raise error


def test_an_error_is_logged_and_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    failing(OSError("disk full"))
    assert "the callback failing failed, training goes on" in caplog.text


def test_the_first_failure_is_told_to_who_has_set_up_no_logging(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail = harmless(failing.__wrapped__)  # type: ignore[attr-defined]
    for _ in range(5):
        fail(OSError("disk full"))
    line = "lrwatch: the callback failing failed, training goes on (OSError: disk full)\n"
    assert capsys.readouterr().err == line


def test_a_word_to_the_loop_passes() -> None:
    with pytest.raises(LrwatchError):
        failing(LrwatchError("stop"))


def test_strict_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRWATCH_STRICT", "1")
    with pytest.raises(OSError, match="disk full"):
        failing(OSError("disk full"))
