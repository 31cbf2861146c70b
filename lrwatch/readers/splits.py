"""Splits: which lines and rows of a log are of a validation or a test, not of the training."""

import re
from collections.abc import Mapping

from lrwatch.readers.lines import Row

# Columns of words that say what a row was measured on.
SPLITS = frozenset({"mode", "split", "phase", "stage", "subset", "set"})
_WORDS = (
    r"(?:val|valid(?:ation|ate|ating)?|eval(?:uation|uate|uating)?|test(?:ing)?|dev|holdout)"
    r"(?: set| results?| phase| metrics?| dataloader \d+)?"
)
_VALUE = re.compile(rf"(?:^|[^a-z]){_WORDS}(?![a-z])", re.IGNORECASE)
_NO_NUMBER = (
    r"(?! ?(?:[-+]?(?:\d+(?:\.\d+)?(?![\d.%])|\.\d)|nan|-?inf|n/a|none|\[ ?[-+.\d]+ ?[,\]]))"
)
_LEAD = r"(?:^|[|\])>,:-] ?|\binfo |^i )"
_LINE = re.compile(
    rf"[\[(<]{_WORDS}[\])>](?! ?[:=] ?[-+.\d])"  # [val] step 3, Epoch(val) [3][50/625]
    rf"|{_LEAD}{_WORDS} ?[|>-] {_NO_NUMBER}"  # | valid | epoch 003 |
    rf"|(?<![\w/.:-]){_WORDS} ?:{_NO_NUMBER}"  # Test: [10/40], Validation: 50%|###   |
    # validate step: 50, Validation of Epoch 3
    rf"|{_LEAD}{_WORDS} (?:of )?(?:epoch|step|iter|iteration|batch)[ :=#\[]{{1,3}}\d"
    r"|saving dict for global step",  # what an Estimator of TensorFlow says of an evaluation
    re.IGNORECASE,
)
# The words for test, validation and evaluation; a number behind them is of what they name.
_CHINESE = re.compile(r"(?:\u6d4b\u8bd5|\u9a8c\u8bc1|\u8bc4\u4f30)\D*$")
_CHINESE_TRAINING = "\u8bad\u7ec3"


def line_is_apart(text: str) -> bool:
    """Whether a line says, before its first loss, that it is of a validation or a test.

    A word that belongs to the name of a column says so of that column only.

    >>> line_is_apart("Test: [10/40] Loss 2.6"), line_is_apart("val acc: 0.5, train loss: 2.3")
    (True, False)
    """
    said = text[: text.lower().find("loss")]
    if not said.isascii() and _CHINESE.search(said) and _CHINESE_TRAINING not in said:
        return True
    return _LINE.search(said) is not None


def value_is_apart(value: object) -> bool:
    """Whether what stands in a column of splits means a validation or a test.

    >>> value_is_apart("val_unseen"), value_is_apart("train"), value_is_apart("train_val")
    (True, False, False)
    """
    return isinstance(value, str) and "train" not in value.lower() and bool(_VALUE.search(value))


def is_apart(row: Mapping[str, object]) -> bool:
    """Whether one of the columns of splits says so."""
    return any(value_is_apart(row[name]) for name in SPLITS & row.keys())


def apart(row: Row) -> Row:
    """The row under names that no training has; a user may still ask for them."""
    return {f"val/{name}": value for name, value in row.items()}
