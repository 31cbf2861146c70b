"""The switches that the environment has: lrwatch off, and failures of its own raised."""

import os

_OFF = ("", "0", "false", "no", "off")


def is_on(name: str) -> bool:
    """Whether an environment variable says yes: anything but nothing, 0, false, no and off."""
    return os.environ.get(name, "").strip().lower() not in _OFF


def disabled() -> bool:
    """Whether lrwatch is to do nothing: ``LRWATCH_DISABLED=1``."""
    return is_on("LRWATCH_DISABLED")


def strict() -> bool:
    """Whether a failure inside lrwatch is raised instead of logged: ``LRWATCH_STRICT=1``."""
    return is_on("LRWATCH_STRICT")
