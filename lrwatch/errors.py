"""What lrwatch raises when it cannot do what was asked."""


class LrwatchError(Exception):
    """Base of every error of lrwatch that is not a plain ``ValueError`` or ``TypeError``.

    Those are for arguments. This one is for what lies outside: a log that cannot be read, a package
    that is not installed, a training that the back-off gave up.
    """
