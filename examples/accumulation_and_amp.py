"""Mixed precision, gradient accumulation, clipping and a schedule: still one line more.

The loss of a step is the sum over its micro-batches, without the gradient scaler's factor, and the
gradient norm is the one before clipping.
"""

import torch
from torch import nn

import lrwatch

torch.manual_seed(0)
device = "cuda" if torch.cuda.is_available() else "cpu"
inputs = torch.randn(4096, 20, device=device)
targets = torch.sin(inputs @ torch.randn(20, 1, device=device))
model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 1)).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=300)
scaler = torch.amp.GradScaler(device, enabled=device == "cuda")
N_MICRO_BATCHES = 4

with lrwatch.attach(optimizer, total_steps=300) as watch:
    for _ in range(300):
        for _ in range(N_MICRO_BATCHES):
            batch = torch.randint(len(inputs), (16,), device=device)
            with torch.autocast(device, dtype=torch.bfloat16):
                output = model(inputs[batch])
            loss = nn.functional.mse_loss(output.float(), targets[batch]) / N_MICRO_BATCHES
            scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
        schedule.step()

print("verdict:", watch.verdict)
