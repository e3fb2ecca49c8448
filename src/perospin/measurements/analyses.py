"""The analyses of measurements in one table: what each needs of a file, who fits and draws it, what can be recorded.

The command line takes the roles of columns from here, the manual its overview, an app its choices. Functions and
drawers live in rooms above and are named by words; only `Analysis.fit` looks one up.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from perospin.errors import DataError

__all__ = ["ANALYSES", "Analysis", "analysis"]


@dataclass(frozen=True)
class Analysis:
    """One analysis.

    Attributes
    ----------
    name : str
        As the command line calls it.
    words : str
        What it gives, in a few words.
    x : str
        Role of the abscissa; empty for maps, which are read whole.
    roles, optional : tuple of str
        Columns that a file must have, and those that are used if it has them.
    fits : tuple of str
        Room and name of the function.
    drawings : tuple of str
        Words of `perospin.measurements.drawings.DRAWINGS` that its fits may have.
    records : tuple of str
        Properties of the database that it can record.
    without : tuple of (role, sentence)
        What a file means in which an optional column is missing.
    """

    name: str
    words: str
    x: str
    roles: tuple[str, ...]
    fits: tuple[str, str]
    drawings: tuple[str, ...]
    optional: tuple[str, ...] = ("sigma",)
    records: tuple[str, ...] = ()
    without: tuple[tuple[str, str], ...] = ()

    @property
    def fit(self) -> Callable[..., Any]:
        """The function that fits it."""
        room, name = self.fits
        found: Callable[..., Any] = getattr(importlib.import_module(f"perospin.{room}"), name)
        return found


_KERR = ("g_factor", "T2_star")
_SPREAD = ("g_spread", "nuclear_field")

_TABLE = (
    Analysis("pump-probe", "spin lifetime from same- and counter-circular traces", "delay", ("same",),
             ("spectra", "fit_pump_probe"), ("pump-probe",), ("counter", "sigma"), ("tau_spin",),
             (("counter", "one trace alone is taken as the difference of same- and counter-circular"),)),
    Analysis("map", "decay-associated spectra; spin lifetime of a pair of maps", "", ("same",),
             ("spectra", "fit_map"), ("map",), ("counter",), ("tau_spin",)),
    Analysis("kerr", "precession frequency, g and T2*; over fields the spread of g", "delay", ("signal",),
             ("spectra", "fit_kerr"), ("", "kerr joint", "kerr series"), records=(*_KERR, *_SPREAD)),
    Analysis("rsa", "g and T2* from resonant amplification", "field", ("signal",),
             ("spectra", "fit_resonant_amplification"), ("",), records=_KERR),
    Analysis("hanle", "spin lifetime from polarisation against transverse field", "field", ("polarisation",),
             ("spectra", "fit_hanle"), ("",), records=("tau_spin",)),
    Analysis("spin-valve", "spin lifetime and diffusion from a non-local Hanle curve", "field", ("resistance",),
             ("spectra", "fit_spin_valve"), ("",), records=("tau_spin",)),
    Analysis("odmr", "resonance fields, widths and g", "field", ("signal",),
             ("spectra", "fit_odmr"), ("odmr",), records=("g_factor",)),
    Analysis("odmr-width", "spread of g and nuclear field from widths at several frequencies", "field", ("signal",),
             ("spectra", "fit_resonance_width"), ("odmr width",), records=_SPREAD),
    Analysis("inertia", "T1 from the signal against modulation frequency", "frequency", ("signal",),
             ("spectra", "fit_spin_inertia"), ("inertia", "inertia power"), records=("T1",)),
    Analysis("t1-field", "T1 against field: spin lifetime and nuclear correlation time", "field", ("lifetime",),
             ("spectra", "fit_t1_field"), ("t1 field",), records=("T1",)),
    Analysis("t1-temperature", "T1 against temperature: activation energy", "temperature", ("lifetime",),
             ("spectra", "fit_t1_temperature"), ("t1 temperature",),
             records=("T1", "relaxation_activation_energy")),
    Analysis("polarisation-power", "polarisation against pump power", "power", ("polarisation",),
             ("spectra", "fit_polarisation_power"), ("polarisation",)),
    Analysis("cd", "g_CD from ellipticity and absorbance", "wavelength", ("ellipticity", "absorbance"),
             ("spectra", "fit_circular_dichroism"), ("circular dichroism",), records=("g_CD",)),
    Analysis("cpl", "g_lum of an emission band", "wavelength", ("left", "right"),
             ("spectra", "fit_luminescence"), ("luminescence",), (), ("g_lum",)),
    Analysis("mr", "magnetoresistance and switching fields of a loop", "field", ("resistance",),
             ("spectra", "fit_magnetoresistance"), ("loop",), records=("magnetoresistance",)),
    Analysis("iv", "spin polarisation of the current, magnet up and down", "voltage", ("current_up", "current_down"),
             ("spectra", "fit_current_polarisation"), ("current",), (), ("spin_polarisation",)),
    Analysis("hecht", "mobility-lifetime product from photocurrent against voltage", "voltage", ("current",),
             ("detectors", "fit_hecht"), ("",), records=("mu_tau",)),
    Analysis("sclc", "traps, mobility and resistivity from a dark I-V curve", "voltage", ("current",),
             ("detectors", "fit_sclc"), ("",), (), ("trap_density", "mobility", "resistivity")),
    Analysis("sensitivity", "X-ray sensitivity from current against dose rate", "dose_rate", ("current",),
             ("detectors", "fit_sensitivity"), ("",), records=("xray_sensitivity",)),
    Analysis("detection-limit", "lowest dose rate from signal-to-noise ratios", "dose_rate", ("snr",),
             ("detectors", "fit_detection_limit"), ("",), records=("xray_detection_limit",)),
    Analysis("drift", "drift of the dark current", "time", ("current",),
             ("detectors", "fit_drift"), ("",), records=("dark_current_drift",)),
    Analysis("response-time", "rise and fall of pulses", "time", ("current",),
             ("detectors", "fit_response_time"), ("",), records=("rise_time", "fall_time")),
    Analysis("capacitance", "permittivity from capacitance", "frequency", ("capacitance",),
             ("detectors", "fit_capacitance"), ("",), records=("dielectric_constant_static",)),
    Analysis("stability", "photocurrent left after on/off cycles", "time", ("current",),
             ("detectors", "fit_stability"), ("",), (), ("photocurrent_retention",)),
    Analysis("edge", "gap and exciton binding energy of an absorption edge", "energy", ("absorbance",),
             ("spectra", "fit_absorption_edge"), ("edge",), records=("band_gap", "exciton_binding_energy")),
)  # fmt: skip

ANALYSES: Mapping[str, Analysis] = {entry.name: entry for entry in _TABLE}
"""Analyses by name, in the order of the manual."""


def analysis(name: str) -> Analysis:
    """Find an analysis.

    Raises
    ------
    DataError
        If there is none of that name.
    """
    if name not in ANALYSES:
        raise DataError(f"there is no analysis '{name:.40}'; there are: {', '.join(ANALYSES)}")
    return ANALYSES[name]
