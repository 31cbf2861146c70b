"""The sink behind ``attach(on_alert=...)``: a function is told of alerts, in its own thread."""

from collections.abc import Callable

from lrwatch.notify.command import Command
from lrwatch.notify.errand import Errand
from lrwatch.notify.webhook import Webhook
from lrwatch.records import Action, Alert, Point


class CallingSink:
    """Call a function with every alert, and a ``Webhook`` or ``Command`` with every action, too.

    The function runs in a daemon thread: training never waits for it, and goes on whatever it
    raises; the first failure is logged.

    Args:
        call: Takes an alert.
        run: Name of the run, for a webhook or command.

    Raises:
        TypeError: If ``call`` cannot be called.
    """

    def __init__(self, call: Callable[[Alert], object], run: str = "") -> None:
        if not callable(call):
            raise TypeError(f"on_alert must be callable, got {type(call).__name__}")
        self._call = call
        self._run = run
        self._errand: Errand[Alert] = Errand("on_alert", self._deliver)

    def write_point(self, point: Point) -> None:
        """Points are not told."""

    def write_alert(self, alert: Alert) -> None:
        """Tell the alert; returns at once."""
        if isinstance(self._call, (Command, Webhook)):
            self._call(alert, self._run)
        else:
            self._errand.send(alert)

    def write_action(self, action: Action) -> None:
        """Tell the action to what can take it; returns at once."""
        if isinstance(self._call, (Command, Webhook)):
            self._call(action, self._run)

    def close(self) -> None:
        """Let the thread tell what waits, for two seconds at most."""
        if isinstance(self._call, (Command, Webhook)):
            self._call.close(2.0)
        self._errand.close(2.0)

    def _deliver(self, alert: Alert, n_left_out: int) -> str:
        self._call(alert)
        return ""
