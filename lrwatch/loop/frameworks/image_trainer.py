"""What a trainer of Ultralytics knows about its run, and what is kept beside its checkpoints."""

import json
import math
from pathlib import Path
from typing import Any


def planned_steps(trainer: Any) -> int | None:
    """The number of steps; unknown where the training is limited by time."""
    return None if trainer.args.time else n_steps(trainer, trainer.epochs) or None


def n_steps(trainer: Any, epochs: int) -> int:
    """Optimizer steps in so many epochs, as the accumulation is now."""
    return math.ceil(len(trainer.train_loader) * epochs / max(int(trainer.accumulate), 1))


def ignored(trainer: Any, optimizer: str, lr0: float) -> str | None:
    """What to say where Ultralytics chose another rate than the ``lr0`` that it was given."""
    if optimizer.lower() != "auto":
        return None
    took = f"{trainer.args.optimizer} at {trainer.args.lr0:g}"
    return (
        f"optimizer=auto took {took} and ignores lr0={lr0:g}: to set the rate, name the "
        "optimizer, too, as in optimizer=AdamW"
    )


def is_pretrained(trainer: Any) -> bool:
    """Whether the weights come from a file, and the training is a new one."""
    model, pretrained = str(trainer.args.model), trainer.args.pretrained
    from_file = isinstance(pretrained, (str, Path)) or (bool(pretrained) and model.endswith(".pt"))
    return from_file and not trainer.resume


def keep(trainer: Any, state: dict[str, Any]) -> None:
    """Put a state beside ``last.pt``; what lies there is whole at any moment."""
    path = _beside(trainer)
    path.with_suffix(".part").write_text(json.dumps(state))
    path.with_suffix(".part").replace(path)


def kept(trainer: Any) -> dict[str, Any] | None:
    """The state that lies beside ``last.pt``, if one that can be read does."""
    try:
        found: dict[str, Any] = json.loads(_beside(trainer).read_text())
    except (OSError, ValueError):
        return None
    return found


def _beside(trainer: Any) -> Path:
    return Path(trainer.last).with_suffix(".lrwatch.json")
