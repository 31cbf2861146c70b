"""The few functions of torch that are wrapped while at least one optimizer is watched."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import get_ident
from typing import Any

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.nn.utils import clip_grad

from lrwatch.errors import let_pass
from lrwatch.loop.compiled import interpreted, left_out
from lrwatch.loop.guard import Guard
from lrwatch.loop.listener import Listener
from lrwatch.loop.loss import objective, rivals, short_loss

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Original:
    owner: Any
    name: str
    function: Function


listeners: tuple[Listener, ...] = ()
_originals: list[_Original] = []
_lock = threading.RLock()
_total_norm = threading.local()
_guard = Guard("listening to torch")


def listen(listener: Listener) -> None:
    """Wrap torch's functions, if that is not done yet, and tell ``listener`` from now on."""
    global listeners
    with _lock:
        if any(other is listener for other in listeners):
            return
        if not listeners:
            _unwrap_all()  # what is left where a handler of a signal raised in the midst of this
            _wrap_all()
        short_loss.close()
        listeners = (*listeners, listener)


def unlisten(listener: Listener) -> None:
    """Tell ``listener`` nothing more; with the last one, torch's own functions are put back."""
    global listeners
    with _lock:
        short_loss.close()
        listeners = tuple(other for other in listeners if other is not listener)
        if not listeners:
            _unwrap_all()


def forget_all() -> None:
    """Make a forked child inert; its lock may have been held by a thread that it does not have."""
    global listeners, _lock
    _lock = threading.RLock()
    short_loss.close()
    for listener in listeners:
        listener.loss.short.clear()
    listeners = ()
    _unwrap_all()


def _wrap_all() -> None:
    wrappers: dict[Function, Function] = {}
    for owner, name, wrap in _places():
        original = vars(owner).get(name)
        if original is not None:
            if original not in wrappers:
                wrappers[original] = _alike(wrap(original), original)
            _originals.append(_Original(owner, name, original))
            setattr(owner, name, wrappers[original])


def _alike(wrapper: Function, original: Function) -> Function:
    """The wrapper under the original's name, by which pickle finds it in the original's place."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(wrapper, name, getattr(original, name))
    return wrapper


def _unwrap_all() -> None:
    while _originals:
        original = _originals[-1]
        setattr(original.owner, original.name, original.function)
        del _originals[-1]


def _places() -> list[tuple[Any, str, Callable[[Function], Function]]]:
    """What is wrapped. A name imported before attach() keeps torch's own function.

    For clipping the function below ``clip_grad_norm_`` is wrapped, as nearly everyone imports that.
    """
    scalers = [GradScaler]
    for cls in scalers:
        scalers.extend(cls.__subclasses__())
    return [
        (torch.autograd, "backward", _wrap_backward),
        (clip_grad, "_get_total_norm", _wrap_total_norm),
        (torch.nn.utils, "get_total_norm", _wrap_total_norm),
        (clip_grad, "_clip_grads_with_norm_", _wrap_clip),
        (torch.nn.utils, "clip_grads_with_norm_", _wrap_clip),
        (clip_grad, "clip_grad_value_", _wrap_clip),
        (torch.nn.utils, "clip_grad_value_", _wrap_clip),
        *((cls, "scale", _wrap_scale) for cls in scalers),
        *((cls, "step", _wrap_scaler_step) for cls in scalers),
    ]


def _wrap_backward(original: Function) -> Function:
    @interpreted
    def long_way(tensors: Any, grad_tensors: Any = None, *args: Any, **kwargs: Any) -> Any:
        if torch._C._current_graph_task_id() != -1:
            return original(tensors, grad_tensors, *args, **kwargs)
        marks = []
        try:
            here = get_ident()
            for listener in listeners:
                if listener.home == here:
                    marks.append((listener.loss, listener.loss.before_backward()))
                    listener.loss.running = tensors, grad_tensors
        except Exception as error:
            _guard.failed(error)
        try:
            result = original(tensors, grad_tensors, *args, **kwargs)
        finally:
            for loss, _ in marks:
                loss.running = None
        try:
            value, scaler = objective.of(tensors, grad_tensors)
            reached = [loss.after_backward(mark, value, scaler) for loss, mark in marks]
            if len(marks) > 1:
                rivals.tell([loss for loss, _ in marks], reached)
            if not any(reached):
                for loss, _ in marks:
                    loss.nobodys()
        except Exception as error:
            _guard.failed(error)
        return result

    @interpreted
    def backward(
        tensors: Any,
        grad_tensors: Any = None,
        retain_graph: Any = None,
        create_graph: Any = False,
        *args: Any,
        inputs: Any = None,
        **kwargs: Any,
    ) -> Any:  # the form in which Tensor.backward() calls it: to take it apart would cost more
        losses = short_loss.losses
        if not (
            losses or args or kwargs or grad_tensors is not None or type(tensors) is not Tensor
        ) and (tensors.is_cpu and get_ident() == short_loss.home):
            try:
                losses.append(tensors.item())  # read now: after backward() it has left the caches
            except Exception as error:  # no single number: torch itself is about to say so
                losses.clear()
                let_pass(error)
            return original(tensors, None, retain_graph, create_graph, inputs=inputs)
        if inputs is not None:  # else they may be among args
            kwargs["inputs"] = inputs
        return long_way(tensors, grad_tensors, retain_graph, create_graph, *args, **kwargs)

    return backward


def _wrap_total_norm(original: Function) -> Function:
    def get_total_norm(tensors: Any, norm_type: float = 2.0, *args: Any, **kwargs: Any) -> Any:
        norm = original(tensors, norm_type, *args, **kwargs)
        _total_norm.last = norm if norm_type == 2 else None
        return norm

    return left_out(get_total_norm, original)


def _wrap_clip(original: Function) -> Function:
    def clip(parameters: Any, *args: Any, **kwargs: Any) -> Any:
        parameters = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
        given = args[1] if len(args) > 1 else kwargs.get("total_norm")
        last = _total_norm.__dict__.pop("last", None)
        try:
            for listener in listeners:
                listener.before_clip(parameters, last if last is given else None)
        except Exception as error:
            _guard.failed(error)
        result = original(parameters, *args, **kwargs)
        try:
            for listener in listeners:
                listener.after_clip()
        except Exception as error:
            _guard.failed(error)
        return result

    return left_out(clip, original)


def _wrap_scale(original: Function) -> Function:
    def scale(self: GradScaler, outputs: Any) -> Any:
        if isinstance(outputs, Iterator):
            outputs = list(outputs)
        scaled = original(self, outputs)
        try:
            short_loss.close()
            objective.was_scaled(self, outputs, scaled)
        except Exception as error:
            _guard.failed(error)
        return scaled

    return left_out(scale, original)


def _wrap_scaler_step(original: Function) -> Function:
    def step(self: GradScaler, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        watching = []
        try:
            for each in listeners:
                if each.owns(optimizer):
                    watching.append((each, each.n_steps))
        except Exception as error:
            _guard.failed(error)
        result = original(self, optimizer, *args, **kwargs)
        try:
            for listener, n_steps in watching:
                if listener.n_steps == n_steps:
                    listener.skipped_by_scaler()
        except Exception as error:
            _guard.failed(error)
        return result

    return left_out(step, original)
