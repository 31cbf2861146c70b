"""A daemon thread, where one can be started."""

import threading
from collections.abc import Callable


def started(target: Callable[[], None], name: str) -> threading.Thread | None:
    """The thread, running; None where there can be no more of them.

    Python 3.12.0 to 3.12.2 start none once a process exits, which is when the last alerts come.
    """
    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread
