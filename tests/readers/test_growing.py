"""A log that grows gives, in the end, the Steps of the whole, wherever it was cut on the way."""

import json
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.tensorboard import SummaryWriter

from lrwatch.errors import LrwatchError
from lrwatch.readers.growing import GrowingLog
from lrwatch.readers.reading import read
from lrwatch.records import Step

N_STEPS = 120


def csv_log() -> bytes:
    rows = "".join(f"{i},{1 / (i + 1)},{i % 7},0.1\n" for i in range(N_STEPS))
    return b"step,loss,grad_norm,lr\n" + rows.encode()


def lightning_log() -> bytes:
    rows = []
    for i in range(N_STEPS):
        rows.append(f"{i // 40},{i},{1 / (i + 1)},,\n")
        rows.append(f"{i // 40},{i},,0.5,\n")
        rows += [f"{i // 40},{i},,,2.5\n"] if i % 40 == 39 else []
    return ("epoch,step,train_loss,lr-SGD,val_loss\n" + "".join(rows)).encode()


def keras_log() -> bytes:
    rows = "".join(f"{i},0.5,{2 / (i + 1)}\n" for i in range(60))
    return b"\xef\xbb\xbfepoch,accuracy,loss\n" + rows.encode()


def jsonl_log() -> bytes:
    rows = [{"step": i, "loss": float("nan") if i == 60 else 1 / (i + 1)} for i in range(N_STEPS)]
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def epochs_log() -> bytes:
    """A text log in which the step starts again with every epoch, which the first lines hide."""
    rows = [
        f"[{e + 1}, {i:5d}] loss: {1 / (e * 30 + i):.5f}\r\n"
        for e in range(4)
        for i in range(1, 31)
    ]
    return "".join(rows).encode()


def late_log() -> bytes:
    """A text log of which the loss comes after a long head, beside another loss that came first."""
    head = "".join(f"config {i} = {i}\n" for i in range(50))
    rows = "".join(
        f"step {i}: aux_loss {i % 3}\n" + (f"step {i}: train loss {1 / (i + 1)}\n" if i > 9 else "")
        for i in range(N_STEPS)
    )
    return (head + rows).encode("utf-16")


def in_epoch_log() -> bytes:
    rows = "".join(f"{e},{i},{1 / (e * 30 + i + 1)}\n" for e in range(4) for i in range(30))
    return b"epoch,step,loss\n" + rows.encode()


def yolo_log() -> bytes:
    rows = "".join(f"  {i},  {1 / (i + 1)}, {2 / (i + 1)}, 0.5, 0.01\n" for i in range(60))
    return b"epoch, train/box_loss, train/cls_loss, metrics/mAP, lr/pg0\n" + rows.encode()


def yolov5_log() -> bytes:
    rows = (f"   {i}/99  1.2G  {1 / (i + 1):.4f} 0.01 0.02  0.1 20 640\n" for i in range(60))
    return "".join(rows).encode()


def algoperf_log() -> bytes:
    rows = "".join(f"{i},{1 / (i + 1)},1.5,{i * 2}\n" for i in range(60))
    return b"global_step,loss,grad_norm,accumulated_submission_time\n" + rows.encode()


