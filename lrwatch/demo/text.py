"""Text that every machine with Python has: the source of its standard library."""

import os
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from lrwatch.errors import LrwatchError

ALPHABET = "\n" + "".join(map(chr, range(32, 127)))


def standard_library(n_chars: int = 2_000_000) -> Tensor:
    """The first characters of the standard library, as indices into :data:`ALPHABET`.

    Modules come in the order of their names; a character outside of the alphabet is left out.

    Raises:
        LrwatchError: If this Python came without its sources.
    """
    folder = Path(os.__file__).parent
    table = bytearray(256)
    for index, char in enumerate(ALPHABET):
        table[ord(char)] = index
    kept = ALPHABET.encode("ascii")
    others = bytes(b for b in range(256) if b not in kept)
    text = bytearray()
    for path in sorted(folder.glob("*.py")):
        text += path.read_bytes().translate(bytes(table), others)
        if len(text) >= n_chars:
            break
    if len(text) < 10_000:
        raise LrwatchError(f"the demo trains on the Python files in {folder}, but found none there")
    return torch.frombuffer(text[:n_chars], dtype=torch.uint8)


def batches(
    text: Tensor, *, batch_size: int, context: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless pairs of inputs and the characters that follow each of them."""
    generator = torch.Generator().manual_seed(seed)
    window = torch.arange(context + 1)
    while True:
        starts = torch.randint(len(text) - context, (batch_size, 1), generator=generator)
        chars = text[starts + window].long()
        yield chars[:, :-1], chars[:, 1:]
