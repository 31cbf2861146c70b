"""A story: all that a report tells about one run, before it is put into words or lines."""

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, nan

from lrwatch.readers.reading import Reading
from lrwatch.readers.source import Source
from lrwatch.records import Step, Verdict
from lrwatch.reviewing.drawn import Curves, drawn_by_watch
from lrwatch.reviewing.judging import is_watched, judge
from lrwatch.reviewing.report.deeds import Deed, deeds
from lrwatch.reviewing.report.episodes import Episode, episodes
from lrwatch.reviewing.review import Track
from lrwatch.watcher import Watcher


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
        is_watched: Whether alerts, actions and verdict are those of lrwatch's watch of the run.
        verdict: Which way the rate is wrong, over the whole run.
        n_steps: How many steps were judged.
        track: Its Steps, as columns.
        band: Where each loss was expected.
        episodes: What went wrong, in order.
        deeds: What lrwatch did about it, in order.
        drawn: What it drew while it watched the run; None where it did not.
        columns: Which columns of the log were read, by quantity.
        notes: What a reader of the numbers must know.
        n_damaged: Lines or records of the log that could not be read.
    """

    name: str
    format: str
    is_watched: bool
    verdict: Verdict
    n_steps: int
    track: Track
    band: Band
    episodes: tuple[Episode, ...]
    deeds: tuple[Deed, ...]
    drawn: Curves | None
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
        is_watched=is_watched(reading),
        verdict=judged.verdict,
        n_steps=judged.n_steps,
        track=track,
        band=band,
        episodes=tuple(episodes(judged.alerts)),
        deeds=tuple(deeds(judged.actions)),
        drawn=drawn_by_watch(reading.path) if is_watched(reading) else None,
        columns={quantity: column for quantity, column in columns.items() if column},
        notes=reading.notes + judged.notes,
        n_damaged=reading.n_damaged,
    )
