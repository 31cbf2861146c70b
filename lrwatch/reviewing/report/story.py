"""A story: all that a report tells about one run, before it is put into words or lines."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import isfinite, nan

from lrwatch.readers.reading import Reading
from lrwatch.readers.source import Source
from lrwatch.records import Action, Step, Verdict
from lrwatch.reviewing.judging import judge
from lrwatch.reviewing.report.episodes import Episode, episodes
from lrwatch.reviewing.review import Track
from lrwatch.sinks.history import ledger_path, read_ledger
from lrwatch.watcher import Watcher

MAX_ACTIONS = 10_000


class Band:
    """Where each loss was expected, beside the Steps of a track; NaN where that is not known.

    Attributes:
        low: Lower end for each Step.
        high: Upper end.
        not_finite: Which of the Steps have a loss that is not a finite number.
    """

    def __init__(self) -> None:
        self.low, self.high = array("d"), array("d")
        self.not_finite = array("q")

    def of(self, steps: Iterator[Step]) -> Iterator[Step]:
        """Pass the Steps on."""
        watcher = Watcher()
        for step in steps:
            low, high = watcher.band or (nan, nan)
            if step.loss is not None and not isfinite(step.loss):
                self.not_finite.append(len(self.low))
            self.low.append(low)
            self.high.append(high)
            watcher.update(step)
            yield step


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One run.

    Attributes:
        name: What to call it.
        format: What wrote its log, in one word.
        verdict: Which way the rate is wrong, over the whole run.
        track: Its Steps, as columns.
        band: Where each loss was expected.
        episodes: What went wrong, in order.
        actions: What lrwatch did about it, in order.
        columns: Which columns of the log were read, by quantity.
        notes: What a reader of the numbers must know.
        n_damaged: Lines or records of the log that could not be read.
    """

    name: str
    format: str
    verdict: Verdict
    track: Track
    band: Band
    episodes: tuple[Episode, ...]
    actions: tuple[Action, ...]
    columns: dict[str, str]
    notes: tuple[str, ...]
    n_damaged: int


def tell(source: Source, asked: Mapping[str, str | None], *, name: str) -> Story:
    """Read and judge a run.

    Raises:
        LrwatchError: If it cannot be read.
    """
    reading, track, band = Reading(source, asked), Track(), Band()
    judged = judge(reading, track.of(band.of(reading)))
    chosen = reading.columns
    columns = {"loss": " + ".join(chosen.loss), "gradient norm": chosen.grad_norm or ""}
    columns |= {"rate": chosen.lr or "", "step": chosen.step or ""}
    return Story(
        name=name,
        format=reading.format,
        verdict=judged.verdict,
        track=track,
        band=band,
        episodes=tuple(episodes(judged.alerts)),
        actions=_actions(source) if reading.format == "lrwatch" else (),
        columns={quantity: column for quantity, column in columns.items() if column},
        notes=reading.notes,
        n_damaged=reading.n_damaged,
    )


def _actions(source: Source) -> tuple[Action, ...]:
    path = ledger_path(source.path)
    if not path.is_file():
        return ()
    found = (record for record in read_ledger(path) if isinstance(record, Action))
    return tuple(islice(found, MAX_ACTIONS))
