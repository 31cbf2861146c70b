"""Scripts that train, in processes of their own: few of them, as torch takes its time to load."""

import re
from pathlib import Path

import pytest

import lrwatch
from tests.launch.started import Ended, files, run, watched

HEAD = """
import os, sys, torch
torch.set_num_threads(1)
torch.manual_seed(0)
def loss_of(model):
    x = torch.randn(16, 4)
    return (model(x) - x.sum(1, keepdim=True)).square().mean()
def train(model, optimizer, n_steps):
    for i in range(n_steps):
        optimizer.zero_grad()
        loss = loss_of(model)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1e-3 if i == 0 else 1e9)
        optimizer.step()
        if i in (0, n_steps - 1):
            print(i, loss.item())
    return [p.tolist() for p in model.parameters()]
"""
TOO_HOT = """
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=float(sys.argv[1]))
print(train(model, optimizer, 200))
sys.exit("finished")
"""
TOO_COLD = """
def loss_of(model):
    x = torch.randn(64, 4)
    return (model(x) - x.sum(1, keepdim=True)).square().mean()
model = torch.nn.Linear(4, 1)
train(model, torch.optim.SGD(model.parameters(), lr=1e-5), 400)
"""
GAN = """
real, softplus = torch.randn(8, 4) + 2, torch.nn.functional.softplus
d, g = torch.nn.Linear(4, 1), torch.nn.Linear(2, 4)
optimizers = [torch.optim.Adam(m.parameters(), lr=0.01) for m in (d, g, torch.nn.Linear(1, 1))]
for i in range(20):
    fake = g(torch.randn(8, 2))
    loss_d = (softplus(-d(real)) + softplus(d(fake.detach()))).mean()
    optimizers[0].zero_grad()
    loss_d.backward()
    optimizers[0].step()
    loss_g = softplus(-d(fake)).mean()
    optimizers[1].zero_grad()
    loss_g.backward()
    optimizers[1].step()
    if i in (0, 19):
        print(loss_d.item(), loss_g.item())
"""
ODD = """
import lrwatch
def new():
    model = torch.nn.Linear(4, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.01)
train(*new(), 3)
model, optimizer = new()
with lrwatch.attach(optimizer, run_dir=False) as watch:
    train(model, optimizer, 4)
    print("attached:", watch.n_steps)
class Outer(torch.optim.Optimizer):
    def __init__(self, inner):
        super().__init__(inner.param_groups, {})
        self.inner = inner
    def step(self):
        self.inner.step()
model, inner = new()
train(model, Outer(inner), 5)
model, forked = new()
pid = os.fork()
if pid == 0:
    train(model, forked, 50)
    train(*new(), 50)
    sys.exit(3)
print("child:", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
os.chdir("..")
raise RuntimeError("out of memory")
"""
MANY = """
import lrwatch.launch.session as session
session.MAX_WATCHED = 60
def new():
    model = torch.nn.Linear(4, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.01)
outer = new()
for _ in range(40):
    train(*new(), 3)
alive = [new() for _ in range(20)]
for one in alive:
    train(*one, 4)
train(*outer, 9)
del alive, one
for _ in range(10):
    train(*new(), 5)
"""
RANKS = """
import atexit
# Gloo's threads need Python for a moment after the last reduction: where that ends meanwhile, torch
# 2.13 aborts ("terminate called without an active exception"), 7 times in 12 and without lrwatch.
atexit.register(os._exit, 0)
import torch.distributed as dist
from lrwatch.ranks import together
together.CLOSING_S = 120.0  # A busy machine must not fail a test.
dist.init_process_group("gloo")
rank = dist.get_rank()
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
torch.manual_seed(rank)
import contextlib
with open(f"told{rank}", "w") as file, contextlib.redirect_stdout(file):
    weights = train(model, torch.optim.SGD(model.parameters(), lr=float(sys.argv[1])), 40)
with open(f"weights{rank}", "w") as file:
    print(weights, file=file)
dist.destroy_process_group()
"""
NEVER = """
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss_of(model).backward()
"""


def write(folder: Path, name: str, body: str) -> str:
    (folder / name).write_text(HEAD + body)
    return name


def first_and_last(run_dir: Path) -> tuple[lrwatch.Step, lrwatch.Step]:
    steps = list(lrwatch.read(run_dir / "lrwatch"))
    return steps[0], steps[-1]


