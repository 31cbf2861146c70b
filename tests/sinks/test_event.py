"""The hand-encoded messages, read back with tensorboard's own classes."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import crc32c as reference_crc32c
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

from lrwatch.sinks import event
from lrwatch.sinks.charts import LAYOUT
from lrwatch.sinks.framing import crc32c, frame

FLOAT32 = st.floats(width=32)


@given(st.floats(allow_nan=False), st.integers(-(2**63), 2**63 - 1), FLOAT32)
def test_scalars_are_what_tensorboard_reads(time_s: float, step: int, value: float) -> None:
    found = Event.FromString(event.scalars(time_s, step, {"a": value, "µ/b": 1.0}))
    assert (found.wall_time, found.step) == (time_s, step)
    assert [v.tag for v in found.summary.value] == ["a", "µ/b"]
    assert found.summary.value[0].simple_value == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize(("value", "read"), [(1e300, math.inf), (-1e300, -math.inf)])
def test_a_value_beyond_float32_is_infinite(value: float, read: float) -> None:
    assert Event.FromString(event.scalars(0, 0, {"a": value})).summary.value[0].simple_value == read


def test_a_file_begins_as_tensorboard_expects() -> None:
    assert Event.FromString(event.file_version(1.5)).file_version == "brain.Event:2"
    start = Event.FromString(event.session_start(1.5, 40))
    assert (start.step, start.session_log.status) == (40, SessionLog.START)


def test_text_is_a_string_tensor_of_the_text_plugin() -> None:
    value = Event.FromString(event.text(0, 1, "tag", "# µ \udc80")).summary.value[0]
    assert value.metadata.plugin_data.plugin_name == "text"
    assert [dim.size for dim in value.tensor.tensor_shape.dim] == [1]
    assert list(value.tensor.string_val) == ["# µ ?".encode()]


def test_layout_puts_the_band_first() -> None:
    value = Event.FromString(event.custom_scalars(0, LAYOUT)).summary.value[0]
    layout = Layout.FromString(value.tensor.string_val[0])
    (band,) = layout.category[0].chart
    assert band.margin.series[0].lower == "lrwatch/loss_lo"
    assert [len(category.chart) for category in layout.category] == [1, 4]
    assert layout.category[1].chart[1].multiline.tag == ["lrwatch/alerts_total$"]


@given(st.binary(max_size=100))
def test_checksum_is_that_of_tensorboard(data: bytes) -> None:
    assert crc32c(data) == reference_crc32c(data)


def test_frame_holds_length_and_data() -> None:
    framed = frame(b"abc")
    assert struct.unpack("<Q", framed[:8]) == (3,)
    assert framed[12:15] == b"abc"
    assert len(framed) == 19
