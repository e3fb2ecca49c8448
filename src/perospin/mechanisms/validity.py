"""Where each law holds, declared once and asked wherever a rate is computed: result, command and page.

`checked` laws ask by themselves after each call (outermost law only) and warn; `holds` gives the same as sentences.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from perospin.mechanisms.quantities import QUANTITIES
from perospin.units import E2_EV_A, HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K, MU_B_EV_T

__all__ = ["RANGES", "USUAL", "Range", "SpinRelaxationWarning", "holds", "unusual", "warn_outside"]

Arguments = Mapping[str, Any]

NARROWING_LIMIT = 0.3
"""Omega tau_p above which the motional-narrowing law is off by more than 10 %."""


class SpinRelaxationWarning(UserWarning):
    """A law is used outside the range in which it holds."""


@dataclass(frozen=True, slots=True)
class Range:
    """One condition under which a law holds.

    Attributes
    ----------
    name
        The number that counts, in words.
    value
        That number from the arguments (and ``"result"``); None where the arguments don't tell.
    beyond
        What happens outside; from the arguments if it depends on them.
    low, high
        Between which values the law holds.
    """

    name: str
    value: Callable[[Arguments], Any]
    beyond: str | Callable[[Arguments], str]
    low: float = -math.inf
    high: float = math.inf

    @property
    def words(self) -> str:
        """The condition as it stands on the page."""
        if math.isinf(self.low):
            return f"{self.name} up to {self.high:g}"
        if math.isinf(self.high):
            return f"{self.name} from {self.low:g} up"
        return f"{self.name} from {self.low:g} to {self.high:g}"

    def check(self, arguments: Arguments) -> str | None:
        """Say what is wrong, or None."""
        found = self.value(arguments)
        if found is None:
            return None
        found = np.asarray(found, dtype=float)
        found = found[np.isfinite(found)]
        if not found.size:
            return None
        beyond = self.beyond if isinstance(self.beyond, str) else self.beyond(arguments)
        top, bottom = float(found.max()), float(found.min())
        if top > self.high * (1.0 + 1e-9):
            return f"{self.name} reaches {top:.2g} (> {self.high:g}): {beyond}"
        if bottom < self.low * (1.0 - 1e-9) - (0.0 if self.low else 1e-12):
            return f"{self.name} goes down to {bottom:.2g} (< {self.low:g}): {beyond}"
        return None


def _thermal_omega_tau(a: Arguments, slope: str = "rashba_ev_a", mass: str = "mass_m0") -> Any:
    dimension = a.get("dimension", 2)
    k = np.sqrt(dimension * a[mass] * KB_EV_K * a["temperature_k"] / HBAR2_OVER_M0_EV_A2)
    return 2.0 * a[slope] * k / HBAR_EV_PS * a["momentum_scattering_time_ps"]


def _narrowing_words(a: Arguments) -> str:
    used = (
        "motional narrowing does not hold"
        if a.get("regime", "auto") != "auto"
        else "the crossover at the rms field is used"
    )
    return f"{used}, and the decay is not exponential"


def _fermi_over_thermal(a: Arguments) -> Any:
    """E_F over 3/2 kT of the holes; None without their mass."""
    mass = a.get("hole_mass_m0")
    if mass is None:
        return None
    per_a3 = a["density_cm3"] * 1e-24
    fermi = 0.5 * HBAR2_OVER_M0_EV_A2 / mass * (3.0 * np.pi**2 * per_a3) ** (2.0 / 3.0)
    return fermi / (1.5 * KB_EV_K * a["temperature_k"])


def _nondegenerate(a: Arguments) -> Any:
    return _fermi_over_thermal(a) if a.get("statistics", "auto") == "nondegenerate" else None


def _overlap(a: Arguments) -> Any:
    radius_a = a["permittivity"] * HBAR2_OVER_M0_EV_A2 / (a["mass_m0"] * E2_EV_A)
    return a["density_cm3"] * (radius_a * 1e-8) ** 3 if a.get("enhancement") == "unscreened" else None


def _turns(a: Arguments) -> Any:
    """Angle by which a spin turns within the correlation time, in the larger of both fields (rms)."""
    g = a.get("g_factor")
    if g is None:
        return None
    total = np.sqrt(np.asarray(a["field_t"]) ** 2 + 1.5 * np.asarray(a["nuclear_field_t"]) ** 2)
    return np.abs(g) * MU_B_EV_T * total / HBAR_EV_PS * a["correlation_time_ps"]


def _of(name: str) -> Callable[[Arguments], Any]:
    return lambda a: a.get(name)


_OMEGA_TAU = "Omega tau_p"
_BULK_GAP = Range("the gap (eV)", _of("gap_ev"), "the law was made for lead halides between these gaps", 1.4, 3.4)
_SPLITTING = Range(
    _OMEGA_TAU,
    lambda a: a["exchange_splitting_mev"] * 1e-3 / HBAR_EV_PS * a["momentum_scattering_time_ps"],
    _narrowing_words, high=NARROWING_LIMIT,
)  # fmt: skip
_LEVELS = Range(
    "phonon energy over level spacing",
    lambda a: None if a.get("level_spacing_mev") is None else a["phonon_energy_mev"] / a["level_spacing_mev"],
    "the phonon comes near a real transition of the dot, which second-order perturbation theory does not describe",
    high=0.5,
)  # fmt: skip
_HOPPING = Range(
    "precession angle per hop (rad)", _of("hop_angle"), "a spin turns right round in one hop: its rate is that of hops",
    high=1.0,
)  # fmt: skip

RANGES: dict[str, tuple[Range, ...]] = {
    "dyakonov_perel_rate": (Range(_OMEGA_TAU, _thermal_omega_tau, _narrowing_words, high=NARROWING_LIMIT),),
    "dyakonov_perel_integral_rate": (
        Range(_OMEGA_TAU, _of("omega_tau"), "motional narrowing does not hold", high=NARROWING_LIMIT),
    ),
    "relaxation_tensor": (
        Range(_OMEGA_TAU, _of("omega_tau"), "motional narrowing does not hold", high=NARROWING_LIMIT),
    ),
    "free_precession": (
        Range("the time (ps)", _of("time_ps"), "before the start there is no decay to speak of", low=0.0),
    ),
    "elliott_yafet_rate": (
        Range(
            "c <b^2>", lambda a: a["prefactor"] * np.asarray(a["spin_mixing"]),
            "the expansion in the admixture ends; a spin can't relax faster than its momentum, 1/tau_p", high=0.3,
        ),
    ),
    "bir_aronov_pikus_rate": (
        Range(
            "Fermi energy of the holes over 3/2 kT", _nondegenerate,
            "the holes are degenerate: leave statistics at 'auto'", high=1.0,
        ),
        Range(
            "holes within a Bohr radius cubed", _overlap,
            "the holes screen the attraction: the enhancement is that of no holes at all", high=0.02,
        ),
    ),
    "bir_aronov_pikus_degenerate_rate": (
        Range(
            "Fermi energy of the holes over 3/2 kT", _fermi_over_thermal,
            "the holes are not degenerate; bir_aronov_pikus chooses by itself", low=1.0,
        ),
    ),
    "exciton_exchange_rate": (_SPLITTING,),
    "exciton_exchange_thermal_rate": (
        Range(
            _OMEGA_TAU, lambda a: _thermal_omega_tau(a, "exchange_slope_ev_a", "translational_mass_m0"),
            _narrowing_words, high=NARROWING_LIMIT,
        ),
    ),
    "layer_binding_energy_mev": (
        Range("layers n", _of("n_layers"), "there is no layer below one", low=1.0),
    ),
    "nuclear_fluctuation_rate": (
        Range(
            "B/Delta_N", lambda a: np.asarray(a["field_t"]) / a["nuclear_field_t"] if a["form"] == "paper" else None,
            "the short law is too fast, 6 % at 3 and a factor 2.2 at 1; form='jumping' holds at every field", low=3.0,
        ),
        Range(
            "turns of the spin within tau_c (rad)", _turns,
            "the nuclear field changes before the spin has turned about it: the law needs more than 1", low=1.0,
        ),
    ),
    "nuclear_field_from_size": (
        Range("the edge (nm)", _of("size_nm"), "0.47 T and 0.624 nm are those of CsPbI3 nanocrystals", 5.0, 30.0),
    ),
    "raman_golden_rule_rate": (_LEVELS,),
    "electron_g_factor": (_BULK_GAP,),
    "hole_g_factor": (_BULK_GAP,),
    "exciton_g_factor": (_BULK_GAP,),
    "one_phonon_rate": (
        Range(
            "phonon wave vector times the size", _of("phonon_size"),
            "the phonon's wavelength is shorter than the localised state: the rate is smaller", high=1.0,
        ),
    ),
    "hopping_rate": (_HOPPING,),
    "froehlich_mobility": (
        Range("alpha", _of("froehlich_coupling"), "Hellwarth and Biaggio's path is for weak to middling coupling",
              high=6.0),
    ),
}  # fmt: skip
"""Ranges of each law, by its function's name."""

