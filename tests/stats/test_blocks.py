import random

import numpy as np
import pytest

from lrwatch.stats.blocks import COLUMNS, N_BLOCKS, Blocks

Row = tuple[float, float, float, float, float, int, int, float]


def rows(n: int, seed: int = 0) -> list[Row]:
    """Rows of small integers, whose sums are exact in any order."""
    rng = random.Random(seed)
    return [
        (
            float(rng.randrange(-50, 50)),
            float(rng.randrange(9)),
            float(rng.randrange(9)),
            float(rng.randrange(1, 5)),
            float(rng.randrange(-9, 9)),
            rng.randrange(2),
            rng.randrange(2),
            float(rng.randrange(-50, 50)),
        )
        for _ in range(n)
    ]


def filled(added: list[Row]) -> Blocks:
    blocks = Blocks()
    for row in added:
        blocks.add(*row)
    return blocks


@pytest.mark.parametrize("n", [1, 5, 63, 64, 65, 127, 128, 1000, 4096, 10_007])
def test_blocks_are_exact_sums_of_all_that_was_added(n: int) -> None:
    added = rows(n)
    blocks = filled(added)
    whole = len(blocks) * blocks.length
    wide = [(*row, row[7] ** 2, row[4] ** 2, row[7] * row[4]) for row in added]
    table = np.asarray(wide)[:whole].reshape(len(blocks), blocks.length, len(COLUMNS))
    for i, name in enumerate(COLUMNS):
        assert blocks.column(name) == table.sum(axis=1)[:, i].tolist()
    assert blocks.means() == table[:, :, 0].mean(axis=1).tolist()


@pytest.mark.parametrize("n", [1, 63, 64, 1000, 10_007])
def test_less_than_one_block_is_still_open(n: int) -> None:
    blocks = filled(rows(n))
    assert 0 <= n - len(blocks) * blocks.length < blocks.length


@pytest.mark.parametrize(
    ("n", "length", "count"), [(63, 1, 63), (64, 2, 32), (126, 2, 63), (128, 4, 32), (512, 16, 32)]
)
def test_full_blocks_are_merged_in_pairs(n: int, length: int, count: int) -> None:
    blocks = filled(rows(n))
    assert (blocks.length, len(blocks)) == (length, count)


def test_there_are_never_more_than_64() -> None:
    blocks = Blocks()
    for row in rows(5000):
        blocks.add(*row)
        assert len(blocks) < N_BLOCKS


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 777])
def test_blocks_that_were_written_down_go_on_alike(cut: int) -> None:
    added = rows(2000)
    resumed = Blocks()
    resumed.load_state_dict(filled(added[:cut]).state_dict())
    for row in added[cut:]:
        resumed.add(*row)
    assert resumed.state_dict() == filled(added).state_dict()
