"""What lrwatch raises when it cannot do what was asked."""


class LrwatchError(Exception):
    """Base of every error of lrwatch that is not a plain ``ValueError`` or ``TypeError``."""
