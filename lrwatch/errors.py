"""What lrwatch raises when it cannot do what was asked, and what it must let pass."""

from itertools import pairwise
from types import FrameType


class LrwatchError(Exception):
    """Base of every error of lrwatch that is not a plain ``ValueError`` or ``TypeError``.

    Those are for arguments. This one is for what lies outside: a log that cannot be read, a package
    that is not installed, a training that the back-off gave up.
    """


def let_pass(error: BaseException) -> None:
    """Raise an error again that a handler of a signal has raised; to be called where all is caught.

    Python runs such a handler between any two lines, also of ours. What it raises is a word of the
    user's to the training, such as that the job is about to be preempted, and no failure of ours.
    A handler is known by being given a number and the frame that it interrupted, which called it.
    The frame that has caught the error is not looked at: it would keep itself alive from then on,
    with the error, and so with the optimizer, until the garbage collector runs.
    """
    trace = error.__traceback__ and error.__traceback__.tb_next
    while trace is not None:
        if _is_handling(trace.tb_frame):
            raise error
        trace = trace.tb_next


def _is_handling(frame: FrameType) -> bool:
    code, back = frame.f_code, frame.f_back
    n = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 0x04)  # *args
    given = [frame.f_locals.get(name) for name in code.co_varnames[:n]]
    flat = [one for value in given for one in (value if type(value) is tuple else (value,))]
    return any(isinstance(a, int) and b is back is not None for a, b in pairwise(flat))
