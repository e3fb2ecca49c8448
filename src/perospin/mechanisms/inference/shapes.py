r"""The candidate mechanisms of an inference as logarithms of rates, and what is believed of them beforehand.

Each candidate is a law of this room; the laws of one mechanism (D'yakonov-Perel in narrowing, across the crossover,
with a cubic field) give one answer, unless the data tell them apart. t = T/300 K, F a coefficient:

============================  =============================================  ====================================
candidate                     rate                                           from
============================  =============================================  ====================================
constant                      F                                              whatever depends on nothing measured
dyakonov_perel                F t tau_p                                      `dyakonov_perel_rate`, narrowing
dyakonov_perel_crossover      lambda(Omega^2 = F t, tau_p), to 1/(2 tau_p)   `crossover_rate`
dyakonov_perel_cubic          F t^3 tau_p                                    `thermal_relaxation_tensor`, cubic field
elliott_yafet                 F/tau_p                                        `elliott_yafet_rate`
elliott_yafet_einstein        F E x e^x/(e^x-1)^2, x = E/kT                  `elliott_yafet_einstein_rate`
elliott_yafet_debye           the same, integrated up to E                   `elliott_yafet_debye_rate`
bir_aronov_pikus              F n t^(1/2) min[1, (3kT/2E_F)^(1/2)]           `bir_aronov_pikus_rate`, free holes
exciton_exchange              F E_b^2 t tau_p                                `exciton_exchange_thermal_rate`
exciton_exchange_crossover    lambda(Omega^2 = F E_b^2 t, tau_p)             the same, any Omega tau_p
nuclear_fluctuations          F [1 - <n_z^2>](B/Delta_N)                     `nuclear_fluctuation_rate`
activation                    F exp(-E_a/kT)                                 `activation_rate`
raman                         F n(n+1), n at E/kT                            `raman_rate`
one_phonon                    F B^5 coth(g mu_B B/2kT)                       `one_phonon_rate`
============================  =============================================  ====================================

A column that isn't measured counts as constant, with two exceptions: without tau_p, tau_p = tau_300 t^(-r); without
E_b but with the number of layers, E_b = `layer_binding_energy_mev`.

Priors, the same for all methods of fitting:

* mean contribution of a mechanism over the rows: log-normal about the mean observed rate, 1.5 decades (standard
  deviation); the crossover laws, whose size isn't free, have ln Omega at 300 K uniform from 1 to 500 rad/ps instead;
* members of a family share the weight of one;
* r: normal, 1.5 +- 0.5, between 0 and 3. Acoustic phonons in three dimensions give 3/2; mobilities of halide
  perovskites fall with T^1.4 to T^2.4 (curated records: MAPbI3, (TEA)2SnI4, MA0.48FA0.52PbI3);
* E_a and phonon energies: log-normal about 10 meV, a factor e; phonon energies of halide perovskites are 3 to 30 meV
  (curated records);
* Delta_N: log-normal about 10 mT, a factor e; nanocrystals of 7 to 14 nm have 6 to 18 mT (`nuclear_field_from_size`);
* hole mass: log-normal about 0.25, a factor e^0.4 (curated records);
* tau_300: log-normal about 5 fs, a factor e; what mobilities of 10 to 100 cm^2/(V s) mean at a mass of 0.2;
* a law ends where its physics does: spin mixing up to 0.3, Omega tau_p up to 1/2 in narrowing; beyond, a quarter of a
  unit of ln F is one standard deviation;
* scatter beyond the stated uncertainty: half-normal, 0.1 in ln(rate); 0.5 if no uncertainty is stated.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from perospin.mechanisms._arrays import Float
from perospin.mechanisms.laws.exciton_exchange import layer_binding_energy_mev
from perospin.units import HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K, MU_B_EV_T

__all__ = ["CANDIDATES", "FAMILIES", "SHAPES", "Candidate", "Shape"]

T_REFERENCE_K = 300.0
AMPLITUDE_LOG_SD = 1.5 * math.log(10.0)
CAP_LOG_SD = 0.25  # beyond a cap or the end of a range
LARGEST_MIXING, LARGEST_NARROWING = 0.3, 0.25  # <b^2>; (Omega tau_p)^2

Columns = Mapping[str, Any]
LogRate = Callable[[Any, Mapping[str, Any], Columns, Any], Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """One parameter beside the coefficients; fitted as itself or as its logarithm.

    Attributes
    ----------
    name
        Argument name of the laws.
    level, width
        Mean and standard deviation of its normal prior, of the logarithm if `log`.
    low, high
        Limits, in the same terms.
    log
        Whether it is the logarithm that is fitted.
    starts
        Starting values in standard deviations from the mean.
    """

    name: str
    level: float
    width: float
    low: float
    high: float
    log: bool
    starts: tuple[float, ...]

    def plain(self, value: Any) -> Any:
        """Turn the fitted number into the parameter."""
        return np.exp(value) if self.log else value


def _log(name: str, middle: float, width: float, low: float, high: float, starts: tuple[float, ...]) -> Shape:
    return Shape(name, math.log(middle), width, math.log(low), math.log(high), True, starts)


_ENERGY_STARTS = (-0.5, 0.7, -1.6, 1.8, -2.7)
_LIST = (
    Shape("scattering_exponent", 1.5, 0.5, 0.0, 3.0, False, (0.0, -1.0, 1.0, -1.8, 1.8)),
    _log("activation_energy_mev", 10.0, 1.0, 0.01, 2000.0, _ENERGY_STARTS),
    _log("phonon_energy_mev", 10.0, 1.0, 0.01, 2000.0, _ENERGY_STARTS),
    _log("nuclear_field_t", 0.010, 1.0, 1e-5, 1.0, (0.0, 1.0, -1.0, 2.0, -2.0)),
    _log("hole_mass_m0", 0.25, 0.4, 0.02, 3.0, (0.0, 1.0, -1.0, 0.5, -0.5)),
    _log("momentum_scattering_time_ps", 0.005, 1.0, 1e-5, 10.0, (0.0, 1.5, -1.0, 3.0, 0.7)),
)
SHAPES: dict[str, Shape] = {shape.name: shape for shape in _LIST}
"""Every shape parameter, in the order of the fits."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One law as a candidate.

    Attributes
    ----------
    family
        The mechanism that it belongs to.
    columns
        Condition columns that it depends on.
    log_rate
        ln(rate/(1/ps)) from ln(coefficient), shape parameters, columns and the array library.
    shapes
        Shape parameters it has when the named columns are all there (and, with a leading ``-``, those missing).
    unit
        Of the coefficient, with all columns.
    prior
        Lower and upper end of ln(coefficient), from the columns, for laws that don't scale with it; None where the rate
        is proportional to the coefficient.
    cap
        ln(coefficient) above which the law leaves its physics, from the columns; None without.
    """

    family: str
    columns: tuple[str, ...]
    log_rate: LogRate
    unit: str
    shapes: Mapping[str, tuple[str, ...]]
    prior: Callable[[Columns], tuple[float, float]] | None = None
    cap: Callable[[Columns], float | None] | None = None

    def used(self, conditions: Columns) -> tuple[str, ...]:
        """Shape parameters on these columns."""

        def holds(needed: str) -> bool:
            return needed[1:] not in conditions if needed.startswith("-") else needed in conditions

        return tuple(name for name, needs in self.shapes.items() if all(holds(n) for n in needs))


def _fast_spins(columns: Columns, binding: bool = False) -> tuple[float, float]:
    """Range of ln Omega^2 at 300 K: Omega from 1 to 500 rad/ps, with a mass of 0.2 alpha from 0.01 to 5 eV Angstrom."""
    shift = 2.0 * float(np.mean(_binding(columns, np))) if binding else 0.0
    return -shift, 2.0 * math.log(500.0) - shift


def _warm(columns: Columns, xp: Any) -> Any:
    return xp.log(columns["temperature_k"] / T_REFERENCE_K) if "temperature_k" in columns else 0.0


def _time(shape: Mapping[str, Any], columns: Columns, xp: Any) -> Any:
    if "momentum_scattering_time_ps" in columns:
        return xp.log(columns["momentum_scattering_time_ps"])
    return -shape["scattering_exponent"] * _warm(columns, xp) if "scattering_exponent" in shape else 0.0


def _binding(columns: Columns, xp: Any) -> Any:
    if "exciton_binding_energy_mev" in columns:
        return xp.log(columns["exciton_binding_energy_mev"] * 1e-3)
    if "n_layers" in columns:
        return xp.log(layer_binding_energy_mev(columns["n_layers"]) * 1e-3)
    return 0.0


def _constant(c: Any, shape: Any, columns: Columns, xp: Any) -> Any:
    return c + 0.0 * next(iter(columns.values()))


def _dyakonov_perel(power: float) -> LogRate:
    return lambda c, shape, columns, xp: c + power * _warm(columns, xp) + _time(shape, columns, xp)


def _elliott_yafet(c: Any, shape: Any, columns: Columns, xp: Any) -> Any:
    return c - _time(shape, columns, xp)


def _exchange(c: Any, shape: Any, columns: Columns, xp: Any) -> Any:
    return c + _warm(columns, xp) + _time(shape, columns, xp) + 2.0 * _binding(columns, xp)


def _crossover(c: Any, shape: Mapping[str, Any], columns: Columns, xp: Any, binding: Any = 0.0) -> Any:
    """`crossover_rate` along z, in logarithms: Omega^2 tau_p times 2/(1 + root), 1/(2 tau_p) from 1/2 up."""
    log_tau = _time(shape, columns, xp)
    if "momentum_scattering_time_ps" not in columns:
        log_tau = log_tau + xp.log(shape["momentum_scattering_time_ps"])
    square = c + _warm(columns, xp) + binding  # ln Omega^2
    w = xp.exp(xp.clip(square + 2.0 * log_tau, -300.0, 300.0))
    over = w < 0.25
    root = xp.sqrt(xp.where(over, 1.0 - 4.0 * w, 1.0))
    return xp.where(over, square + log_tau + math.log(2.0) - xp.log(1.0 + root), -math.log(2.0) - log_tau + 0.0 * w)


def _exchange_crossover(c: Any, shape: Any, columns: Columns, xp: Any) -> Any:
    return _crossover(c, shape, columns, xp, 2.0 * _binding(columns, xp))


def _x(energy_mev: Any, columns: Columns) -> Any:
    return energy_mev * 1e-3 / (KB_EV_K * columns["temperature_k"])


def _log_bose(x: Any, xp: Any) -> Any:
    """Logarithm of n(n+1) at x = energy/kT."""
    return -x - 2.0 * xp.log(-xp.expm1(-x))


def _einstein(c: Any, shape: Mapping[str, Any], columns: Columns, xp: Any) -> Any:
    x = _x(shape["phonon_energy_mev"], columns)
    scale = math.log(4.0 * math.pi * 1e-3 / HBAR_EV_PS)
    return c + scale + xp.log(shape["phonon_energy_mev"]) + xp.log(x) + _log_bose(x, xp)


@lru_cache(maxsize=1)
def _debye_table() -> tuple[Float, Float]:
    """Logarithm of 2 int_0^1 u^2 T dN/dT du against ln(E/kT)."""
    from perospin.mechanisms.laws.elliott_yafet import elliott_yafet_debye_rate

    grid = np.linspace(-9.0, 9.0, 2001)
    plain = inspect.unwrap(elliott_yafet_debye_rate)  # far beyond what a temperature can be: no doubts wanted
    rate = plain(1e-3 / KB_EV_K / np.exp(grid), 1.0, 1.0)
    return grid, np.log(rate / (4.0 * math.pi * 1e-3 / HBAR_EV_PS))


def _debye(c: Any, shape: Mapping[str, Any], columns: Columns, xp: Any) -> Any:
    grid, table = _debye_table()
    scale = math.log(4.0 * math.pi * 1e-3 / HBAR_EV_PS)
    thermal = xp.interp(xp.log(_x(shape["phonon_energy_mev"], columns)), grid, table)
    return c + scale + xp.log(shape["phonon_energy_mev"]) + thermal


def _bir_aronov_pikus(c: Any, shape: Mapping[str, Any], columns: Columns, xp: Any) -> Any:
    rate = c + 0.5 * _warm(columns, xp)
    if "density_cm3" not in columns:
        return rate
    rate = rate + xp.log(columns["density_cm3"])
    if "hole_mass_m0" not in shape:
        return rate
    per_a3 = columns["density_cm3"] * 1e-24
    fermi_ev = 0.5 * HBAR2_OVER_M0_EV_A2 / shape["hole_mass_m0"] * (3.0 * np.pi**2 * per_a3) ** (2.0 / 3.0)
    thermal = 1.5 * KB_EV_K * columns["temperature_k"] / fermi_ev
    return rate + 0.5 * xp.minimum(xp.log(thermal), 0.0)


def _nuclear(c: Any, shape: Mapping[str, Any], columns: Columns, xp: Any) -> Any:
    ratio = columns["field_t"] / shape["nuclear_field_t"]
    if xp is np:
        from scipy.special import dawsn

        near = np.clip(ratio, 1e-3, 30.0)
        close = (near - dawsn(near)) / near**3
        share = np.where(ratio < 1e-3, 2.0 / 3.0, np.where(ratio > 30.0, (1.0 - 0.5 / ratio**2) / ratio**2, close))
        return c + np.log(share)
    from perospin.mechanisms.laws.nuclear import nuclear_transverse_share

    return c + xp.log(nuclear_transverse_share(ratio))


def _activation(c: Any, shape: Mapping[str, Any], columns: Columns, xp: Any) -> Any:
    return c - _x(shape["activation_energy_mev"], columns)


def _raman(c: Any, shape: Mapping[str, Any], columns: Columns, xp: Any) -> Any:
    return c + _log_bose(_x(shape["phonon_energy_mev"], columns), xp)


ONE_PHONON_G = 2.0


def _one_phonon(c: Any, shape: Mapping[str, Any], columns: Columns, xp: Any) -> Any:
    field = columns["field_t"]
    if "temperature_k" not in columns:
        return c + 4.0 * xp.log(field)  # far above the Zeeman splitting coth is its inverse
    half = 0.5 * ONE_PHONON_G * MU_B_EV_T * field / (KB_EV_K * columns["temperature_k"])
    return c + 5.0 * xp.log(field) - xp.log(xp.tanh(half))


def _mixing_cap(columns: Columns) -> float | None:
    return math.log(LARGEST_MIXING) if "momentum_scattering_time_ps" in columns else None


def _narrowing_cap(power: float, binding: bool = False) -> Callable[[Columns], float | None]:
    def cap(columns: Columns) -> float | None:
        if "momentum_scattering_time_ps" not in columns:
            return None
        square = power * _warm(columns, np) + 2.0 * np.log(columns["momentum_scattering_time_ps"])
        if binding:
            square = square + 2.0 * _binding(columns, np)
        return math.log(LARGEST_NARROWING) - float(np.max(square))

    return cap


_TAU = "momentum_scattering_time_ps"
_EXPONENT = {"scattering_exponent": ("-" + _TAU, "temperature_k")}
_TIME_300 = {**_EXPONENT, _TAU: ("-" + _TAU,)}
_PHONON = {"phonon_energy_mev": ("temperature_k",)}
_T, _TT = ("temperature_k",), ("temperature_k", _TAU)

CANDIDATES: dict[str, Candidate] = {
    "constant": Candidate("constant", (), _constant, "1/ps", {}),
    "dyakonov_perel": Candidate(
        "dyakonov_perel", _TT, _dyakonov_perel(1.0), "1/ps^2", _EXPONENT, cap=_narrowing_cap(1.0)
    ),
    "dyakonov_perel_crossover": Candidate(
        "dyakonov_perel", _TT, _crossover, "1/ps^2", _TIME_300, prior=_fast_spins
    ),
    "dyakonov_perel_cubic": Candidate(
        "dyakonov_perel", _TT, _dyakonov_perel(3.0), "1/ps^2", _EXPONENT, cap=_narrowing_cap(3.0)
    ),
    "elliott_yafet": Candidate("elliott_yafet", _TT, _elliott_yafet, "1", _EXPONENT, cap=_mixing_cap),
    "elliott_yafet_einstein": Candidate("elliott_yafet", _T, _einstein, "1", _PHONON),
    "elliott_yafet_debye": Candidate("elliott_yafet", _T, _debye, "1", _PHONON),
    "bir_aronov_pikus": Candidate(
        "bir_aronov_pikus", ("temperature_k", "density_cm3"), _bir_aronov_pikus, "cm^3/ps",
        {"hole_mass_m0": ("temperature_k", "density_cm3")},
    ),
    "exciton_exchange": Candidate(
        "exciton_exchange", (*_TT, "exciton_binding_energy_mev", "n_layers"), _exchange, "1/(ps^2*eV^2)", _EXPONENT,
        cap=_narrowing_cap(1.0, binding=True),
    ),
    "exciton_exchange_crossover": Candidate(
        "exciton_exchange", (*_TT, "exciton_binding_energy_mev", "n_layers"), _exchange_crossover, "1/(ps^2*eV^2)",
        _TIME_300, prior=lambda columns: _fast_spins(columns, binding=True),
    ),
    "nuclear_fluctuations": Candidate(
        "nuclear_fluctuations", ("field_t",), _nuclear, "1/ps", {"nuclear_field_t": ("field_t",)}
    ),
    "activation": Candidate("activation", _T, _activation, "1/ps", {"activation_energy_mev": ("temperature_k",)}),
    "raman": Candidate("activation", _T, _raman, "1/ps", _PHONON),
    "one_phonon": Candidate("one_phonon", ("field_t",), _one_phonon, "1/(ps*T^5)", {}),
}  # fmt: skip
"""Candidate mechanisms."""

FAMILIES: dict[str, tuple[str, ...]] = {}
"""Candidates of each mechanism."""
for _name, _candidate in CANDIDATES.items():
    FAMILIES[_candidate.family] = (*FAMILIES.get(_candidate.family, ()), _name)
