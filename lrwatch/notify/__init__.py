"""Tells an alert beyond this machine's terminal: to a command, to a webhook, to a function."""

from lrwatch.notify.command import Command
from lrwatch.notify.webhook import Webhook

__all__ = ["Command", "Webhook"]
