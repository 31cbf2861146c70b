"""The command ``lrwatch``. Each other file of this folder that has a ``command`` is one command."""

from lrwatch.cli._group import Commands

main = Commands(
    name="lrwatch",
    help="Watch training runs: what is wrong with one, and which way its learning rate is.",
    package=__name__,
)
