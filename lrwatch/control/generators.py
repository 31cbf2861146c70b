"""The random generators of this process, to be brought back together with the weights."""

import random
import sys

import torch


class Generators:
    """State of Python's, numpy's and torch's global generators, those of every GPU included.

    CUDA is asked only where the program has begun to use it: to ask would make it begin, and take
    memory on the device of a run that trains elsewhere. Generators that a program made for itself,
    such as a DataLoader's, are not among them.
    """

    def __init__(self) -> None:
        self._random = random.getstate()
        numpy = sys.modules.get("numpy")
        self._numpy = None if numpy is None else numpy.random.get_state()
        self._torch = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []

    def load(self) -> None:
        """Bring them back."""
        random.setstate(self._random)
        if self._numpy is not None:
            sys.modules["numpy"].random.set_state(self._numpy)
        torch.set_rng_state(self._torch)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)
