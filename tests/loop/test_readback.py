"""Numbers on their way from a device: judged late and in order, and never waited for.

No device is needed: a queue that runs when the test says so stands in for one.
"""

from collections import deque
from collections.abc import Callable

import pytest
import torch
from torch import nn

from lrwatch import attach
from lrwatch.loop.device.readback import Readback
from lrwatch.loop.device.ring import N_SLOTS, Ring
from lrwatch.loop.device.slot import Slot
from lrwatch.loop.gradient.grad_norm import Cadence
from lrwatch.loop.judgement.judge import Judge
from lrwatch.loop.recorder import Recorder
from lrwatch.watcher import Watcher
from tests.loop.training import Told, loss_of, small_model, train


class WaitedError(BaseException):
    """Somebody waited for the device; no guard holds it back."""


class Device:
    """A queue of work, as a device has it."""

    def __init__(self, n_slots: int = N_SLOTS) -> None:
        self.queue: deque[Callable[[], None]] = deque()
        self.may_wait = False
        self.n_slots = n_slots

    def run(self, n: int | None = None) -> None:
        for _ in range(len(self.queue) if n is None else n):
            self.queue.popleft()()

    def ring(self, dtype: torch.dtype, device: torch.device) -> Ring:
        return DeviceRing(self, dtype, self.n_slots)


class DeviceEvent:
    def __init__(self, device: Device) -> None:
        self.device = device
        self.passed = True

    def record(self) -> None:
        self.passed = False
        self.device.queue.append(self._pass)

    def query(self) -> bool:
        return self.passed

    def synchronize(self) -> None:
        if not self.passed and not self.device.may_wait:
            raise WaitedError
        while not self.passed:
            self.device.run(1)

    def _pass(self) -> None:
        self.passed = True


class DeviceRing(Ring):
    def __init__(self, device: Device, dtype: torch.dtype, n_slots: int) -> None:
        super().__init__(torch.full((n_slots,), 7, dtype=dtype), lambda: DeviceEvent(device))
        self.device = device

    def copy(self, index: int, value: torch.Tensor) -> None:
        queued = value.detach().clone()

        def arrive() -> None:
            self._buffer[index] = queued

        self.device.queue.append(arrive)


class DeviceReadback(Readback):
    """Takes every tensor for one on the device."""

    def read(self, value: torch.Tensor) -> float | Slot | None:
        return self.send(value)


class Loop:
    """A loop on the device, stepped by hand."""

    def __init__(self, n_slots: int = N_SLOTS) -> None:
        self.device = Device(n_slots)
        self.said: list[str] = []
        self.told = Told()
        self.judge = Judge(Watcher(), [self.told])
        self.model = small_model()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01)
        self.readback = DeviceReadback(new_way=self.device.ring)
        self.recorder = Recorder(
            self.optimizer,
            judge=self.judge,
            readback=self.readback,
            cadence=Cadence(1),
            notice=self.said.append,
        )

    def backward(self, loss: float) -> None:
        mark = self.recorder.loss.before_backward()
        for param in self.model.parameters():
            param.grad = torch.ones_like(param)
        self.recorder.loss.after_backward(mark, torch.tensor(loss), None)

    def step(self, loss: float, n_losses: int = 1) -> None:
        for _ in range(n_losses):
            self.backward(loss)
        self.recorder.before_step(self.optimizer, (self.optimizer,), {})
        self.optimizer.zero_grad()


def test_nothing_is_judged_before_it_arrives_and_nothing_is_waited_for() -> None:
    loop = Loop()
    for i in range(100):
        loop.step(float(i))
    assert loop.told.losses == []
    loop.device.run()
    loop.judge.judge()
    assert loop.told.losses == [float(i) for i in range(100)]
    assert loop.told.norms == pytest.approx([7.0] * 100)


def test_steps_are_judged_in_order_as_far_as_they_have_arrived() -> None:
    loop = Loop()
    for i in range(10):
        loop.step(float(i))
    per_step = len(loop.device.queue) // 10
    loop.device.run(3 * per_step)
    loop.judge.judge()
    assert loop.told.losses == [0.0, 1.0, 2.0]
    loop.device.run(per_step - 1)
    loop.judge.judge()
    assert loop.told.losses == [0.0, 1.0, 2.0]


def test_a_loop_that_runs_on_judges_by_itself_some_steps_late() -> None:
    loop = Loop()
    for i in range(200):
        loop.step(float(i))
        while len(loop.device.queue) > 20:
            loop.device.run(1)
    assert 150 < len(loop.told.losses) < 200


def test_flush_waits_and_judges_everything() -> None:
    loop = Loop()
    for i in range(10):
        loop.step(float(i))
    loop.device.may_wait = True
    loop.judge.judge(wait=True)
    assert loop.told.losses == [float(i) for i in range(10)]


def test_slots_are_used_again() -> None:
    loop = Loop()
    for i in range(2000):
        loop.step(float(i))
        loop.device.run()
    loop.judge.judge()
    assert loop.told.losses == [float(i) for i in range(2000)]
    assert loop.readback.n_lost == 0


