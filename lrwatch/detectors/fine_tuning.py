"""Fine-tuning at a rate that fits training from scratch: the loss starts low, then leaps."""

from dataclasses import replace

from lrwatch.detectors.rates_to_try import TENTH
from lrwatch.records import Alert
from lrwatch.stats.signals import Signals

ADVICE = (
    "the model was pretrained and the loss leapt from its low start: this rate would do to train "
    "from scratch; fine-tune from the weights again with a tenth of it"
)


def for_pretrained(alert: Alert, s: Signals) -> Alert:
    """The alert, with advice on fine-tuning where the run lost what the model knew.

    It did where the loss rose above its first level by half of it and by three times the noise,
    was never clearly below since, and the alert blames the rate or tells of the leap itself. A
    model that starts with random weights may draw the same curve, so only whoever knows that it
    was pretrained may ask.

    Reference: J. Howard and S. Ruder, "Universal Language Model Fine-tuning for Text
    Classification", 2018, on low and slowly rising rates against catastrophic forgetting.

    Args:
        alert: An alert about a pretrained model.
        s: Signals at its step.
    """
    blames = alert.verdict == "too_high" or alert.kind in ("divergence", "overshoot")
    if alert.state == "closed" or not blames or not has_leapt(s):
        return alert
    instead = TENTH.evidence(alert.lr) if alert.lr and "lr_to_try" in alert.evidence else {}
    return replace(alert, advice=ADVICE, evidence={**alert.evidence, **instead})


def has_leapt(s: Signals) -> bool:
    """Whether the loss rose clearly above its first level and never went below; NaN is no level."""
    if not s.first:
        return False
    level = sorted(s.first[:3])[len(s.first[:3]) // 2]
    noise = 3.0 * s.recent.noise
    return s.peak - level > max(noise, 0.5 * abs(level)) and not s.best < level - noise
