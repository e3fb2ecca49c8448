r"""The candidate mechanisms of an inference: how each rate goes with the conditions, and what is believed beforehand.

Each candidate is a law of this room in the form rate = coefficient x shape(conditions), the shape in laboratory units:

======================  =========================================  ==================================
candidate               shape                                      from
======================  =========================================  ==================================
constant                1                                          whatever depends on nothing measured
dyakonov_perel          (T/300 K) tau_p                            `dyakonov_perel_rate`, narrowing
elliott_yafet           1/tau_p                                    `elliott_yafet_rate`
bir_aronov_pikus        n (T/300 K)^(1/2)                          `bir_aronov_pikus_rate`, free holes
exciton_exchange        E_b^2 (T/300 K) tau_p                      `exciton_exchange_thermal_rate`
nuclear_fluctuations    1/B^2                                      `nuclear_fluctuation_rate`
activation              exp(-E_a/k_B T)                            `activation_rate`
======================  =========================================  ==================================

A column that isn't measured counts as constant, with two exceptions: without tau_p, tau_p = (T/300 K)^(-r); without
E_b but with the number of layers, E_b = `layer_binding_energy_mev`.

Priors, the same for all methods of fitting:

* mean contribution of a mechanism over the rows: log-normal about the mean observed rate, 1.5 decades (standard
  deviation);
* r: normal, 1.5 +- 0.5, between 0 and 3. Acoustic phonons in three dimensions give 3/2; mobilities of halide
  perovskites fall with T^1.4 to T^2.4 (curated records: MAPbI3, (TEA)2SnI4, MA0.48FA0.52PbI3);
* E_a: log-normal about 10 meV, a factor e; phonon energies of halide perovskites are 3 to 30 meV (curated records);
* scatter beyond the stated uncertainty: half-normal, 0.1 in ln(rate); 0.5 if no uncertainty is stated.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms.laws._arrays import Float
from perospin.mechanisms.laws.exciton_exchange import layer_binding_energy_mev
from perospin.units import HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K

__all__ = ["CANDIDATES", "SHAPE_PARAMETERS", "ModelSpace"]

# which conditions each candidate depends on
CANDIDATES: dict[str, tuple[str, ...]] = {
    "constant": (),
    "dyakonov_perel": ("temperature_k", "momentum_scattering_time_ps"),
    "elliott_yafet": ("temperature_k", "momentum_scattering_time_ps"),
    "bir_aronov_pikus": ("temperature_k", "density_cm3"),
    "exciton_exchange": ("temperature_k", "momentum_scattering_time_ps", "exciton_binding_energy_mev", "n_layers"),
    "nuclear_fluctuations": ("field_t",),
    "activation": ("temperature_k",),
}
"""Candidate mechanisms and the condition columns they depend on."""

SHAPE_PARAMETERS = ("scattering_exponent", "activation_energy_mev")
R_MEAN, R_SD, R_LOW, R_HIGH = 1.5, 0.5, 0.0, 3.0
EA_MEV, EA_LOG_SD = 10.0, 1.0
AMPLITUDE_LOG_SD = 1.5 * math.log(10.0)
T_REFERENCE_K = 300.0

# unit of the coefficient: rate over the shape, in lab units
_COEFFICIENT_UNITS = {
    "constant": "1/ps",
    "dyakonov_perel": "1/ps^2",
    "elliott_yafet": "1",
    "bir_aronov_pikus": "cm^3/ps",
    "exciton_exchange": "1/(ps^2*eV^2)",
    "nuclear_fluctuations": "T^2/ps",
    "activation": "1/ps",
}

_UNITS_WITHOUT_TIME = {"dyakonov_perel": "1/ps", "elliott_yafet": "1/ps", "exciton_exchange": "1/(ps*eV^2)"}


@dataclass(frozen=True)
class ModelSpace:
    """All sums of candidate mechanisms that a set of conditions can be asked about.

    Attributes
    ----------
    conditions
        Condition columns, each of shape (n,).
    names
        Candidates that are fitted, one for each group of `twins`.
    twins
        For each name, all candidates whose law is the same on these conditions, itself included.
    models
        Index tuples into `names`: which mechanisms each model sums.
    left_out
        Candidates that don't depend on anything that varies: each would be a constant here.
    """

    conditions: Mapping[str, Float]
    names: tuple[str, ...]
    twins: Mapping[str, tuple[str, ...]]
    models: tuple[tuple[int, ...], ...]
    left_out: tuple[str, ...]

    @classmethod
    def build(
        cls,
        conditions: Mapping[str, Float],
        varying: Sequence[str],
        candidates: Sequence[str] | None = None,
        max_mechanisms: int = 2,
    ) -> ModelSpace:
        """Choose the candidates and enumerate the models.

        Parameters
        ----------
        conditions, varying
            As in `Observations`.
        candidates
            Names of `CANDIDATES`, sums as ``"constant+activation"``; all that the conditions can speak of by default.
            With sums among them, exactly the models listed are compared.
        max_mechanisms
            Largest number of mechanisms in a sum.

        Raises
        ------
        DataError
            If a name is unknown, or fewer than two models are left.
        """
        listed = [tuple(part.strip() for part in text.split("+")) for text in candidates or ()]
        asked = list(dict.fromkeys(name for parts in listed for name in parts))
        for name in asked:
            if name not in CANDIDATES:
                raise DataError(f"unknown mechanism '{name:.40}'; candidates are {', '.join(CANDIDATES)}")
        if max_mechanisms < 1:
            raise DataError(f"a model needs at least one mechanism, got max_mechanisms={max_mechanisms}")
        dependent = [n for n, columns in CANDIDATES.items() if n == "constant" or set(columns) & set(varying)]
        left_out = tuple(name for name in (asked or CANDIDATES) if name not in dependent)
        usable = [name for name in (asked or CANDIDATES) if name in dependent]
        twins = _twins(usable, conditions)
        names = tuple(twins)
        if any(len(parts) > 1 for parts in listed):
            home = {twin: i for i, name in enumerate(names) for twin in twins[name]}
            wanted = [tuple(sorted({home[p] for p in parts})) for parts in listed if all(p in home for p in parts)]
            models = tuple(dict.fromkeys(wanted))
        else:
            sizes = range(1, min(max_mechanisms, len(names)) + 1)
            models = tuple(m for size in sizes for m in itertools.combinations(range(len(names)), size))
        if len(models) < 2:
            what = ", ".join(varying)
            raise DataError(
                f"only one mechanism among the candidates depends on what varies ({what}): nothing to tell apart"
            )
        return cls(dict(conditions), names, twins, models, left_out)

    def model_name(self, model: tuple[int, ...]) -> str:
        """Name of a model, e.g. ``"constant + activation"``."""
        return " + ".join(self.names[i] for i in model)

    def masks(self) -> Float:
        """One row a model: 1 for each mechanism in it; shape (n_models, n_names)."""
        masks = np.zeros((len(self.models), len(self.names)))
        for row, model in enumerate(self.models):
            masks[row, list(model)] = 1.0
        return masks

    def shape_masks(self) -> Float:
        """One row a model: 1 for each shape parameter it has; shape (n_models, 2)."""
        uses = self.shape_use()
        return np.stack([np.max(uses[list(model)], axis=0) for model in self.models])

    def shape_use(self) -> Float:
        """Which shape parameters each mechanism has here; shape (n_names, 2)."""
        free = "momentum_scattering_time_ps" not in self.conditions and "temperature_k" in self.conditions
        exponent = {"dyakonov_perel", "elliott_yafet", "exciton_exchange"} if free else set()
        return np.array([[float(name in exponent), float(name == "activation")] for name in self.names])

    def tables(self, conditions: Mapping[str, Float] | None = None) -> tuple[Float, Float, Float]:
        """Logarithm of each mechanism's shape as base + r exponent_slope + E_a energy_slope, each (n, n_names).

        Parameters
        ----------
        conditions
            Other conditions than the measured ones, with the same columns.

        Returns
        -------
        base, exponent_slope, energy_slope
            The last per meV.
        """
        columns = self.conditions if conditions is None else conditions
        base, exponent, energy = (
            np.stack([_log_shape(name, r, e, columns) for name in self.names], axis=-1)
            for r, e in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
        )
        return base, exponent - base, energy - base

    def coefficient_unit(self, name: str) -> str:
        """Return the unit of a mechanism's coefficient with the columns there are."""
        unit = _COEFFICIENT_UNITS[name]
        if "momentum_scattering_time_ps" not in self.conditions:
            unit = {"dyakonov_perel": "1/ps", "elliott_yafet": "1/ps", "exciton_exchange": "1/(ps*eV^2)"}.get(
                name, unit
            )
        if name == "bir_aronov_pikus" and "density_cm3" not in self.conditions:
            return "1/ps"
        if name == "exciton_exchange" and not {"exciton_binding_energy_mev", "n_layers"} & set(self.conditions):
            return unit.replace("*eV^2", "").replace("(", "").replace(")", "")
        return unit