def test_a_device_that_is_far_behind_costs_numbers_and_not_time() -> None:
    loop = Loop(n_slots=256)
    for i in range(100):
        loop.step(float(i))
    assert loop.said == []
    for i in range(100, 300):
        loop.step(float(i))
    assert loop.readback.n_lost > 0
    assert loop.said == [
        "the device is far behind: of some steps the loss or the gradient norm is not seen"
    ]
    loop.device.run()
    loop.judge.judge()
    assert len(loop.told.losses) == 300
    assert loop.told.losses[0] == 0.0
    assert loop.told.losses[-1] is None
    for i in range(3):
        loop.step(float(i))
        loop.device.run()
    loop.judge.judge()
    assert loop.told.losses[-3:] == [0.0, 1.0, 2.0]


def test_accumulated_losses_are_summed_when_they_have_arrived() -> None:
    loop = Loop()
    loop.step(2.0, n_losses=5)
    loop.device.run()
    loop.judge.judge()
    assert loop.told.losses == [10.0]


@pytest.mark.parametrize("n_losses", [1, 8, 32])
def test_no_accumulated_loss_is_left_out_while_steps_gather(n_losses: int) -> None:
    loop = Loop()
    for _ in range(150):
        loop.step(1.0, n_losses=n_losses)
        loop.device.run()
    loop.judge.judge()
    assert loop.told.losses == [float(n_losses)] * 150
    assert None not in loop.told.norms


@pytest.mark.parametrize("n_groups", [8, 12])
def test_rates_that_are_tensors_leave_losses_and_norms_alone(n_groups: int) -> None:
    loop = Loop()
    for _ in range(n_groups - 1):
        loop.optimizer.add_param_group({"params": [nn.Parameter(torch.zeros(1))]})
    for i, group in enumerate(loop.optimizer.param_groups, 1):
        group["lr"] = torch.tensor(0.5**i)
    for i in range(150):
        loop.step(float(i))
        loop.device.run()
    loop.judge.judge()
    assert loop.told.losses == [float(i) for i in range(150)]
    assert None not in loop.told.norms
    assert {point.lrs for point in loop.told.points} == {
        tuple(0.5**i for i in range(1, n_groups + 1))
    }


def test_long_accumulation_gives_its_slots_back() -> None:
    loop = Loop()
    for _ in range(10):
        for _ in range(50):
            loop.backward(1.0)
            loop.device.run()
        loop.step(1.0)
        loop.device.run()
        loop.judge.judge()
    assert loop.readback.n_lost == 0


def test_values_given_up_free_their_slots() -> None:
    loop = Loop()
    for i in range(400):
        loop.recorder.loss.observe(torch.tensor(-1.0))
        loop.recorder.loss.observe(torch.tensor(float(i)))
        loop.step(1.0)
        loop.device.run()
        loop.judge.judge()
    assert loop.told.losses == [float(i) for i in range(400)]
    assert loop.readback.n_lost == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_dtype_arrives_as_it_was(dtype: torch.dtype) -> None:
    device = Device()
    slot = DeviceReadback(new_way=device.ring).read(nn.Parameter(torch.tensor([0.1], dtype=dtype)))
    assert isinstance(slot, Slot)
    assert not slot.ready()
    device.run()
    assert slot.ready()
    assert slot.take() == torch.tensor(0.1, dtype=dtype).item()


@pytest.mark.parametrize("wait", [True, False])
def test_nothing_is_read_while_a_cuda_graph_is_captured(
    wait: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OnDevice(torch.Tensor):
        is_cpu = False

    monkeypatch.setattr("lrwatch.loop.device.readback.is_capturing", lambda: True)
    value = torch.tensor(0.5).as_subclass(OnDevice)
    assert Readback(wait=wait).read(value) is None


def test_a_step_that_is_only_captured_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, norm_every=1, sinks=[told]):
        logged = train(model, optimizer, 3)
        with monkeypatch.context() as patched:
            patched.setattr("lrwatch.loop.recorder.is_capturing", lambda: True)
            loss_of(model, 0).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        loss = loss_of(model, 1)
        loss.backward()  # onto gradients that were not set to zero
        optimizer.step()
        logged += [loss.item(), *train(model, optimizer, 3)]
    assert told.losses == logged
    assert [step.step for step in told.steps] == list(range(7))
    assert None not in told.norms


def test_a_norm_that_was_only_captured_is_not_that_of_gradients_that_come_by_a_replay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, told = small_model(), Told()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with attach(optimizer, run_dir=False, stderr=False, norm_every=1, sinks=[told]):
        with monkeypatch.context() as patched:
            patched.setattr("lrwatch.loop.recorder.is_capturing", lambda: True)
            loss_of(model, 0).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        for p in model.parameters():
            p.grad = torch.ones_like(p)
        optimizer.step()
    n = sum(p.numel() for p in model.parameters())
    assert told.norms == pytest.approx([n**0.5])


def test_steps_that_are_only_captured_give_their_slots_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = Loop(n_slots=8)
    for i in range(20):
        loop.backward(1.0)  # a warm-up, as before every capture
        loop.recorder.before_clip(list(loop.model.parameters()), torch.tensor(7.0))
        with monkeypatch.context() as patched:
            patched.setattr("lrwatch.loop.recorder.is_capturing", lambda: True)
            loop.recorder.before_step(loop.optimizer, (loop.optimizer,), {})
        loop.optimizer.zero_grad()
        loop.step(float(i))
        loop.device.run()
        loop.judge.judge()
    assert loop.told.losses == [float(i) for i in range(20)]
    assert loop.readback.n_lost == 0


def test_on_the_cpu_a_number_is_there_at_once() -> None:
    readback = Readback()
    assert readback.read(torch.tensor(0.5)) == 0.5
    assert not readback.late
