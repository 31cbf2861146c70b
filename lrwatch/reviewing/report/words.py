"""Words: the story of a run in sentences, for any kind of page."""

import math

import numpy as np

from lrwatch.readers.events.written_anew import written_anew
from lrwatch.records import Action
from lrwatch.reviewing.judging import worst
from lrwatch.reviewing.report.deeds import Deed
from lrwatch.reviewing.report.episodes import Episode
from lrwatch.reviewing.report.story import Story

_VERDICTS = {
    "too_high": "the learning rate was too high",
    "too_low": "the learning rate was too low",
    "healthy": "nothing says that the learning rate was wrong",
    "undecided": "too little to say whether the learning rate was right",
}
_SHARE = 0.02
_DONE = {True: "helped", False: "did not help", None: "not known"}


def headline(story: Story) -> str:
    """The verdict as half a sentence."""
    if story.verdict == "healthy" and (share := _lowered(story)) < 1.0:
        return f"nothing says that the rate was wrong once it was {share:.2g} of the schedule's"
    return _VERDICTS[story.verdict]


def _lowered(story: Story) -> float:
    """What the back-off had made of the scheduled rate by the end, as a factor."""
    actions = [deed.action for deed in story.deeds if not deed.action.dry_run]
    scales = [action.scale for action in actions if action.scale is not None]
    return scales[-1] if scales else 1.0


def lead(story: Story) -> list[str]:
    """What happened, in a few sentences."""
    sentences = [_course(story), _loss(story), _troubles(story), _done(story)]
    found = worst([episode.worst for episode in story.episodes])
    if found is not None and found.severity != "info":
        sentences.append(f"The worst: {found.kind} from step {found.onset:,}, {found.message}.")
        sentences += [f"To try: {found.advice}."] if found.advice else []
    return [sentence for sentence in sentences if sentence]


def footing(story: Story) -> list[str]:
    """What the report stands on."""
    read = ", ".join(f"{quantity} from {column}" for quantity, column in story.columns.items())
    sentences = [f"Read as {story.format}: {read}."]
    if story.is_watched:
        sentences = ["Alerts and actions are those that lrwatch wrote while the run trained."]
    sentences += [f"Note: {note}." for note in story.notes]
    if story.n_damaged:
        sentences.append(f"{story.n_damaged:,} damaged lines or records were left out.")
    return sentences


def when(episode: Episode) -> str:
    """From where to where it lasted."""
    end = "the end" if episode.end is None else f"{episode.end:,}"
    return f"{episode.onset:,} to {end}"


def done(action: Action) -> str:
    """What was done, and why."""
    words = [action.reason] if action.kind != "outcome" else []
    if action.lr_before is not None and action.lr_after is not None:
        before, after = number(action.lr_before), number(action.lr_after)
        words += [f"rate {before} to {after}"] if after != before else []
    if action.to_step is not None:
        words.append(f"back to step {action.to_step:,}")
    return "; ".join([*words, "dry run: nothing was changed"] if action.dry_run else words)


def outcome(deed: Deed) -> str:
    """Whether it helped, and since when that is known."""
    told = deed.outcome
    if told is None:
        return "" if deed.action.kind == "disarm" else "not known"
    at = "" if told is deed.action else f"; told at step {told.step:,}"
    return f"{_DONE[told.helped]}: {told.reason}{at}"


def number(x: float) -> str:
    """A number for people."""
    return f"{x:.3g}"


def _course(story: Story) -> str:
    steps, times = story.track.step, [t for t in story.track.time if not math.isnan(t)]
    if not steps:
        return "The log holds no steps."
    n_back = int(np.count_nonzero(np.diff(np.array(steps)) < 0))
    words = f"{len(steps):,} steps were logged, up to step {max(steps):,}"
    if story.n_steps > len(steps):
        words = f"{story.n_steps:,} steps were judged, and {len(steps):,} of them drawn"
    seconds = times[-1] - times[0] if len(times) > 1 else 0.0
    words += f", over {_duration(seconds)}" if seconds >= 1 else ""
    words += f"; the run went back to an earlier step {_times(n_back)}" if n_back else ""
    return words + "."


def _loss(story: Story) -> str:
    """Of what stands: not of steps that the run wrote anew after it went back."""
    stands = ~written_anew(np.array(story.track.step, np.int64))
    loss = np.where(stands, np.array(story.track.loss), np.nan)
    known = loss[np.isfinite(loss)]
    n_bad = int(stands[np.array(story.band.not_finite, np.int64)].sum())
    words = ""
    if len(known):
        n = max(1, int(len(known) * _SHARE))
        first, last = (number(float(np.median(part))) for part in (known[:n], known[-n:]))
        best = int(np.nanargmin(np.where(np.isfinite(loss), loss, np.nan)))
        words = f"The loss went from {first} to {last}, medians of the first and last {_SHARE:.0%}"
        words += f"; its lowest value was {number(loss[best])} at step {story.track.step[best]:,}"
    if n_bad:
        words += "; " if words else ""
        words += "one loss was" if n_bad == 1 else f"{n_bad:,} losses were"
        words += " NaN or infinite"
    return words + "." if words else ""


def _troubles(story: Story) -> str:
    n_left = sum(episode.end is None for episode in story.episodes)
    if not story.episodes:
        return "lrwatch found no trouble."
    words = f"lrwatch found {_counted(len(story.episodes), 'trouble')}"
    return words + (f", of which {n_left:,} never ended." if n_left else ", all of which ended.")


def _done(story: Story) -> str:
    actions = [deed.action for deed in story.deeds]
    done = [a for a in actions if a.kind not in ("outcome", "disarm") and not a.dry_run]
    kinds = {
        kind: sum(a.kind == kind for a in done) for kind in dict.fromkeys(a.kind for a in done)
    }
    words = ", ".join(f"{kind} {_times(n)}" for kind, n in kinds.items())
    return f"It acted: {words}." if words else ""


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _duration(seconds: float) -> str:
    for size, units in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {units}"
    return f"{seconds:.0f} seconds"
