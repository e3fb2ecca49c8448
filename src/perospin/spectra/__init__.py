"""Analysis of spin-dynamics measurements: pump-probe, Kerr rotation, Hanle, ODMR, spin inertia, dichroism.

Every analysis returns a `SpinFit`. Nothing heavy is loaded by importing the room.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "absorption_edge": ("elliott", "fit_absorption_edge"),
    "chiral_selectivity": ("current_polarisation", "fit_current_polarisation"),
    "circular_dichroism": ("dissymmetry", "fit_circular_dichroism", "fit_luminescence"),
    "magnetoresistance": ("fit_magnetoresistance", "julliere_ratio", "magnetoresistance"),
    "reading": ("Series", "Trace", "read_map", "read_series", "read_trace"),
    "hanle": ("fit_hanle", "hanle_model"),
    "kerr": ("fit_kerr", "kerr_model"),
    "kerr_series": ("fit_kerr_series",),
    "longitudinal": ("fit_t1_field", "fit_t1_temperature"),
    "nuclear_precession": ("fit_nuclear_precession",),
    "irf": ("MeasuredResponse", "gaussian_decay"),
    "maps": ("SignalMap",),
    "corrections": ("Chirp", "correct_background", "correct_chirp", "find_chirp"),
    "decomposition": ("Decomposition", "decompose"),
    "global_analysis": ("fit_map", "kinetics", "simulate_map_pair"),
    "map_figures": ("plot_kinetics", "plot_maps"),
    "pump_probe": ("fit_populations", "fit_pump_probe", "simulate_pump_probe"),
    "odmr": ("fit_odmr", "fit_odmr_frequency", "fit_odmr_series", "fit_resonance_width", "odmr_model"),
    "polarisation": ("fit_polarisation_power",),
    "resonant_amplification": ("amplification_model", "fit_resonant_amplification"),
    "result": ("SpinFit",),
    "spin_inertia": ("extrapolate_power", "fit_spin_inertia", "inertia_model"),
    "spin_valve": ("fit_spin_valve", "spin_valve_model"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
