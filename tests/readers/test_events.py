"""The event reader gives TensorBoard's own values, and loses only what was hit by damage."""

import math
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.util.tensor_util import make_ndarray
from torch.utils.tensorboard import SummaryWriter

from lrwatch.readers.events.events import Tags, read_scalars, superseded
from lrwatch.readers.events.framing import Health

Points = list[tuple[int, float, float]]


def framed(data: bytes) -> bytes:
    head = struct.pack("<Q", len(data))
    crcs = [struct.pack("<I", masked_crc32c(part)) for part in (head, data)]
    return head + crcs[0] + data + crcs[1]


def scalar(step: int, value: float, tag: str = "loss") -> bytes:
    summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
    return framed(Event(wall_time=1e9 + step, step=step, summary=summary).SerializeToString())


def run_of(n_steps: int) -> list[bytes]:
    version = framed(Event(wall_time=1e9, file_version="brain.Event:2").SerializeToString())
    return [version, *(scalar(step, 1 / (step + 1)) for step in range(n_steps))]


def ours(*paths: Path) -> tuple[dict[str, Points], Health]:
    tags, health = Tags(), Health()
    scalars = read_scalars(paths, tags, health)
    shown = scalars[~superseded(scalars)]
    found: dict[str, Points] = {}
    for number, name in enumerate(tags.names):
        of_tag = shown[shown.tags == number]
        columns = (of_tag.steps.tolist(), of_tag.times.tolist(), of_tag.values.tolist())
        found[name] = list(zip(*columns, strict=True))
    return found, health


def theirs(path: Path) -> dict[str, Points]:
    accumulator = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0})
    accumulator.Reload()
    found = {}
    for tag in accumulator.Tags()["scalars"]:
        found[tag] = [(e.step, e.wall_time, e.value) for e in accumulator.Scalars(tag)]
    for tag in accumulator.Tags()["tensors"]:
        values = [(e, make_ndarray(e.tensor_proto)) for e in accumulator.Tensors(tag)]
        points = [(e.step, e.wall_time, a.item()) for e, a in values if a.dtype.kind == "f"]
        found.update({tag: points} if points else {})
    return found


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*tfevents*"))


def assert_same(found: dict[str, Points], wanted: dict[str, Points]) -> None:
    assert found.keys() == wanted.keys()
    for tag, points in wanted.items():
        np.testing.assert_array_equal(np.array(found[tag]), np.array(points))


@pytest.mark.parametrize("new_style", [False, True])
def test_every_value_is_tensorboards_in_both_scalar_styles(tmp_path: Path, new_style: bool) -> None:
    special = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, 3e38, 1e300]
    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(300):
            writer.add_scalar("train/loss", 1 / (step + 1), step, new_style=new_style)
            writer.add_scalar("lr", special[step % 8], step, new_style=new_style)
            if step % 50 == 0:
                writer.add_histogram("weights", np.arange(step + 2), step)
                writer.add_text("note", "words " * step, step)
                writer.add_scalars("two", {"a": step, "b": -step}, step)
        writer.add_scalar("no step", 1.0, new_style=new_style)
        for step in (127, 128, 2**14, 2**31, 2**62, -1, -(2**40)):
            writer.add_scalar("far", step, step, new_style=new_style)
    found, health = ours(*files(tmp_path))
    assert_same(found, theirs(tmp_path))
    assert health == Health()


def test_files_of_a_run_follow_each_other_and_a_later_session_supersedes(tmp_path: Path) -> None:
    for purge_step, steps in ((0, range(100)), (60, range(60, 120)), (90, range(90, 130))):
        writer = SummaryWriter(str(tmp_path / "new"), purge_step=purge_step)
        for step in steps:
            writer.add_scalar("loss", purge_step + step, step)
        writer.close()
        (file,) = files(tmp_path / "new")
        file.rename(tmp_path / f"events.out.tfevents.{purge_step}")  # the writer's 10 is before 9
    (tmp_path / "new").rmdir()
    found, _ = ours(*files(tmp_path))
    assert_same(found, theirs(tmp_path))
    assert [step for step, _, _ in found["loss"]] == list(range(130))


