"""Something to be done when a module is imported, by whoever and whenever."""

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def when_imported(name: str, act: Callable[[ModuleType], None]) -> None:
    """Call ``act`` with the module, as soon as its own code has run; now if it has."""
    module = sys.modules.get(name)
    if module is not None:
        act(module)
        return
    sys.meta_path.insert(0, _Finder(name, act))


class _Finder:
    """Finds nothing itself: it lets the others find the one module, and has its loader call back.

    Args:
        name: The module that is waited for.
        act: Called with it; after that the finder is gone.
    """

    def __init__(self, name: str, act: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._act = act

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Ask the others where the module is, once it is asked for."""
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(fullname, path, target) if find else None
            if spec is not None:
                self._listen(spec.loader)
                return spec
        return None

    def _listen(self, loader: Any) -> None:
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)
            run(module)
            self._act(module)

        loader.exec_module = exec_module
