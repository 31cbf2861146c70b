"""Blocks: logs that say the step on one line and each of its numbers on an indented one below."""

import re

_HEAD = re.compile(
    r"\[(?:step|batch|iter)=(\d{1,12})/\d+[^\[\]]{0,99}\]:?$"  # OLMo, Composer
    r"|-- GLOBAL_STEP: (\d{1,12})$"  # Coqui TTS
)
_TEST = re.compile(r"^\s*(?:> EVALUATION|--> EVAL|\[eval[ _])", re.IGNORECASE)


class Blocks:
    """Follows the lines of a log from block to block.

    Attributes:
        step: Step of the block that the last line belongs to; None outside.
        is_test: Whether it belongs to a block of a validation.
    """

    def __init__(self) -> None:
        self.step: float | None = None
        self.is_test = False
        self._any = False

    def begins(self, text: str) -> bool:
        """Take the next line; whether it is the head of a block."""
        end = text[-200:].rstrip()
        may = end.endswith(("]", "]:")) or "-- GLOBAL_STEP" in end
        head = _HEAD.search(end) if may else None
        if head is not None and "loss" not in text.lower():
            self.step, self.is_test, self._any = float(head[1] or head[2]), False, True
            return True
        if self._any and _TEST.match(text):
            self.step, self.is_test = None, True
        elif text[:1].strip():
            self.step, self.is_test = None, False
        return False
