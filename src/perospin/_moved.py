"""Import paths that README or manual once showed: they work for one more version and name the new one."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MODULES: Mapping[str, str] = {
    "perospin.learning.conditions": "perospin.studies.lifetime_predictor",
    "perospin.learning.plain_state": "perospin.studies.files.plain_state",
    "perospin.mechanisms.synthetic": "perospin.mechanisms.inference.synthetic",
    "perospin.spectra.reading": "perospin.measurements.reading",
    "perospin.spectra.simulate": "perospin.spectra.signals.simulate",
}
"""Old module -> new module."""

NAMES: Mapping[str, Mapping[str, str]] = {
    "perospin.learning": dict.fromkeys(
        ("LifetimePredictor", "PartResult", "Prediction", "Predictor", "Study", "StudyResult", "load_model"),
        "perospin.studies",
    ),
    "perospin.spectra": dict.fromkeys(
        ("Series", "SignalMap", "SpinFit", "Trace", "plot_maps", "read_map", "read_series", "read_trace"),
        "perospin.measurements",
    ),
}
"""Room -> old public name -> room where it lives now."""


def _warn(old: str, new: str) -> None:
    warnings.warn(f"'{old}' has moved: import it from '{new}'", DeprecationWarning, stacklevel=3)


def with_moved(room: str, getattr_: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a module-level ``__getattr__`` that also knows the names that have left the room."""
    moved = NAMES[room]

    def __getattr__(name: str) -> Any:
        if name in moved:
            _warn(f"{room}.{name}", moved[name])
            return getattr(importlib.import_module(moved[name]), name)
        return getattr_(name)

    return __getattr__


class _Forwarding(Loader):
    """Makes an empty module whose names are those of the new one."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        old, new = module.__name__, MODULES[module.__name__]
        module.__path__ = []  # so that a module inside it is looked for, too

        def __getattr__(name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            value = getattr(importlib.import_module(new), name)
            _warn(f"{old}.{name}", new)
            return value

        module.__getattr__ = __getattr__  # type: ignore[method-assign]


class _Finder(MetaPathFinder):
    """Finds the old modules, before an empty folder that an older version left behind is taken for them."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, _Forwarding(), is_package=True) if fullname in MODULES else None


def install() -> None:
    """Let the import system find the old modules."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
