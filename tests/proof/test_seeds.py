"""What was fuzzed once stays mended: seeds, and a few random bytes more."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.fuzz.targets import TARGETS

SEEDS = sorted((Path(__file__).parent / "seeds").rglob("*.bin"))


@pytest.mark.parametrize("path", SEEDS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_seed_keeps_its_promise(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_seeds() -> None:
    assert {path.parent.name for path in SEEDS} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_random_bytes_keep_it_too(name: str) -> None:
    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=400))
    def check(data: bytes) -> None:
        TARGETS[name](data)

    check()