@pytest.mark.parametrize(
    "tensor",
    [
        TensorProto(dtype=1, float_val=[2.5]),
        TensorProto(dtype=1, tensor_content=struct.pack("<f", 2.5)),
        TensorProto(dtype=2, double_val=[0.1]),
        TensorProto(dtype=2, tensor_content=struct.pack("<d", 0.1)),
    ],
    ids=["float_val", "float content", "double_val", "double content"],
)
def test_a_tensor_of_one_number_is_a_scalar(tmp_path: Path, tensor: TensorProto) -> None:
    value = Summary.Value(tag="loss", tensor=tensor)
    events = [Event(step=step, summary=Summary(value=[value])) for step in range(40)]
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(framed(event.SerializeToString()) for event in events))
    assert_same(ours(path)[0], theirs(path))


def test_a_tensor_of_more_numbers_or_of_words_is_no_scalar(tmp_path: Path) -> None:
    tensors = [
        TensorProto(dtype=1, float_val=[1.0, 2.0]),
        TensorProto(dtype=7, string_val=[b"1234"]),
        TensorProto(dtype=3, int_val=[4]),
        TensorProto(dtype=1, float_val=[1.0], tensor_content=struct.pack("<f", 2.0)),
        TensorProto(dtype=1, tensor_shape=TensorShapeProto(dim=[{"size": 2}]), float_val=[1.0]),
    ]
    values = [Summary.Value(tag="x", tensor=tensor) for tensor in tensors]
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(framed(Event(step=1, summary=Summary(value=values)).SerializeToString()))
    assert ours(path)[0] == {}


def test_several_values_in_one_event_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    values = [
        Summary.Value(tag=tag, simple_value=i) for i, tag in enumerate(("loss", "lr", "norm"))
    ]
    events = [Event(step=step, wall_time=step, summary=Summary(value=values)) for step in range(50)]
    path.write_bytes(b"".join(framed(event.SerializeToString()) for event in events))
    assert_same(ours(path)[0], theirs(path))


def test_a_tag_for_every_value_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(scalar(7, i, tag=f"tag {i:04}") for i in range(3000)))
    found, _ = ours(path)
    assert [found[f"tag {i:04}"][0][2] for i in range(3000)] == list(range(3000))


def test_a_rhythm_of_tags_that_changes_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    tags = {1: "loss", 7: "gradient norm", 50: "a much longer name of an evaluation", 333: "x"}
    written = [(step, tag) for step in range(2000) for n, tag in tags.items() if step % n == 0]
    records = [scalar(step, step / 7, tag=tag) for step, tag in written]
    path.write_bytes(b"".join(records))
    assert_same(ours(path)[0], theirs(path))


@pytest.mark.parametrize("hit", [5, 127, 128, 1000, 1500, 2999])
@pytest.mark.parametrize("byte", [0, 3, 9, 20, -1])
def test_damage_in_a_steady_rhythm_costs_one_record(tmp_path: Path, hit: int, byte: int) -> None:
    path = tmp_path / "events.out.tfevents.1"
    records = [scalar(1000 + step, step / 7) for step in range(3000)]
    broken = bytearray(records[hit])
    broken[byte] ^= 0x10
    records[hit] = bytes(broken)
    path.write_bytes(b"".join(records))
    found, health = ours(path)
    assert [s - 1000 for s, _, _ in found["loss"]] == [s for s in range(3000) if s != hit]
    assert health.n_damaged == 1


def test_cut_at_any_byte_every_whole_record_is_read(tmp_path: Path) -> None:
    records = run_of(20)
    whole, ends = b"".join(records), np.cumsum([len(record) for record in records])
    path = tmp_path / "events.out.tfevents.1"
    for n_bytes in range(len(whole) + 1):
        path.write_bytes(whole[:n_bytes])
        found, health = ours(path)
        n_whole = int(np.searchsorted(ends, n_bytes, side="right"))
        assert len(found.get("loss", [])) == max(n_whole - 1, 0)
        assert health.n_damaged == 0
        assert (health.n_torn_bytes > 0) == (n_bytes not in (0, *ends))


def test_any_flipped_byte_costs_only_the_record_it_hits(tmp_path: Path) -> None:
    records = run_of(20)
    whole, ends = b"".join(records), np.cumsum([len(record) for record in records])
    path = tmp_path / "events.out.tfevents.1"
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        found, health = ours(path)
        hit = int(np.searchsorted(ends, at, side="right")) - 1
        assert [step for step, _, _ in found["loss"]] == [s for s in range(20) if s != hit]
        assert health.n_damaged == 1


def test_damage_far_apart_in_a_long_file_is_counted_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.readers.events.framing.CHUNK", 1000)
    records = run_of(500)
    for hit in (3, 100, 101, 499):
        records[hit] = b"\x55" * len(records[hit])
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(records))
    found, health = ours(path)
    assert [s for s, _, _ in found["loss"]] == [s for s in range(500) if s not in (2, 99, 100, 498)]
    assert health.n_damaged == 3


