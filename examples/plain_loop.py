"""A plain PyTorch loop with a rate that is too high, under watch: one line more than without."""

import torch
from torch import nn

import lrwatch

torch.manual_seed(0)
inputs = torch.randn(4096, 20)
targets = torch.sin(inputs @ torch.randn(20, 1))
model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=10.0, momentum=0.9)

with lrwatch.attach(optimizer) as watch:
    for _ in range(500):
        batch = torch.randint(len(inputs), (64,))
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs[batch]), targets[batch])
        loss.backward()
        optimizer.step()

print("verdict:", watch.verdict)
