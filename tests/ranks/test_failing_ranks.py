"""Ranks that die, and jobs that torchrun starts anew."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.launch.started import run
from tests.ranks.job import ENVIRONMENT, ROOT

# Torch 2.13 leaves the addresses of the first attempt in a store that both share, so that the
# second one fails to connect, with lrwatch and without.
RESTARTS = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1", "PYTHONPATH": str(ROOT)}
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
HEAD = """
import atexit, os, sys
code = [0]
atexit.register(lambda: os._exit(code[0]))  # see tests/ranks/trained.py
import torch, lrwatch
from torch import distributed
from lrwatch.ranks import together
torch.set_num_threads(1)
torch.manual_seed(0)
distributed.init_process_group("gloo")
rank, attempt = distributed.get_rank(), os.environ.get("TORCHELASTIC_RESTART_COUNT")
model = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
def train(n_steps, last=0):
    for step in range(n_steps):
        optimizer.zero_grad()
        loss = model(torch.randn(16, 4)).square().mean()
        if step == last - 1:
            loss = loss * float("nan")
        loss.backward()
        optimizer.step()
"""
DIES = """
together.TIMEOUT_S = 300.0  # a busy machine is waited for, up to the step at which one dies
def die(optimizer, args, kwargs):
    steps.append(1)
    if len(steps) == 20:
        together.TIMEOUT_S = 0.5
        if rank == 1:
            os._exit(7)  # between the gradients of DDP and what lrwatch agrees upon
steps = []
optimizer.register_step_pre_hook(die)
watch = lrwatch.attach(optimizer, run_dir="run", backoff=True)
try:
    train(40)
except RuntimeError as error:
    print("torch says:", len(steps), watch.n_steps, flush=True)
"""
FAILS_ONCE = """
train(10, last=10)
if attempt == "0" and rank == 0:
    code[0] = 1
"""
ATTACHED = "watch = lrwatch.attach(optimizer)\n"


def test_a_rank_that_dies_leaves_nobody_waiting_for_lrwatch(tmp_path: Path) -> None:
    (tmp_path / "dies.py").write_text(HEAD + DIES)
    # Without torchrun, which ends the others itself as soon as one has died.
    with socket.create_server(("127.0.0.1", 0)) as server:
        job = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(server.getsockname()[1])}
    job |= {"WORLD_SIZE": "2", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    ranks = [
        subprocess.Popen(
            [sys.executable, "dies.py"],
            cwd=tmp_path,
            env={**ENVIRONMENT, **job, "RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said, _ = ranks[0].communicate()
    ranks[1].communicate()
    assert [one.returncode for one in ranks] == [0, 7]
    assert said == "torch says: 20 20\n"
    lines = (tmp_path / "run" / "lrwatch" / "alerts.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert (last["kind"], last["step"]) == ("disarm", 19)
    assert "not all ranks came to the same step within 0.5 s" in last["reason"]


@pytest.mark.parametrize("how", ["attached", "run"])
def test_a_job_that_is_started_anew_goes_on_in_its_run_directory(tmp_path: Path, how: str) -> None:
    (tmp_path / "fails.py").write_text(HEAD + (ATTACHED if how == "attached" else "") + FAILS_ONCE)
    program = ["fails.py"] if how == "attached" else ["-m", "lrwatch", "run", "fails.py"]
    ended = run(*TORCHRUN, "--max-restarts=1", *program, cwd=tmp_path, **RESTARTS)
    assert ended.code == 0, ended.stderr
    (run_dir,) = (tmp_path / "runs").iterdir()
    lines = (run_dir / "lrwatch" / "alerts.jsonl").read_text().splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["step"] for one in told if one.get("kind") == "non_finite"] == [9, 9]
