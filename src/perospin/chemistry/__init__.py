"""Ions, formulae and geometric factors of halide perovskites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perospin.chemistry.elements import atomic_masses_g_mol, atomic_numbers
from perospin.chemistry.ion import Ion
from perospin.chemistry.ions import IonLibrary
from perospin.chemistry.perovskite import Perovskite
from perospin.chemistry.radii import shannon_radius_pm

if TYPE_CHECKING:
    from perospin.chemistry.tolerance import (
        bartel_tau,
        effective_radius,
        goldschmidt_tolerance,
        kieslich_tolerance,
        octahedral_factor,
    )

_TOLERANCE = {"bartel_tau", "effective_radius", "goldschmidt_tolerance", "kieslich_tolerance", "octahedral_factor"}

__all__ = [
    "Ion",
    "IonLibrary",
    "Perovskite",
    "atomic_masses_g_mol",
    "atomic_numbers",
    "bartel_tau",
    "effective_radius",
    "goldschmidt_tolerance",
    "kieslich_tolerance",
    "octahedral_factor",
    "shannon_radius_pm",
]


def __getattr__(name: str) -> Any:
    """Load the factors, which need NumPy, when they are first asked for."""
    if name in _TOLERANCE:
        from perospin.chemistry import tolerance

        return getattr(tolerance, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
