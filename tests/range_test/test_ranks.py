"""Two ranks with DDP: the same answer on both, in code and in an unedited script."""

import json
from pathlib import Path

from tests.launch.started import run

DDP = """
import os, sys, torch, torch.distributed as dist
torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
x = torch.randn(512, 8)
y = torch.sin(0.5 * x @ torch.randn(8, 1))
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
model = torch.nn.parallel.DistributedDataParallel(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
torch.manual_seed(rank)
mse = torch.nn.functional.mse_loss
"""
IN_CODE = """
import atexit
# Gloo's threads may abort a process that ends right after a reduction, also without lrwatch.
atexit.register(os._exit, 0)
import lrwatch
loader = [(a, b) for a, b in zip(x[rank::2].split(32), y[rank::2].split(32))]
found = lrwatch.find_lr(model, optimizer, loader, mse, n_steps=40, trial_steps=20)
print(json.dumps([found.to_dict(), [p.tolist() for p in model.parameters()]]), flush=True)
"""
SCRIPT = """
for i in range(20000):
    batch = torch.randint(256, (32,)) * 2 + rank
    optimizer.zero_grad()
    mse(model(x[batch]), y[batch]).backward()
    optimizer.step()
"""


TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def test_losses_are_averaged_so_that_all_ranks_find_the_same(tmp_path: Path) -> None:
    out = "sys.stdout = open(f'{rank}.json', 'w')\n"
    (tmp_path / "train.py").write_text("import json\n" + DDP + out + IN_CODE)
    done = run(*TORCHRUN, "train.py", cwd=tmp_path)
    assert done.code == 0, done.stderr
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert first[0]["lr"] is not None


def test_a_script_under_torchrun_is_ended_on_all_ranks(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(DDP + SCRIPT)
    quick = ("--steps", "40", "--trial-steps", "40")
    asked = ("-m", "lrwatch", "find", *quick, "-q", *TORCHRUN, "train.py")
    done = run(*asked, cwd=tmp_path)
    assert done.code == 0, done.stderr
    assert float(done.stdout) > 0
