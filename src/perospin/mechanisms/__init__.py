"""Spin relaxation: rate laws with their sources, and which mechanism the data speak for.

Laws take and return NumPy (numbers in, numbers out) and accept JAX arrays, so that they can be differentiated and
vectorised; nothing heavy is loaded by importing the room. Rates are decay rates of the spin polarisation in 1/ps unless
the name says `flip`.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "candidates": ("CANDIDATES",),
    "inference": ("infer",),
    "observations": ("CONDITIONS", "Observations", "read_observations"),
    "posterior": ("Sampling",),
    "recovery": ("Recovery", "recovery_study"),
    "result": ("Curve", "Estimate", "MechanismResult", "ModelFit", "Verdict"),
    "assessment": ("DECIDED_AT",),
    "bir_aronov_pikus": (
        "ExcitonScales", "bir_aronov_pikus_degenerate_rate", "bir_aronov_pikus_rate", "exchange_rate_scale",
        "exciton_scales", "fermi_energy_mev", "sommerfeld_factor",
    ),
    "catalogue": ("LAWS", "Law", "get_law"),
    "dyakonov_perel": (
        "crossover_rate", "dyakonov_perel_decay", "dyakonov_perel_integral_rate", "dyakonov_perel_rate",
        "free_precession", "rashba_precession", "relaxation_tensor", "spin_orbit_field", "thermal_relaxation_tensor",
        "thermal_wavevector",
    ),
    "exciton_fine_structure": (
        "BrightStates", "bright_exciton_states", "exciton_rashba_slope_ev_a", "fine_structure_beat_ghz",
        "fine_structure_dephasing_ps", "fine_structure_rate", "long_range_slope_ev_a",
    ),
    "localised": ("anisotropic_exchange_rate", "hopping_rate", "one_phonon_rate"),
    "momentum_scattering": (
        "ScatteringTimes", "acoustic_mobility", "effective_permittivity", "froehlich_coupling", "froehlich_mobility",
        "mobility_scattering_time_ps", "momentum_scattering_times",
    ),
    "elliott_yafet": (
        "elliott_yafet_debye_rate", "elliott_yafet_einstein_rate", "elliott_yafet_high_temperature_rate",
        "elliott_yafet_iii_v_factor", "elliott_yafet_integral_rate", "elliott_yafet_rate", "spin_mixing_from_g",
    ),
    "exciton_exchange": (
        "QuadraticFit", "exciton_exchange_rate", "exciton_exchange_thermal_rate", "exciton_overlap_nm2",
        "exciton_radius_nm", "fit_quadratic_law", "layer_binding_energy_mev", "quadratic_binding_rate",
    ),
    "g_factors": (
        "electron_g_factor", "exciton_g_factor", "hole_g_factor", "larmor_frequency_ghz", "larmor_precession",
        "resonance_field_t", "zeeman_splitting_mev",
    ),
    "nuclear": (
        "hyperfine_dephasing_time_ps", "nuclear_field_from_size", "nuclear_fluctuation_rate",
        "nuclear_transverse_share", "resonance_width",
    ),
    "phonon_raman": (
        "activation_rate", "cube_polarisability", "cuboid_polarisability", "raman_flip_rate", "raman_golden_rule_rate",
        "raman_rate", "rashba_coefficient_a2",
    ),
    "precession": (
        "dephasing_time_ps", "einstein_diffusion_cm2_s", "electrical_hanle", "electrical_hanle_with_contacts",
        "g_spread_time_ps", "spin_diffusion_length_nm",
        "hanle_half_width_t", "hanle_polarisation", "kerr_transient", "optical_orientation",
        "resonant_spin_amplification", "spin_inertia", "total_lifetime_ps",
    ),
    "presets": ("PRESET_NAMES", "Preset", "SourcedValue", "preset"),
    "quantities": ("QUANTITIES", "Quantity"),
    "synthetic": ("SYNTHETIC_FEATURES", "synthetic_table"),
    "total": ("TotalRate", "total_rate"),
    "validity": ("RANGES", "Range", "SpinRelaxationWarning", "holds"),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