def numbers(line: str) -> list[float]:
    return [float(word) for word in line.split()]


def test_a_rate_too_high_is_called_so_and_nothing_else_changes(tmp_path: Path) -> None:
    script = write(tmp_path, "hot.py", TOO_HOT)
    plain = run(script, "100", cwd=tmp_path)
    ended = watched(script, "100", cwd=tmp_path)
    assert (ended.code, ended.stdout) == (plain.code, plain.stdout) == (1, plain.stdout)
    *alerts, said, last = ended.stderr.splitlines()
    assert said + "\n" == plain.stderr == "finished\n"
    assert [line for line in alerts if " lr_too_high " in line]
    pattern = r"lrwatch: too_high \(200 steps, (\d+) alerts\); the run is in (runs/\w+-hot)"
    shown = re.fullmatch(pattern, last)
    assert shown is not None, last
    assert int(shown[1]) == sum(" opened " in line for line in alerts)
    first, final = first_and_last(tmp_path / shown[2])
    told = [numbers(line)[1] for line in plain.stdout.splitlines()[:2]]
    assert [first.loss, final.loss] == pytest.approx(told, rel=1e-6)
    assert first.grad_norm is not None
    assert first.grad_norm > 0.1, "the norm before clipping"
    assert '"lr_too_high"' in (tmp_path / shown[2] / "lrwatch" / "alerts.jsonl").read_text()


def test_each_of_several_optimizers_of_a_python_that_is_started_has_its_own_losses(
    tmp_path: Path,
) -> None:
    write(tmp_path, "gan.py", GAN)
    starts = "import subprocess, sys\nsubprocess.run([sys.executable, 'gan.py'])\n"
    (tmp_path / "starts.py").write_text(starts)
    ended = watched("--no-surrogate", "--run-dir", "run", "starts.py", cwd=tmp_path)
    lines = [numbers(line) for line in ended.stdout.splitlines()]
    (run_dir,) = (tmp_path / "run").iterdir()
    assert re.fullmatch(r"gan-\d+", run_dir.name)
    for i, name in enumerate(("opt0", "opt1")):
        found = [step.loss for step in first_and_last(run_dir / name)]
        assert found == pytest.approx([line[i] for line in lines], rel=1e-6)
    folders = {p.name for p in run_dir.iterdir()}
    assert folders == {"opt0", "opt1"}, "the third optimizer never steps"
    verdicts = "opt0 undecided (20 steps), opt1 undecided (20 steps)"
    assert ended.stderr == f"lrwatch: {verdicts}; the run is in run/{run_dir.name}\n"


def test_the_losses_of_adversaries_are_not_judged(tmp_path: Path) -> None:
    script = write(tmp_path, "gan.py", GAN)
    first, second, last = watched("--run-dir", "run", script, cwd=tmp_path).stderr.splitlines()
    said = "the loss is not judged from here on, as this optimizer and another are adversaries"
    assert {line.partition(" (")[0] for line in (first, second)} == {
        f"lrwatch: opt{i}: {said}" for i in range(2)
    }
    assert last.startswith("lrwatch: opt0 undecided (20 steps), opt1 undecided (20 steps); ")


@pytest.mark.parametrize(("flags", "n_alerts"), [((), 0), (("--no-surrogate",), 1)])
def test_a_script_of_reinforcement_learning_is_not_judged_by_its_losses(
    flags: tuple[str, ...], n_alerts: int, tmp_path: Path
) -> None:
    (tmp_path / "gymnasium.py").write_text("")
    script = write(tmp_path, "slow.py", "import gymnasium\n" + TOO_COLD)
    ended = watched(*flags, "--run-dir", "run", script, cwd=tmp_path)
    assert ended.stderr.count(" lr_too_low ") == n_alerts
    assert ended.stderr.count("lrwatch: gymnasium is imported, so the losses ") == 1 - n_alerts