def wandb_log() -> bytes:
    def message(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    data = b":W&B\xe1\xbe\x00"
    for i in range(1500):
        pairs = (("_step", str(i)), ("loss", f"{1 / (i + 1)}"))
        items = [message(1, message(1, n.encode()) + b"\x82\x01" + bytes([len(v)]) + v.encode())
                 for n, v in pairs]  # fmt: skip
        content = b"\x08\x05" + message(2, b"".join(items))
        left = -len(data) % (1 << 15)
        data += bytes(left) if left < len(content) + 7 else b""
        data += struct.pack("<IHB", zlib.crc32(content, zlib.crc32(b"\x01")), len(content), 1)
        data += content
    return data


def hf_log() -> bytes:
    history = [{"loss": 1 / (i + 1), "step": 5 * i, "learning_rate": 0.1} for i in range(N_STEPS)]
    return json.dumps({"epoch": 1.0, "log_history": history}, indent=1).encode()


LOGS: dict[str, Callable[[], bytes]] = {
    "csv": csv_log,
    "lightning": lightning_log,
    "keras": keras_log,
    "jsonl": jsonl_log,
    "epochs": epochs_log,
    "late": late_log,
    "in epoch": in_epoch_log,
    "yolo": yolo_log,
    "yolov5": yolov5_log,
    "algoperf": algoperf_log,
    "wandb": wandb_log,
    "hf": hf_log,
}


LOGS_OPEN: list[GrowingLog] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while LOGS_OPEN:
        LOGS_OPEN.pop().close()


class Seen:
    """The Steps since the log last began."""

    def __init__(self, path: Path, **asked: str) -> None:
        self.log = GrowingLog(path, asked)
        LOGS_OPEN.append(self.log)
        self.steps: list[Step] = []
        self._n_begun = 0

    def poll(self) -> list[Step]:
        return self._kept(self.log.poll())

    def settle(self) -> list[Step]:
        return self._kept(self.log.settle())

    def _kept(self, steps: Iterator[Step]) -> list[Step]:
        new = []
        for step in steps:
            if self.log.n_begun != self._n_begun:
                self._n_begun, self.steps = self.log.n_begun, []
            self.steps.append(step)
            new.append(step)
        return new


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def same(found: list[Step], wanted: list[Step]) -> bool:
    return repr(found) == repr(wanted)


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("seed", range(4))
def test_steps_are_those_of_the_whole_wherever_it_was_cut(
    tmp_path: Path, name: str, seed: int
) -> None:
    path, data, rng = tmp_path / "log", LOGS[name](), random.Random(seed)
    seen, at = Seen(path), 0
    while at < len(data):
        n_bytes = rng.choice([1, 7, 100, 1000, 20_000])
        append(path, data[at : at + n_bytes])
        at += n_bytes
        seen.poll()
    seen.settle()
    assert seen.log.format == read(path).format
    assert same(seen.steps, list(read(path)))
    assert len(seen.steps) >= 60
    assert seen.log.problem is None


def event_data(folder: Path, *, counted: bool = False) -> bytes:
    with SummaryWriter(str(folder)) as writer:
        for i in range(N_STEPS):
            step = 0 if counted else i
            if i % 10 == 0 or counted:
                writer.add_scalar("lr", 0.1 / (i + 1), step + 1)
            writer.add_scalar("train/loss", 1 / (i + 1), step)
            writer.add_scalar("grad_norm", i % 5, step)
            writer.add_scalar("eval/loss", 3.0, step)
    (path,) = folder.iterdir()
    return path.read_bytes()


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_an_event_file_is_read_record_by_record(tmp_path: Path, seed: int, counted: bool) -> None:
    data, rng = event_data(tmp_path / "whole", counted=counted), random.Random(seed)
    path = tmp_path / "run" / "events.out.tfevents.1"
    path.parent.mkdir()
    seen, at = Seen(path.parent), 0
    while at < len(data):
        n_bytes = rng.choice([1, 30, 500, 3000])
        append(path, data[at : at + n_bytes])
        at += n_bytes
        seen.poll()
    seen.settle()
    assert same(seen.steps, list(read(tmp_path / "whole")))
    assert seen.log.damage.n_bad == 0


def test_a_damaged_record_costs_itself_while_the_file_grows(tmp_path: Path) -> None:
    data = bytearray(event_data(tmp_path / "whole"))
    data[3000] ^= 1
    path = tmp_path / "run" / "events.out.tfevents.1"
    path.parent.mkdir()
    seen = Seen(path.parent)
    for at in range(0, len(data), 777):
        append(path, bytes(data[at : at + 777]))
        seen.poll()
    seen.settle()
    reading = read(path)
    assert same(seen.steps, list(reading))
    assert seen.log.damage.n_bad == reading.n_damaged == 1


def test_zeros_where_a_disk_is_not_yet_up_to_date_are_read_again(tmp_path: Path) -> None:
    data = event_data(tmp_path / "whole")
    path = tmp_path / "run" / "events.out.tfevents.1"
    path.parent.mkdir()
    path.write_bytes(data[:3000] + bytes(500))
    seen = Seen(path.parent)
    seen.poll()
    with path.open("r+b") as file:
        file.seek(3000)
        file.write(data[3000:])
    seen.poll()
    seen.settle()
    assert same(seen.steps, list(read(tmp_path / "whole")))


def test_a_resumed_run_adds_a_file(tmp_path: Path) -> None:
    seen = Seen(tmp_path)
    for number, steps in ((1, range(50)), (2, range(40, 80))):
        with SummaryWriter(str(tmp_path), filename_suffix=f".{number}") as writer:
            for step in steps:
                writer.add_scalar("loss", step, step)
        (new,) = tmp_path.glob("events.*")
        new.rename(tmp_path / f"tfevents.{number}")
        seen.poll()
    seen.settle()
    assert same(seen.steps, list(read(tmp_path)))
    assert [step.step for step in seen.steps][48:52] == [48, 49, 40, 41]


def test_nothing_is_read_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(csv_log())
    monkeypatch.setattr("lrwatch.readers.growing_rows.HEAD_ROWS", 50)
    monkeypatch.setattr("lrwatch.readers.growing_rows.HEAD", 1000)
    seen = Seen(path)
    seen.poll()
    file = seen.log._log._file.file  # type: ignore[union-attr]
    for i in range(N_STEPS, N_STEPS + 50):
        append(path, f"{i},0.5,1,0.1\n".encode())
        seen.poll()
        assert file.tell() == path.stat().st_size
    assert len(seen.steps) == N_STEPS + 49
    assert seen.log.n_begun == 1


def test_a_step_is_whole_when_the_next_begins_or_nothing_comes(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": 2.0, "lr": 1}\n{"step": 2, "loss": 1.0}\n')
    seen = Seen(path)
    assert seen.poll() == [Step(step=1, loss=2.0, lr=1.0)]
    append(path, b'{"step": 2, "lr": 0.5}\n')
    assert seen.poll() == []
    assert seen.settle() == [Step(step=2, loss=1.0, lr=0.5)]
    assert seen.settle() == []
    append(path, b'{"step": 2, "lr": 0.25}\n{"step": 3, "loss": 0.5}\n')
    assert seen.poll() == []
    assert seen.settle() == [Step(step=3, loss=0.5)]


def test_a_file_that_was_cut_short_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(csv_log())
    seen = Seen(path)
    seen.poll()
    path.write_bytes(b"step,loss\n0,5\n1,4\n")
    seen.poll()
    seen.settle()
    assert seen.steps == [Step(step=0, loss=5.0), Step(step=1, loss=4.0)]


def test_a_file_that_was_written_anew_and_longer_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,loss\n" + "".join(f"{i},{i}\n" for i in range(40)))
    seen = Seen(path)
    seen.poll()
    path.write_text("step,loss,lr\n" + "".join(f"{i},{i},0.5\n" for i in range(50)))
    seen.poll()
    seen.settle()
    assert same(seen.steps, list(read(path)))


def test_a_file_that_was_replaced_is_read_to_its_end_and_then_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n0,5\n")
    seen = Seen(path)
    seen.poll()
    append(path, b"1,4\n2,3\n")
    path.rename(tmp_path / "log.csv.1")
    path.write_text("step,loss\n3,2\n4,1\n")
    found = [step.step for _ in range(3) for step in seen.poll()]
    assert found == [0, 1, 3]


def test_a_log_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    seen = Seen(tmp_path / "log.csv")
    assert seen.poll() == []
    assert "no such file" in str(seen.log.problem)
    (tmp_path / "log.csv").touch()
    assert seen.poll() == []
    assert "is empty" in str(seen.log.problem)
    append(tmp_path / "log.csv", b"step,val_loss\n0,1\n")
    assert seen.poll() == []
    assert "no column is a training loss" in str(seen.log.problem)
    append(tmp_path / "log.csv", b"1,2\n")
    seen.poll()
    assert seen.log.format == "csv"


def test_a_folder_becomes_a_run_when_a_log_appears(tmp_path: Path) -> None:
    seen = Seen(tmp_path)
    assert seen.poll() == []
    assert "no log of a run yet" in str(seen.log.problem)
    (tmp_path / "log.csv").write_bytes(csv_log())
    assert len(seen.poll()) == N_STEPS - 1
    assert seen.log.problem is None


def test_columns_that_the_user_names_are_used(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("step,loss_G,loss_D\n0,1,2\n1,1,3\n2,1,4\n")
    seen = Seen(tmp_path / "log.csv", loss="loss_D")
    assert [step.loss for step in seen.poll()] == [2.0, 3.0]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_takes_the_place_of_a_log_is_an_error_and_never_waited_for(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(csv_log())
    seen = Seen(path)
    seen.poll()
    path.unlink()
    make(path)
    with pytest.raises(LrwatchError, match="expected a regular file"):
        seen.poll()


def test_a_line_without_end_takes_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "log.csv"
    path.write_bytes(b"step,loss\n0,1\n1,1\n")
    seen = Seen(path)
    seen.poll()
    with path.open("ab") as file:
        file.truncate(1 << 28)
    append(path, b"\n2,1\n3,1\n")
    tracemalloc.start()
    seen.poll()
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()
    assert [step.step for step in seen.steps] == [0, 1, 2]
    assert seen.log.damage.n_bad == 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_bytes_of_any_kind_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int]
) -> None:
    path = tmp_path_factory.mktemp("any") / "log"
    seen, edges = Seen(path), sorted({0, *(min(cut, len(data)) for cut in cuts), len(data)})
    head = b"step,loss\n0,1\n1,2\n"
    for a, b in pairwise(edges):
        append(path, data[a:b] if a else head + data[a:b])
        seen.poll()
    seen.log.close()
    assert seen.log.format in ("csv", "")
