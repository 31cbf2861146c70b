"""The .wandb file of an offline run: blocks of records, of which damage costs as few as can be."""

import struct
import zlib
from pathlib import Path

import pytest

from lrwatch.readers.reading import read
from lrwatch.records import Step

BLOCK = 1 << 15
START = b":W&B\xe1\xbe\x00"


def varint(number: int) -> bytes:
    low, high = number & 127, number >> 7
    return bytes([low | 128]) + varint(high) if high else bytes([low])


def message(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def item(name: str, value: str, *nested: str) -> bytes:
    names = message(1, name.encode()) + b"".join(message(2, n.encode()) for n in nested)
    return message(1, names + message(16, value.encode()))


def history(*items: bytes) -> bytes:
    return b"\x08\x05" + message(2, b"".join(items))


def step(number: int) -> bytes:
    loss = item("train/loss", f"{1 / (number + 1)}")
    return history(item("_step", str(number)), loss, item("_timestamp", f"{1e9 + number}"))


def record(kind: int, content: bytes) -> bytes:
    crc = zlib.crc32(content, zlib.crc32(bytes([kind])))
    return struct.pack("<IHB", crc, len(content), kind) + content


def framed(messages: list[bytes]) -> bytes:
    data = START
    for content in messages:
        kinds = [1] if len(content) < 20_000 else [2, 3, 4]
        size = -(-len(content) // len(kinds))
        for i, kind in enumerate(kinds):
            part = content[i * size : (i + 1) * size]
            left = -len(data) % BLOCK
            if left < len(part) + 7:
                data += bytes(left)
            data += record(kind, part)
    return data


def numbers(path: Path) -> list[int]:
    return [step.step for step in read(path)]


def test_steps_values_and_times_are_read(tmp_path: Path) -> None:
    path = tmp_path / "run.wandb"
    path.write_bytes(framed([b"\x08\x01" + message(5, b"\x00"), step(0), step(1)]))
    reading = read(path)
    assert list(reading) == [Step(step=0, loss=1.0, time=1e9), Step(step=1, loss=0.5, time=1e9 + 1)]
    assert reading.format == "wandb"


def test_nested_numbers_texts_and_what_is_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "run.wandb"
    items = (
        item("_step", "3"),
        item("train", '{"loss": 2.5}'),
        item("optim", "NaN", "grad_norm"),
        item("note", '"loss"'),
        message(1, message(1, b"lr") + b"\x31" + struct.pack("<d", 0.25)),
    )
    path.write_bytes(framed([history(*items)]))
    assert repr(list(read(path))) == repr([Step(step=3, loss=2.5, grad_norm=float("nan"), lr=0.25)])


def test_the_step_of_a_row_is_that_of_its_own_field_where_no_item_says_it(tmp_path: Path) -> None:
    path = tmp_path / "run.wandb"
    whole = message(1, message(1, b"loss") + b"\x28" + varint(3))
    of_row = message(2, b"\x08" + varint(7))
    data = [b"\x08\x05" + message(2, whole + of_row), history(item("_step", "9"), whole, of_row)]
    path.write_bytes(framed(data))
    assert list(read(path)) == [Step(step=7, loss=3.0), Step(step=9, loss=3.0)]


def test_a_record_that_is_no_protocol_buffer_is_damage_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.wandb"
    path.write_bytes(framed([step(0), message(2, b"\x0a\x7fshort"), step(1)]))
    reading = read(path)
    assert [step.step for step in reading] == [0, 1]
    assert reading.n_damaged == 1


def test_a_message_over_several_blocks_is_put_together(tmp_path: Path) -> None:
    path = tmp_path / "run.wandb"
    long = history(item("note", '"' + "x" * 90_000 + '"'), item("_step", "1"), item("loss", "2.0"))
    path.write_bytes(framed([history(item("_step", "0"), item("loss", "3.0")), long]))
    assert list(read(path)) == [Step(step=0, loss=3.0), Step(step=1, loss=2.0)]


def test_cut_anywhere_the_whole_records_are_read(tmp_path: Path) -> None:
    path = tmp_path / "run.wandb"
    whole = framed([step(i) for i in range(4)])
    ends = [len(framed([step(i) for i in range(n)])) for n in range(5)]
    for n_bytes in range(ends[1], len(whole) + 1):
        path.write_bytes(whole[:n_bytes])
        reading = read(path)
        n_steps = len(list(reading))
        assert n_steps == sum(n_bytes >= end for end in ends) - 1
        assert reading.n_damaged == 0


@pytest.mark.parametrize("at", [5000, 40_000])
def test_damage_costs_the_rest_of_its_block(tmp_path: Path, at: int) -> None:
    path = tmp_path / "run.wandb"
    data = bytearray(framed([step(i) for i in range(1500)]))
    data[at] ^= 1
    path.write_bytes(data)
    reading = read(path)
    found = [step.step for step in reading]
    lost = sorted(set(range(1500)) - set(found))
    assert found == sorted(found)
    assert lost == list(range(lost[0], lost[-1] + 1))
    assert len(lost) * len(step(0)) < BLOCK
    assert reading.n_damaged == 1


def test_a_message_without_an_end_is_dropped_and_the_next_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.wandb"
    pieces = [(2, step(0)[:9]), (1, step(1)), (2, step(2)[:9]), (2, step(3)[:9]), (4, step(3)[9:])]
    path.write_bytes(START + b"".join(record(kind, content) for kind, content in pieces))
    assert numbers(path) == [1, 3]