def _log_shape(name: str, exponent: float, energy_mev: float, columns: Mapping[str, Float]) -> Float:
    """Logarithm of a shape; linear in r and in E_a."""
    zero = np.zeros_like(next(iter(columns.values())))
    temperature = np.log(columns["temperature_k"] / T_REFERENCE_K) if "temperature_k" in columns else zero
    if "momentum_scattering_time_ps" in columns:
        scattering = np.log(columns["momentum_scattering_time_ps"])
    else:
        scattering = -exponent * temperature
    if name == "constant":
        return zero
    if name == "dyakonov_perel":
        return temperature + scattering
    if name == "elliott_yafet":
        return -scattering
    if name == "bir_aronov_pikus":
        return 0.5 * temperature + (np.log(columns["density_cm3"]) if "density_cm3" in columns else zero)
    if name == "exciton_exchange":
        return temperature + scattering + 2.0 * _log_binding(columns, zero)
    if name == "nuclear_fluctuations":
        return -2.0 * np.log(columns["field_t"])
    return -energy_mev * 1e-3 / (KB_EV_K * columns["temperature_k"])


def _log_binding(columns: Mapping[str, Float], zero: Float) -> Float:
    if "exciton_binding_energy_mev" in columns:
        return np.log(columns["exciton_binding_energy_mev"] * 1e-3)
    if "n_layers" in columns:
        return np.log(layer_binding_energy_mev(columns["n_layers"]) * 1e-3)
    return zero


