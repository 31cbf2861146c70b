"""TensorBoard's Event messages, encoded by hand.

Importing the message classes of tensorboard costs most of a second, and its writers hang after a
fork and raise on a full disk; the six messages needed here are a few lines each. The tests read
them back with tensorboard's own classes.
"""

import functools
import math
import struct
from collections.abc import Iterable, Mapping

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DT_STRING = 7
_START = 1


def file_version(time_s: float) -> bytes:
    """The event that every file begins with."""
    return _double(1, time_s) + _text(3, "brain.Event:2")


def session_start(time_s: float, step: int) -> bytes:
    """From here on, what was told before about ``step`` and later steps no longer holds."""
    return _head(time_s, step) + _message(7, _integer(1, _START))


def scalars(time_s: float, step: int, values: Mapping[str, float]) -> bytes:
    """One event with a number for each tag."""
    found = b"".join([_until_number(tag) + _packed(x) for tag, x in values.items()])
    return _head(time_s, step) + _message(5, found)


def text(time_s: float, step: int, tag: str, markdown: str) -> bytes:
    """A text for the Text tab."""
    content = markdown.encode("utf-8", "replace")
    return _tensor_event(time_s, step, tag, content, plugin="text", shape=(1,))


def custom_scalars(time_s: float, layout: bytes) -> bytes:
    """The layout of the Custom Scalars tab, as :func:`layout` makes it."""
    tag = "custom_scalars__config__"
    return _tensor_event(time_s, 0, tag, layout, plugin="custom_scalars", shape=())


def layout(categories: Iterable[bytes]) -> bytes:
    """All categories, in their order."""
    return b"".join(_message(2, category) for category in categories)


def category(title: str, charts: Iterable[bytes]) -> bytes:
    """One titled row of charts."""
    return _text(1, title) + b"".join(_message(2, chart) for chart in charts)


def margin_chart(title: str, value: str, lower: str, upper: str) -> bytes:
    """A line within its band; all three tags need the same steps."""
    series = _text(1, value) + _text(2, lower) + _text(3, upper)
    return _text(1, title) + _message(3, _message(1, series))


def multiline_chart(title: str, patterns: Iterable[str]) -> bytes:
    """All tags that match one of the patterns, on one pair of axes."""
    return _text(1, title) + _message(2, b"".join(_text(1, p) for p in patterns))


def _tensor_event(
    time_s: float, step: int, tag: str, content: bytes, *, plugin: str, shape: tuple[int, ...]
) -> bytes:
    dims = b"".join(_message(2, _integer(1, n)) for n in shape)
    tensor = _integer(1, _DT_STRING) + _message(2, dims) + _message(8, content)
    metadata = _message(1, _text(1, plugin))
    value = _text(1, tag) + _message(8, tensor) + _message(9, metadata)
    return _head(time_s, step) + _message(5, _message(1, value))


def _head(time_s: float, step: int) -> bytes:
    return _double(1, time_s) + _integer(2, step)


def _varint(number: int) -> bytes:
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _integer(field: int, number: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(number)


def _double(field: int, number: float) -> bytes:
    return _varint(field << 3 | _FIXED64) + struct.pack("<d", number)


@functools.lru_cache(maxsize=256)
def _until_number(tag: str) -> bytes:
    """A number of a tag, but for the number: the same at every step."""
    name = _text(1, tag) + _varint(2 << 3 | _FIXED32)
    return _varint(1 << 3 | _BYTES) + _varint(len(name) + 4) + name


def _packed(number: float) -> bytes:
    """The number in 32 bits: infinite beyond their range, NaN where it is no number."""
    try:
        return struct.pack("<f", number)
    except OverflowError:
        return struct.pack("<f", math.copysign(math.inf, number))
    except (TypeError, ValueError, struct.error):
        return struct.pack("<f", math.nan)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _text(field: int, words: str) -> bytes:
    return _message(field, words.encode("utf-8", "replace"))