def test_optimizers_that_are_gone_leave_their_place_and_one_made_early_has_one(
    tmp_path: Path,
) -> None:
    script = write(tmp_path, "many.py", MANY)
    ended = watched("--run-dir", "run", script, cwd=tmp_path, LRWATCH_STRICT="1")
    (full,) = [line for line in ended.stderr.splitlines() if " is not watched" in line]
    told = "lrwatch: opt56 is not watched: at most 16 optimizers are at a time, and 60 in all"
    assert full == told
    shown = "opt0 undecided (9 steps), " + ", ".join(
        f"opt{n} undecided (5 steps)" for n in (61, 62, 63)
    )
    assert ended.stderr.splitlines()[-1].startswith(f"lrwatch: {shown}, and 56 more; ")
    assert len(list((tmp_path / "run").iterdir())) == 60


def test_only_what_is_free_is_watched(tmp_path: Path) -> None:
    script = write(tmp_path, "odd.py", ODD)
    ended = watched("--run-dir", "run", script, cwd=tmp_path, LRWATCH_STRICT="1")
    assert "attached: 4\n" in ended.stdout
    assert "child: 3\n" in ended.stdout
    *traceback, last = ended.stderr.splitlines()
    assert traceback[0].startswith("Traceback")
    assert traceback[-1] == "RuntimeError: out of memory"
    assert not [line for line in traceback if "lrwatch/" in line]
    counts = re.findall(r"(\w+) undecided \((\d+) steps\)", last)
    assert [int(n) for _, n in counts] == [3, 5], last
    assert last.endswith(f"; the run is in {tmp_path.name}/run")


def test_back_off_acts(tmp_path: Path) -> None:
    script = write(tmp_path, "hot.py", TOO_HOT)
    ended = watched("--backoff", "-q", "--run-dir", "run", script, "100", cwd=tmp_path)
    assert "lrwatch:" not in ended.stderr
    assert '"action"' in (tmp_path / "run" / "lrwatch" / "alerts.jsonl").read_text()


@pytest.mark.parametrize(("flags", "n_alerts"), [((), 1), (("--total-steps", "5000"), 0)])
def test_who_says_how_long_it_will_be_hears_of_no_rate_too_low_at_its_start(
    flags: tuple[str, ...], n_alerts: int, tmp_path: Path
) -> None:
    script = write(tmp_path, "slow.py", TOO_COLD)
    ended = watched(*flags, "--run-dir", "run", script, cwd=tmp_path)
    assert ended.stderr.count(" lr_too_low ") == n_alerts
    assert "lrwatch: too_low (400 steps" in ended.stderr


TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def test_of_several_ranks_one_writes(tmp_path: Path) -> None:
    script = write(tmp_path, "ranks.py", RANKS)
    ended = watched("--run-dir", "run", *TORCHRUN, script, "0.01", cwd=tmp_path)
    assert ended.code == 0, ended.stderr
    said = [line for line in ended.stderr.splitlines() if "lrwatch: " in line]
    assert said == ["lrwatch: undecided (40 steps); the run is in run"]
    written = sorted(files(tmp_path / "run"))
    assert [re.sub(r"tfevents.*", "tfevents", name) for name in written] == [
        "lrwatch/alerts.jsonl",
        "lrwatch/events.out.tfevents",
        "lrwatch/verdict.json",
    ]
    told = [(tmp_path / f"told{rank}").read_text().splitlines() for rank in range(2)]
    means = [sum(numbers(line)[1] for line in lines) / 2 for lines in zip(*told, strict=True)]
    first, last = first_and_last(tmp_path / "run")
    assert (first.step, last.step) == (0, 39)
    assert [first.loss, last.loss] == pytest.approx(means, rel=1e-6)
    assert told[0] != told[1]


def test_several_ranks_back_off_as_one(tmp_path: Path) -> None:
    script = write(tmp_path, "ranks.py", RANKS)
    inner = ["-m", "lrwatch", "run", "--backoff", "--run-dir", "run", script, "100"]
    ended = run(*TORCHRUN, *inner, cwd=tmp_path)
    assert ended.code == 0, ended.stderr
    told = (tmp_path / "run" / "lrwatch" / "alerts.jsonl").read_text()
    assert '"rewind"' in told
    assert "parted" not in told
    weights = [(tmp_path / f"weights{rank}").read_text() for rank in range(2)]
    assert weights[0] == weights[1]


def test_a_script_that_never_steps_leaves_nothing(tmp_path: Path) -> None:
    script = write(tmp_path, "never.py", NEVER)
    assert watched(script, cwd=tmp_path) == Ended(0, "", "")
    assert files(tmp_path) == {script}
