"""What a sink is: somewhere that points, alerts and actions are told."""

from typing import Protocol

from lrwatch.records import Action, Alert, Point


class Sink(Protocol):
    """Takes what the watcher says. No method ever raises an ``Exception`` or waits for long.

    Where several sinks hear of one alert, the run directory comes first: what a person has
    seen on the terminal must still be on disk after a kill.
    """

    def write_point(self, point: Point) -> None:
        """Show one training step."""

    def write_alert(self, alert: Alert) -> None:
        """Tell one alert."""

    def write_action(self, action: Action) -> None:
        """Tell one action, before it is applied."""

    def close(self) -> None:
        """Write what is left; may be called twice."""
