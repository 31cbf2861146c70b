"""State that survives a restart: every statistic and detector can be written as plain JSON."""

import math
from typing import Any

_PLAIN = {float}
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Stateful:
    """Gives and takes back all attributes as plain JSON values.

    Attributes may be numbers, strings, None, lists of these, or other Statefuls. A non-finite
    number is written as the word for it, since strict JSON has none. Attributes named in
    ``SETTINGS`` are fixed at construction and are not state.
    """

    SETTINGS: tuple[str, ...] = ()

    def state_dict(self) -> dict[str, Any]:
        """A copy of the state; changing it does not change this object."""
        return {
            name: value.state_dict() if isinstance(value, Stateful) else _write(value)
            for name, value in vars(self).items()
            if name not in self.SETTINGS
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` gave.

        Raises:
            ValueError: If a name is missing or unknown, as after a change of version.
        """
        mine = [name for name in vars(self) if name not in self.SETTINGS]
        if set(mine) != set(state):
            odd = sorted(set(mine) ^ set(state))
            raise ValueError(f"state of {type(self).__name__} does not fit: {', '.join(odd)}")
        for name in mine:
            value = getattr(self, name)
            if isinstance(value, Stateful):
                value.load_state_dict(state[name])
            else:
                setattr(self, name, _read(state[name]))


def _write(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, list):
        plain = set(map(type, value)) <= _PLAIN and math.isfinite(sum(value))
        return value[:] if plain else [_write(v) for v in value]
    return value


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return _WORDS.get(value, value)
    if isinstance(value, list):
        return [_read(v) for v in value]
    return value
