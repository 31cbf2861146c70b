"""Frameworks whose optimizers are none of torch's: below ``lrwatch run`` the user is told so."""

import functools
import sys
from types import ModuleType
from typing import Any

TRAINERS = {
    "fastai.learner": ("Learner", "fastai"),
    "keras.src.backend.torch.trainer": ("TorchTrainer", "keras"),
}
"""Where ``fit`` is, by module: the class that has it, and the name of the adapter."""


def tell_at_fit(module: ModuleType) -> None:
    """Have the first ``fit`` say that it is not watched, unless the adapter is in use."""
    name, framework = TRAINERS[module.__name__]
    trainer: Any = getattr(module, name)
    fit = trainer.fit

    @functools.wraps(fit)
    def telling(*args: Any, **kwargs: Any) -> Any:
        trainer.fit = fit
        adapter = f"lrwatch.hooks.{framework}"
        if adapter not in sys.modules:
            _say(
                f"{framework} has optimizers of its own, which `lrwatch run` does not see: add the "
                f"callback of {adapter} to the fit"
            )
        return fit(*args, **kwargs)

    trainer.fit = telling


def _say(line: str) -> None:
    from lrwatch.launch.plan import Plan
    from lrwatch.loop.terminal import on_terminal
    from lrwatch.ranks import job

    if not Plan.of().quiet and not job.rank():
        on_terminal(line)