def _twins(names: Sequence[str], conditions: Mapping[str, Float]) -> dict[str, tuple[str, ...]]:
    """Group candidates whose shapes differ by a factor only, whatever the shape parameters."""
    groups: dict[str, list[str]] = {}
    curves: dict[str, list[Float]] = {}
    for name in names:
        own = [_log_shape(name, r, e, conditions) for r, e in ((0.7, 3.0), (1.9, 12.0))]
        own = [curve - curve.mean() for curve in own]
        for first, known in curves.items():
            if all(np.allclose(a, b, atol=1e-9) for a, b in zip(own, known, strict=True)):
                groups[first].append(name)
                break
        else:
            groups[name], curves[name] = [name], own
    return {first: tuple(members) for first, members in groups.items()}


def physical_parameters(
    name: str, log_coefficient: Any, conditions: Mapping[str, Any], known: Mapping[str, float]
) -> dict[str, Any]:
    """Physical parameters behind a coefficient, as logarithms: those that `known` constants allow.

    Parameters
    ----------
    name
        Mechanism.
    log_coefficient
        Natural logarithm of the coefficient (any shape).
    conditions
        Condition columns of the data.
    known
        Constants that were measured otherwise, e.g. ``{"nuclear_field_t": 0.012}``.

    Returns
    -------
    dict
        ln(value) by argument name of the laws.
    """
    found: dict[str, Any] = {}
    tau = None if "momentum_scattering_time_ps" in conditions else known.get("momentum_scattering_time_ps")
    has_time = "momentum_scattering_time_ps" in conditions or tau is not None
    log_tau = 0.0 if tau is None else math.log(tau)
    if name == "constant":
        found["spin_lifetime_ps"] = -log_coefficient
    elif name == "activation":
        found["activation_rate_per_ps"] = log_coefficient
    elif name == "nuclear_fluctuations" and "nuclear_field_t" in known:
        found["correlation_time_ps"] = 2.0 * math.log(known["nuclear_field_t"]) - log_coefficient
    elif name == "dyakonov_perel" and has_time and "mass_m0" in known:
        k2 = 2.0 * known["mass_m0"] * KB_EV_K * T_REFERENCE_K / HBAR2_OVER_M0_EV_A2
        found["rashba_ev_a"] = 0.5 * (log_coefficient - log_tau - math.log(4.0 * k2 / HBAR_EV_PS**2))
    elif name == "elliott_yafet" and has_time:
        found["spin_mixing"] = log_coefficient + log_tau
    elif name == "bir_aronov_pikus" and "density_cm3" in conditions and {"mass_m0", "permittivity"} <= set(known):
        from perospin.mechanisms.laws.bir_aronov_pikus import bir_aronov_pikus_rate

        unit = bir_aronov_pikus_rate(T_REFERENCE_K, 1.0, 1.0, known["mass_m0"], known["permittivity"])
        found["exchange_splitting_mev"] = 0.5 * (log_coefficient - math.log(float(unit)))
    return found
