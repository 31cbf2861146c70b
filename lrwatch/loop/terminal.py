"""A line of lrwatch's own on the terminal: what a user must know who has set up no logging."""

import sys

from lrwatch.errors import let_pass
from lrwatch.sinks.printable import printable
from lrwatch.sinks.stderr import print_above_bars


def on_terminal(line: str) -> None:
    """Say it on stderr; raises nothing, whatever that was replaced with."""
    try:
        print_above_bars(f"lrwatch: {printable(line)}")
        sys.stderr.flush()
    except Exception as error:  # telling must not end a training
        let_pass(error)
