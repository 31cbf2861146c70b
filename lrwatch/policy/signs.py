"""What an alert says about the rate, in the words of the ladder."""

from lrwatch.records import Alert

OF_A_HOT_RATE = ("lr_too_high", "oscillation", "overshoot")


def signs_of(alert: Alert) -> dict[str, bool]:
    """Arguments of ``Ladder.warn``: none where the alert is closed, or only informs."""
    if alert.state == "closed" or alert.severity == "info":
        return {}
    hot = alert.verdict == "too_high" and alert.kind in OF_A_HOT_RATE
    accused = hot and alert.kind == "lr_too_high"
    return {"hot": hot, "lost": alert.kind == "divergence", "accused": accused}