@pytest.mark.parametrize("n_zeros", [1, 11, 12, 4096])
def test_zeros_at_the_end_are_no_damage(tmp_path: Path, n_zeros: int) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(run_of(30)) + bytes(n_zeros))
    found, health = ours(path)
    assert len(found["loss"]) == 30
    assert health == Health()


def test_a_record_that_claims_a_tebibyte_is_passed_over(tmp_path: Path) -> None:
    head = struct.pack("<Q", 1 << 40)
    claim = head + struct.pack("<I", masked_crc32c(head))
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join([*run_of(5), claim, scalar(5, 0.5)]))
    found, health = ours(path)
    assert [step for step, _, _ in found["loss"]] == [0, 1, 2, 3, 4, 5]
    assert health.n_damaged == 1


def test_a_last_record_that_claims_a_tebibyte_is_damage_and_not_torn(tmp_path: Path) -> None:
    head = struct.pack("<Q", 1 << 40)
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join([*run_of(5), head, struct.pack("<I", masked_crc32c(head)), b"rest"]))
    assert ours(path)[1] == Health(n_damaged=1)


@pytest.mark.parametrize("chunk", range(150, 200))
def test_a_record_is_found_again_wherever_the_pieces_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr("lrwatch.readers.events.framing.CHUNK", chunk)
    records = run_of(30)
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join([*records[:5], b"\x55" * 400, *records[5:]]))
    found, health = ours(path)
    assert (len(found["loss"]), health.n_damaged) == (30, 1)


def test_a_record_over_the_cap_is_stepped_over_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.readers.events.framing.MAX_RECORD", 1000)
    monkeypatch.setattr("lrwatch.readers.events.framing.CHUNK", 700)
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join([*run_of(5), framed(bytes(1001)), framed(bytes(1000)), scalar(5, 0)]))
    found, health = ours(path)
    assert len(found["loss"]) == 6
    assert (health.n_oversized, health.n_damaged) == (1, 0)


def test_a_long_record_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    long = framed(bytes(range(256)) * 300)
    for record, n_damaged in ((long, 0), (long.replace(b"\x07\x08", b"\x08\x07", 1), 1)):
        path.write_bytes(b"".join([*run_of(2), record]))
        assert ours(path)[1].n_damaged == n_damaged


def test_a_file_appended_to_a_torn_one_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(run_of(10))[:-3] + b"".join(run_of(4)))
    found, health = ours(path)
    assert [step for step, _, _ in found["loss"]] == [*range(9), *range(4)]
    assert health.n_damaged == 2  # the torn record, and the one whose beginning it swallows


def test_a_start_mark_supersedes_what_came_before_and_lies_ahead(tmp_path: Path) -> None:
    start = Event(step=3, session_log=SessionLog(status=SessionLog.START))
    path = tmp_path / "events.out.tfevents.1"
    mark = framed(start.SerializeToString())
    path.write_bytes(b"".join([*run_of(6), mark, scalar(3, 9.0), scalar(4, 9.0)]))
    assert_same(ours(path)[0], theirs(path))
    assert [value for _, _, value in ours(path)[0]["loss"]][3:] == [9.0, 9.0]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz") / "events.out.tfevents.1"


@given(
    data=st.lists(
        st.one_of(
            st.binary(max_size=80),
            st.binary(max_size=80).map(framed),
            st.integers(0, 9).map(lambda step: scalar(step, 1.0)),
        ),
        max_size=20,
    ).map(b"".join)
)
def test_no_bytes_make_the_reader_fail(scratch: Path, data: bytes) -> None:
    scratch.write_bytes(data)
    found, health = ours(scratch)
    assert sum(map(len, found.values())) * 16 + health.n_torn_bytes <= len(data)


@given(
    n_records=st.integers(1, 60),
    flips=st.dictionaries(st.integers(0, 2999), st.integers(1, 255), max_size=5),
)
def test_damage_loses_at_most_one_record_for_each_byte(
    scratch: Path, n_records: int, flips: dict[int, int]
) -> None:
    data = bytearray(b"".join(run_of(n_records)))
    for at, mask in flips.items():
        data[at % len(data)] ^= mask
    scratch.write_bytes(data)
    found, health = ours(scratch)
    assert len(found.get("loss", [])) >= n_records - len(flips)
    assert health.n_damaged <= len(flips)
