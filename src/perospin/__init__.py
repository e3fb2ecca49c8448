"""Predict, measure and understand spin relaxation in halide perovskites, with honest error bars.

The names below load on first use: ``import perospin`` itself loads no heavy library.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perospin import chemistry, database, descriptors, fitting, learning, mechanisms, spectra
    from perospin.chemistry import IonLibrary, Perovskite
    from perospin.database import Record, Store, load_records, load_table
    from perospin.descriptors import describe
    from perospin.errors import PerospinError
    from perospin.learning import Study, StudyResult

_PUBLIC = {
    "IonLibrary": "chemistry",
    "PerospinError": "errors",
    "Perovskite": "chemistry",
    "Record": "database",
    "Store": "database",
    "Study": "learning",
    "StudyResult": "learning",
    "describe": "descriptors",
    "load_records": "database",
    "load_table": "database",
}

_ROOMS = ("chemistry", "database", "descriptors", "fitting", "learning", "mechanisms", "spectra")

__all__ = sorted([*_PUBLIC, *_ROOMS])


def __getattr__(name: str) -> Any:
    """Load a public name, or a room, when it is first asked for."""
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"perospin.{_PUBLIC[name]}"), name)
    if name in _ROOMS:
        return importlib.import_module(f"perospin.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("perospin")
    raise AttributeError(f"module 'perospin' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
