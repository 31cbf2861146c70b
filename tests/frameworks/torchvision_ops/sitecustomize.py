"""torchvision without its compiled part: with a CPU build of torch the published wheel is so.

It lies in a folder of its own so that PYTHONPATH brings it into every Python of a test.
"""

from types import ModuleType
from typing import Any

from lrwatch.launch.on_import import when_imported


def _define(extension: ModuleType) -> None:
    """Give torchvision the two operators that Ultralytics needs, if it has none of its own."""
    if extension._has_ops() or hasattr(extension, "_operators"):
        return
    import torch

    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
        operators.impl(name, _suppressed, "CPU")
    # Believed only later, as torchvision first registers the gradients of more operators.
    when_imported("torchvision.version", lambda _: vars(extension).update(_has_ops=lambda: True))
    vars(extension)["_operators"] = operators


def _suppressed(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Indices of the boxes that overlap no box of a higher score by more than the threshold."""
    import torch

    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(2)
    overlaps = shared / (area[:, None] + area[None] - shared) > iou_threshold
    gone = torch.zeros(len(boxes), dtype=torch.bool)
    kept: list[int] = []
    for i in scores.argsort(descending=True).tolist():
        if not gone[i]:
            kept.append(i)
            gone |= overlaps[i]
    return torch.tensor(kept, dtype=torch.int64)


when_imported("torchvision.extension", _define)
