"""attach(): one line that puts a training loop under watch."""

import functools
import logging
import os
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec

from torch import nn
from torch.optim import Optimizer

from lrwatch.errors import let_pass
from lrwatch.loop import patches
from lrwatch.loop.acting import intervention
from lrwatch.loop.arguments import check_backoff, check_kinds, unwrapped
from lrwatch.loop.cells import Cells
from lrwatch.loop.ears import Ears
from lrwatch.loop.guard import log
from lrwatch.loop.loss import reinforcement
from lrwatch.loop.orphans import close_orphans
from lrwatch.loop.places.outlets import digest_of, notice, sinks_calling, sinks_of, warn
from lrwatch.loop.places.place import Place
from lrwatch.loop.places.run_dir import RunDir, chosen
from lrwatch.loop.terminal import on_terminal
from lrwatch.loop.watch import Watch
from lrwatch.records import Alert
from lrwatch.sinks.sink import Sink
from lrwatch.switches import disabled, strict

_Given = ParamSpec("_Given")

_watches: "weakref.WeakKeyDictionary[Optimizer, Watch]" = weakref.WeakKeyDictionary()
_places: dict[Watch, Place] = {}
_cells = Cells(_watches)


def _never_fatal(attach: Callable[_Given, Watch]) -> Callable[_Given, Watch]:
    """Let bad arguments out; at any other failure the run goes on unwatched."""

    @functools.wraps(attach)
    def guarded(*args: _Given.args, **kwargs: _Given.kwargs) -> Watch:
        try:
            return attach(*args, **kwargs)
        except (TypeError, ValueError):
            raise
        except Exception as error:
            if strict():
                raise
            let_pass(error)
            log(logging.ERROR, "attach() failed, the run goes on unwatched", error=error)
            on_terminal(f"attach() failed, the run goes on unwatched ({error!r})")
            return Watch()

    return guarded


@_never_fatal
def attach(
    optimizer: Optimizer,
    model: nn.Module | None = None,
    *,
    run_dir: RunDir = None,
    backoff: Any = False,
    name: str | None = None,
    total_steps: int | None = None,
    check_before_step: bool = False,
    norm_every: int | None = None,
    pretrained: bool = False,
    surrogate: bool | None = None,
    stderr: bool = True,
    sinks: Sequence[Sink] = (),
    on_alert: Callable[[Alert], object] | None = None,
) -> Watch:
    """Watch the training that this optimizer does.

    From here on every ``backward()`` tells the loss and every ``optimizer.step()`` the gradient
    norm and the rates; weights, random numbers and schedules stay as they would be without. The
    loss of a step is the sum of what ``backward()`` was called on, before a GradScaler scaled it,
    over the calls that gave gradients to this optimizer's parameters since its last step or since
    they were set to zero. Accumulated and several losses are thus summed, and each of several
    optimizers has its own loss. Where the gradients come another way, or threads take turns at the
    steps, say it: ``watch.observe(loss)`` between ``backward()`` and ``step()``. An optimizer that
    was made with ``maximize=True`` has minus its objective for a loss.

    On the CPU steps are judged in batches of up to 128 or 0.75 s, and a non-finite value at once;
    on CUDA, that too, in batches of 64 or 0.75 s of what has arrived: no step waits for the device.

    In a job of several ranks every rank attaches; rank 0 writes. The loss is the mean over the
    ranks and the norm that of all gradients, DTensors included; all ranks come to the same verdict.
    No rank waits for another for it, so that an alert comes a second or two later. With ``backoff``
    each step is agreed upon before its update, and all ranks do the same at the same step.

    The watch ends with ``close()``, with the optimizer's life or with the process. Attaching to the
    same optimizer again ends the earlier watch. With ``LRWATCH_DISABLED=1`` all does nothing.

    Args:
        optimizer: Any optimizer that derives from ``torch.optim.Optimizer``, or what wraps one.
        model: Its model, whose buffers a rewind brings back; None: with back-off, the module
            of this process that has all of these weights.
        run_dir: Where to write. None: ``LRWATCH_RUN_DIR``, else ``runs/<UTC time>-<script>``, made
            at the first judged step, with a number where that is there; False: nowhere.
        backoff: True or ``lrwatch.Backoff(...)``, to act on alerts; a step that may have to be
            acted on is then judged before its update. ``watch.backoff`` of another optimizer's
            watch ties this one to that.
        name: Name of this optimizer where there are several: a folder in the run directory, and a
            word in every line that is printed.
        total_steps: Planned steps, >= 1, if known: no rate is called too low in their first tenth.
        check_before_step: Whether to judge every step before its update, at the price of waiting
            for the device.
        norm_every: Steps between two computed gradient norms, >= 1; None: each of the first 256,
            then what takes 0.2 % of the time, or each tenth where torch.distributed is initialised.
        pretrained: Whether the model was trained before, which advice then takes into account.
        surrogate: Whether the value of the loss says nothing about progress, as in reinforcement
            learning, adversarial training and with a codebook that is learned (VQ-VAE): then only
            gradients and non-finite values are judged, and the back-off acts on these alone. None:
            where two watched optimizers are adversaries, as those of a GAN, and where reinforcement
            learning is imported (gymnasium, for example); both are said.
        stderr: Whether alerts are printed.
        sinks: More that are told of every step, alert and action; closed with the watch.
        on_alert: Called with every alert on rank 0, in a thread of its own, so that training never
            waits for it: a function, or a ``Webhook()`` or ``Command("...")`` of
            :mod:`lrwatch.notify`, which also hear of actions.

    Returns:
        The watch, with ``verdict``, ``alerts`` and ``state_dict()``; a ``with`` closes it.

    Raises:
        TypeError: If an argument is of a kind that it cannot be.
        ValueError: If one is out of its range. Any other failure is logged, and the
            run goes on unwatched, unless ``LRWATCH_STRICT=1``.
    """
    if disabled():
        return Watch()
    optimizer = unwrapped(optimizer)
    check_kinds(
        model=model,
        run_dir=run_dir,
        norm_every=norm_every,
        total_steps=total_steps,
        sinks=sinks,
        check_before_step=check_before_step,
        pretrained=pretrained,
        surrogate=surrogate,
        stderr=stderr,
    )
    check_backoff(optimizer, backoff)
    acts = backoff is not False and backoff is not None
    ears = Ears.of(
        optimizer,
        at_once=check_before_step or acts,
        norm_every=norm_every,
        total_steps=total_steps,
        notice=notice if stderr else warn,
        pretrained=pretrained,
        surrogate=surrogate,
        name=name,
        acts=acts,
    )
    if (earlier := _watches.pop(optimizer, None)) is not None:
        warn("attach() to the same optimizer again: the earlier watch ends here")
        earlier.close()
    return begin(
        optimizer,
        ears,
        model=model,
        run_dir=run_dir,
        backoff=backoff,
        name=name,
        stderr=stderr,
        sinks=[*sinks, *sinks_calling(on_alert, run_dir, name)],
    )


