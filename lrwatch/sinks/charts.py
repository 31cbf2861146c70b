"""What is charted: the tags of a point, and the layout of the Custom Scalars tab."""

from typing import Final

from lrwatch.records import Point
from lrwatch.sinks import event

LOSS: Final = "lrwatch/loss"
GRAD_NORM: Final = "lrwatch/grad_norm"
LR: Final = "lrwatch/lr"
LR_APPLIED: Final = "lrwatch/lr_applied"
LR_SCALE: Final = "lrwatch/lr_scale"
ALERTS_TOTAL: Final = "lrwatch/alerts_total"
MARK: Final = "lrwatch/mark/"
DIGEST: Final = "lrwatch/digest"
_MAX_GROUPS: Final = 16

# TensorBoard puts margin charts last within a category, and merges the layouts of all runs by
# title: the band has a category of its own, and every run writes this same layout.
LAYOUT: Final = event.layout(
    [
        event.category(
            "LR Watch: loss in its expected band",
            [event.margin_chart("loss and band", LOSS, f"{LOSS}_lo", f"{LOSS}_hi")],
        ),
        event.category(
            "LR Watch: alerts, rate and gradient",
            [
                event.multiline_chart("alerts and actions, on the loss", [f"{LOSS}$", f"{MARK}.+"]),
                event.multiline_chart("alerts so far", [f"{ALERTS_TOTAL}$"]),
                event.multiline_chart(
                    "learning rate: scheduled, applied",
                    [rf"{LR}(/\d+)?$", rf"{LR_APPLIED}(/\d+)?$"],
                ),
                event.multiline_chart("gradient norm", [f"{GRAD_NORM}$"]),
            ],
        ),
    ]
)


def tags(point: Point) -> dict[str, float]:
    """The numbers of a point by their tags; the loss and its band come together or not at all."""
    found: dict[str, float] = {}
    if point.step.loss is not None:
        found = {LOSS: point.step.loss, f"{LOSS}_lo": point.lo, f"{LOSS}_hi": point.hi}
    if point.step.grad_norm is not None:
        found[GRAD_NORM] = point.step.grad_norm
    rates = _rates(point)
    for i, lr in enumerate(rates):
        suffix = f"/{i}" if len(rates) > 1 else ""
        found[LR + suffix] = lr
        found[LR_APPLIED + suffix] = lr * point.lr_scale
    found[LR_SCALE] = point.lr_scale
    return found


def _rates(point: Point) -> tuple[float, ...]:
    if point.lrs or point.step.lr is None:
        return point.lrs[:_MAX_GROUPS]
    return (point.step.lr,)
