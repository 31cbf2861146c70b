"""DistributedDataParallel: every rank attaches, rank 0 writes, and all act at the same step.

Start it with: torchrun --standalone --nproc-per-node=2 examples/ddp.py
"""

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

import lrwatch

distributed.init_process_group("gloo")  # "nccl" where each rank has a GPU
rank = distributed.get_rank()
torch.manual_seed(0)
teacher = torch.randn(20, 1)
model = DistributedDataParallel(nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 1)))
optimizer = torch.optim.SGD(model.parameters(), lr=10.0, momentum=0.9)
torch.manual_seed(1 + rank)  # each rank has its own data

with lrwatch.attach(optimizer, model, backoff=True) as watch:
    for _ in range(300):
        inputs = torch.randn(32, 20)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), torch.sin(inputs @ teacher))
        loss.backward()
        optimizer.step()

distributed.all_reduce(loss.detach_())
if rank == 0:
    mean = loss.item() / distributed.get_world_size()
    print("loss of all ranks:", "below 0.8" if mean < 0.8 else f"{mean:.3g}, not saved")
distributed.destroy_process_group()
