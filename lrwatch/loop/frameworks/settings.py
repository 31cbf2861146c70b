"""What a user may settle about watching a trainer: the same in the adapters of all frameworks."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lrwatch.loop.arguments import check_kinds
from lrwatch.loop.places.run_dir import RunDir
from lrwatch.policy.settings import Backoff


@dataclass(eq=False)
class Settings:
    """Plain values, so that a framework's own configuration and checkpoints can hold them too.

    Args:
        run_dir: Where to write. None: ``LRWATCH_RUN_DIR``, else the framework's own directory;
            False: nowhere.
        backoff: Whether to act on alerts; a ``Backoff``, or a mapping of its fields, sets bounds.
        total_steps: Planned number of steps; None: what the framework says, if it does.
        check_before_step: Whether to judge every step before its update, at the price of waiting
            for the device.
        norm_every: Steps between two computed gradient norms, >= 1; None: each of the first 256,
            then what takes 0.2 % of the time.
        pretrained: Whether the model was trained before, which advice then takes into account;
            None: what the framework says, if it does.
        surrogate: Whether the value of the loss says nothing about progress, as in reinforcement
            learning and adversarial training: then only gradients and non-finite values are judged;
            None: where two optimizers are seen to be adversaries, or gymnasium is imported.
        stderr: Whether alerts are printed.

    Raises:
        TypeError: If one of them is of a kind that it cannot be.
        ValueError: If one of them, or a field of ``backoff``, is out of its range.
    """

    run_dir: str | bool | None = None
    backoff: bool | Mapping[str, Any] | Backoff = False
    total_steps: int | None = None
    check_before_step: bool = False
    norm_every: int | None = None
    pretrained: bool | None = None
    surrogate: bool | None = None
    stderr: bool = True

    def __post_init__(self) -> None:
        as_backoff(self.backoff)
        check_kinds(
            model=None,
            run_dir=self.run_dir,
            norm_every=self.norm_every,
            total_steps=self.total_steps,
            sinks=(),
            check_before_step=self.check_before_step,
            pretrained=self.pretrained,
            surrogate=self.surrogate,
            stderr=self.stderr,
        )
        for name in ("total_steps", "norm_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be >= 1, got {value}")

    def as_dict(self) -> dict[str, Any]:
        """The values, by name."""
        return asdict(self)


def as_backoff(backoff: bool | Mapping[str, Any] | Backoff) -> bool | Backoff:
    """The policy that plain values describe.

    Raises:
        ValueError: If they describe none.
    """
    if isinstance(backoff, (bool, Backoff)):
        return backoff
    if not isinstance(backoff, Mapping):
        raise ValueError(
            f"backoff must be true, false or a mapping, got {backoff!r}: a lrwatch.Backoff will do"
        )
    unknown = sorted(set(backoff) - set(Backoff.__dataclass_fields__))
    if unknown:
        known = ", ".join(Backoff.__dataclass_fields__)
        raise ValueError(f"backoff has no field {unknown[0]!r}; it has {known}")
    settings = dict(backoff)
    if "rungs" in settings:
        settings["rungs"] = tuple(settings["rungs"])
    return Backoff(**settings)


def or_default(run_dir: RunDir, log_dir: str | os.PathLike[str] | None) -> RunDir:
    """The run directory that the user named, else the framework's own if it is on this machine."""
    if run_dir is not None or os.environ.get("LRWATCH_RUN_DIR"):
        return run_dir
    return None if log_dir is None or "://" in os.fspath(log_dir) else log_dir
