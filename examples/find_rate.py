"""A learning rate before the run: found by short trainings that are all taken back."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import lrwatch

torch.manual_seed(0)
inputs = torch.randn(2048, 20)
targets = torch.sin(inputs @ torch.randn(20, 1) / 2)
loader = DataLoader(TensorDataset(inputs, targets), batch_size=64, shuffle=True)
model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)

finding = lrwatch.find_lr(model, optimizer, loader, nn.MSELoss(), total_steps=600)
print(finding)
if finding.lr is None:
    raise SystemExit(1)

for group in optimizer.param_groups:
    group["lr"] = finding.lr
with lrwatch.attach(optimizer, run_dir=False) as watch:
    for _ in range(20):
        for batch, target in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(batch), target)
            loss.backward()
            optimizer.step()

print("verdict:", watch.verdict)
