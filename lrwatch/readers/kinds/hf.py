"""Hugging Face: trainer_state.json, the log history that the Trainer keeps with its checkpoints."""

from collections.abc import Iterator
from typing import BinaryIO

from lrwatch.readers.formats import Format, Head
from lrwatch.readers.kinds.json_objects import objects_in_list
from lrwatch.readers.lines import Damage, Row


def _recognises(head: Head) -> bool:
    return head.text.lstrip().startswith("{") and '"log_history"' in head.text


def _rows(file: BinaryIO, damage: Damage) -> Iterator[Row]:
    return objects_in_list(file, damage, after='"log_history"')


FORMAT = Format(
    name="hf-trainer",
    about="trainer_state.json of the Hugging Face Trainer",
    recognises=_recognises,
    rows=_rows,
    columns={"step": "step", "loss": "loss"},
    notes=(
        "every loss is the mean over logging_steps steps",
        "NaN and infinite losses may have been left out (logging_nan_inf_filter is on by default)",
    ),
)