def begin(
    optimizer: Optimizer,
    ears: Ears,
    *,
    model: nn.Module | None,
    run_dir: RunDir,
    backoff: Any,
    name: str | None,
    stderr: bool,
    sinks: Sequence[Sink] = (),
) -> Watch:
    """Watch an optimizer with ears that may have listened for a while; else as :func:`attach`."""
    close_orphans(_watches)
    reinforcement.tell(ears.environments, notice if stderr else warn)
    _cells.close_earlier_runs()
    taken = {place.path for place in _places.values()}
    place = chosen(run_dir, name, taken, time.time())
    of = name or (f"optimizer-{len(_watches) + 1}" if _watches else "")
    ears.judge.tell([*sinks_of(place, stderr, digest_of(optimizer, backoff), of), *sinks])
    ears.recorder.asking.intervention = intervention(backoff, optimizer, model, ears, place)
    return _hooked(optimizer, ears, place)


def end_orphans() -> None:
    """End the watches that nobody can train any more."""
    close_orphans(_watches)


def is_watched(optimizer: Optimizer) -> bool:
    """Whether there is a watch on this very optimizer."""
    return optimizer in _watches


def _hooked(optimizer: Optimizer, ears: Ears, place: Place | None) -> Watch:
    judge, recorder, acts = ears.judge, ears.recorder, ears.recorder.asking.intervention
    handles: list[Any] = []
    alive = weakref.ref(optimizer)

    def detach() -> None:
        patches.unlisten(recorder)
        if (still := alive()) is not None and _watches.get(still) is watch:
            del _watches[still]
        for handle in handles:
            handle.remove()
        _places.pop(watch, None)
        finalizer.detach()

    watch = Watch(judge, recorder, acts, detach)
    finalizer = weakref.finalize(optimizer, watch.close)
    try:
        handles.append(optimizer.register_step_pre_hook(recorder.short_way.before_step))
        if acts is not None:
            handles.append(optimizer.register_step_post_hook(recorder.short_way.after_step))
        patches.listen(recorder)
        _watches[optimizer] = watch
        if place is not None:
            _places[watch] = place
        _cells.begin(watch)
    except BaseException:  # an interrupt, too, must not leave half of the hooks
        watch.close()
        raise
    return watch


def _in_forked_child() -> None:
    """A forked child has none of the threads, and must not write what its parent writes."""
    for listener in patches.listeners:
        listener.inert = True
    patches.forget_all()
    _watches.clear()
    _places.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_forked_child)
