"""Transformers: one callback more watches the Trainer, and sees the NaN that its log hides."""

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from lrwatch.hooks.transformers import LrwatchCallback

torch.manual_seed(0)
starts = torch.randint(0, 32, (512,))
sequences = (starts[:, None] + torch.arange(8)) % 32
data = [{"input_ids": ids, "labels": ids} for ids in sequences]
model = GPT2LMHeadModel(
    GPT2Config(vocab_size=32, n_positions=8, n_embd=16, n_layer=1, n_head=2, bos_token_id=0)
)
arguments = TrainingArguments(
    "runs/transformers",
    max_steps=60,
    optim="sgd",
    learning_rate=1e4,
    max_grad_norm=0,
    use_cpu=True,
    report_to="none",
    save_strategy="no",
    disable_tqdm=True,
)
watch = LrwatchCallback()
Trainer(model, arguments, train_dataset=data, callbacks=[watch]).train()

print("alerts:", *sorted({alert.kind for alert in watch.alerts if alert.severity == "critical"}))
print("verdict:", watch.verdict)
