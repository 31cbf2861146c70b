"""A cross-entropy that stands where guessing among classes of equal chance would put it."""

import math

from lrwatch.stats.signals import Signals

_FEW_CLASSES = (2, 10)
_VOCABULARIES = (28996, 30522, 32000, 32768, 49152, 50257, 65536, 100277)


def guessing(s: Signals) -> int:
    """The number of classes whose chance level the younger half of the run stands at, or 0."""
    half = s.blocks.means()[len(s.blocks) // 2 :]
    ordered = sorted(half)
    level = ordered[len(ordered) // 2]
    middle = len(half) // 2
    drift = abs(sum(half[:middle]) / middle - sum(half[middle:]) / (len(half) - middle))
    noise = s.recent.noise
    error = noise / math.sqrt(s.n / 16)
    known = _FEW_CLASSES + (_VOCABULARIES if s.n >= 32 else ())
    n_classes = min(known, key=lambda k: abs(level - math.log(k)))
    chance = math.log(n_classes)
    calm = noise < (0.1 if n_classes == 2 else 0.04) * chance and drift < 0.004 * chance + error
    near = abs(level - chance) < 0.004 * chance + 0.5 * error
    return n_classes if calm and near and abs(s.first_level - chance) < 0.5 * chance else 0
