"""The random generators of this process, to be brought back together with the weights."""

import random
import sys

import torch


class Generators:
    """State of Python's, numpy's and torch's global generators, those of every GPU included.

    CUDA and XPU are asked only where the program has begun to use them: to ask would make it begin,
    and take memory on the device of a run that trains elsewhere. MPS does not say whether it is
    used; it is asked where there is one. Generators that a program made for itself, such as a
    DataLoader's, are not among them.
    """

    def __init__(self) -> None:
        self._random = random.getstate()
        numpy = sys.modules.get("numpy")
        self._numpy = None if numpy is None else numpy.random.get_state()
        self._torch = torch.get_rng_state()
        used = [device for device in (torch.cuda, torch.xpu) if device.is_initialized()]
        self._devices = [(device, device.get_rng_state_all()) for device in used]
        self._mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None

    def load(self) -> None:
        """Bring them back."""
        random.setstate(self._random)
        if self._numpy is not None:
            sys.modules["numpy"].random.set_state(self._numpy)
        torch.set_rng_state(self._torch)
        for device, states in self._devices:
            device.set_rng_state_all(states)
        if self._mps is not None:
            torch.mps.set_rng_state(self._mps)