USUAL: dict[str, tuple[float, float]] = {
    "temperature_k": (0.01, 1500.0),
    "field_t": (0.0, 25.0),
    "density_cm3": (0.0, 1e23),
    "acceptor_density_cm3": (0.0, 1e23),
    "momentum_scattering_time_ps": (1e-5, 1e3),
    "mass_m0": (0.005, 20.0),
    "hole_mass_m0": (0.005, 20.0),
    "rashba_ev_a": (0.0, 20.0),
    "gap_ev": (0.05, 15.0),
    "phonon_energy_mev": (0.01, 600.0),
    "exciton_binding_energy_mev": (0.1, 3000.0),
    "exchange_splitting_mev": (0.0, 500.0),
    "size_nm": (0.5, 1000.0),
    "n_layers": (1.0, 200.0),
    "permittivity": (1.0, 3000.0),
}
"""Between which values a quantity usually lies; beyond, a unit may be meant that wasn't said."""


def unusual(arguments: Arguments) -> list[str]:
    """Doubt units: name the values that lie beyond what is usual.

    Parameters
    ----------
    arguments
        Values by argument name; others than those of `USUAL` are passed over.
    """
    said = []
    for name, (low, high) in USUAL.items():
        value = arguments.get(name)
        if value is None or not np.size(value):
            continue
        smallest, largest = float(np.min(value)), float(np.max(value))
        odd = largest if largest > high else smallest if smallest < low else None
        if odd is not None:
            said.append(f"{QUANTITIES[name].short} {QUANTITIES[name].with_unit(odd)} is unusual: is the unit right?")
    return said


def holds(name: str, arguments: Arguments) -> list[str]:
    """Sentences on where a law is used outside its range; [] if it holds.

    Parameters
    ----------
    name
        Name of the law's function.
    arguments
        Its arguments, with the ``"result"`` if there is one.
    """
    found = (item.check(arguments) for item in RANGES.get(name, ()))
    return [sentence for sentence in found if sentence] + unusual(arguments)


def warn_outside(name: str, arguments: Arguments, stacklevel: int = 3) -> None:
    """Warn (`SpinRelaxationWarning`) for each sentence of `holds`."""
    for sentence in holds(name, arguments):
        warnings.warn(sentence, SpinRelaxationWarning, stacklevel=stacklevel)
