"""Sequences: text of Python's own library, sums to be learnt, words to be turned round."""

import argparse
import ast
import json
import random
import textwrap
from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

SOURCES = (argparse, ast, random, textwrap, json)


def text() -> str:
    """Sources of a few modules of Python's own library, with blanks squeezed."""
    return " ".join(" ".join(Path(str(m.__file__)).read_text("utf-8").split()) for m in SOURCES)


def characters(
    n_samples: int, seed: int, length: int, n_symbols: int = 40
) -> tuple[Tensor, Tensor]:
    """Windows of the text [n, length] and the same windows one character on; rare ones are 0."""
    source = text()
    common = [c for c, _ in Counter(source).most_common(n_symbols - 1)]
    index = {c: i + 1 for i, c in enumerate(sorted(common))}
    codes = torch.tensor([index.get(c, 0) for c in source])
    generator = torch.Generator().manual_seed(seed)
    starts = torch.randint(len(codes) - length - 1, (n_samples, 1), generator=generator)
    windows = codes[starts + torch.arange(length + 1)]
    return windows[:, :-1], windows[:, 1:]


def marked_sums(n_samples: int, seed: int, length: int = 10) -> tuple[Tensor, Tensor]:
    """Numbers with marks, [n, length, 2], and the sum of the marked ones [n, 1].

    The adding problem of Hochreiter and Schmidhuber, 1997.
    """
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.rand(n_samples, length, generator=generator) * 2 - 1
    order = torch.rand(n_samples, length, generator=generator).argsort(1)
    marks = (order < 2).float()
    return torch.stack([numbers, marks], 2), (numbers * marks).sum(1, keepdim=True)


def reversals(n_samples: int, seed: int, length: int = 8) -> tuple[Tensor, Tensor]:
    """Words of 12 letters [n, length] and the same words backwards."""
    generator = torch.Generator().manual_seed(seed)
    words = torch.randint(12, (n_samples, length), generator=generator)
    return words, words.flip(1)


def waves(n_samples: int, seed: int, length: int = 16) -> tuple[Tensor, Tensor]:
    """Noisy sums of two sine waves [n, length, 1] and the value that follows [n, 1]."""
    generator = torch.Generator().manual_seed(seed)
    frequency = 0.2 + 0.8 * torch.rand(n_samples, 1, 2, generator=generator)
    phase = 6.3 * torch.rand(n_samples, 1, 2, generator=generator)
    time = torch.arange(length + 1.0)[None, :, None]
    x = torch.sin(frequency * time + phase).mean(2, keepdim=True)
    x = x + 0.05 * torch.randn(x.shape, generator=generator)
    return x[:, :-1], x[:, -1]
