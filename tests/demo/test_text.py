"""The text that the demo trains on, and the batches cut out of it."""

import torch

from lrwatch.demo.text import ALPHABET, batches, standard_library


def test_the_text_is_the_source_of_the_standard_library() -> None:
    text = "".join(ALPHABET[i] for i in standard_library(200_000).tolist())
    assert len(text) == 200_000
    assert "import" in text
    assert "\ndef " in text


def test_targets_are_the_inputs_shifted_by_one() -> None:
    inputs, targets = next(batches(torch.arange(90), batch_size=8, context=16, seed=0))
    assert inputs.shape == targets.shape == (8, 16)
    assert torch.equal(targets, inputs + 1)


def test_the_seed_decides_on_the_batches() -> None:
    text = torch.arange(90)
    starts = [next(batches(text, batch_size=8, context=4, seed=s))[0] for s in (1, 1, 2)]
    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], starts[2])
