"""The sums of candidate mechanisms that a set of conditions can be asked about (laws and priors: `shapes`)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from perospin.errors import DataError
from perospin.mechanisms._arrays import Float
from perospin.mechanisms.inference.shapes import CANDIDATES, FAMILIES, SHAPES, T_REFERENCE_K
from perospin.units import HBAR2_OVER_M0_EV_A2, HBAR_EV_PS, KB_EV_K

__all__ = ["CANDIDATES", "FAMILIES", "ModelSpace", "physical_parameters"]

_STEP = 1e-4  # of numerical derivatives by ln(coefficient) and shape parameters
_IDLE = 1e-3  # change of ln(rate) below which a shape parameter doesn't matter


@dataclass(frozen=True)
class ModelSpace:
    """All sums of candidate mechanisms that a set of conditions can be asked about.

    A fit's parameters theta are ln(coefficient) of each of `names`, then the shape parameters in the order of
    `shape_names`.

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
        Mechanisms that don't depend on anything that varies: each would be a constant here.
    known
        Shape parameters that were measured otherwise.
    shape_names
        Shape parameters that some candidate has here.
    idle
        For each name, shape parameters that it has but that change nothing on these conditions.
    """

    conditions: Mapping[str, Float]
    names: tuple[str, ...]
    twins: Mapping[str, tuple[str, ...]]
    models: tuple[tuple[int, ...], ...]
    left_out: tuple[str, ...]
    known: Mapping[str, float] = field(default_factory=dict)
    shape_names: tuple[str, ...] = ()
    idle: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        conditions: Mapping[str, Float],
        varying: Sequence[str],
        candidates: Sequence[str] | None = None,
        max_mechanisms: int = 2,
        known: Mapping[str, float] | None = None,
    ) -> ModelSpace:
        """Choose the candidates and enumerate the models.

        Parameters
        ----------
        conditions, varying
            As in `Observations`.
        candidates
            Mechanisms (all their laws) or single laws of `CANDIDATES`, sums as ``"constant+activation"``; all that the
            conditions can speak of by default. With sums among them, exactly the models listed are compared.
        max_mechanisms
            Largest number of mechanisms in a sum; a sum has one law of each mechanism.
        known
            Shape parameters measured otherwise, by name; other names are passed over.

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
        sums = any(len(parts) > 1 for parts in listed)
        # a mechanism's name stands for all its laws; in a sum for the one law of that name
        laws = list(dict.fromkeys(m for n in asked for m in ((n,) if sums else FAMILIES.get(n, (n,)))))
        dependent = [n for n, c in CANDIDATES.items() if n == "constant" or set(c.columns) & set(varying)]
        wanted = laws or list(CANDIDATES)
        usable = [name for name in wanted if name in dependent]
        gone = [CANDIDATES[name].family for name in wanted if name not in dependent]
        kept = {CANDIDATES[name].family for name in usable}
        left_out = tuple(dict.fromkeys(name for name in gone if name not in kept))
        fixed = {name: float(value) for name, value in (known or {}).items() if name in SHAPES}
        twins = _twins(usable, conditions, fixed)
        names = tuple(twins)
        family = [CANDIDATES[name].family for name in names]
        if sums:
            home = {twin: i for i, name in enumerate(names) for twin in twins[name]}
            chosen = [tuple(sorted({home[p] for p in parts})) for parts in listed if all(p in home for p in parts)]
            models = tuple(dict.fromkeys(chosen))
        else:
            sizes = range(1, min(max_mechanisms, len(names)) + 1)
            every = (m for size in sizes for m in itertools.combinations(range(len(names)), size))
            models = tuple(m for m in every if len({family[i] for i in m}) == len(m))
        if len(models) < 2:
            what = ", ".join(varying)
            raise DataError(
                f"only one mechanism among the candidates depends on what varies ({what}): nothing to tell apart"
            )
        idle = {name: _idle(name, conditions, fixed) for name in names}
        live = {s for n in names for s in CANDIDATES[n].used(conditions) if s not in fixed and s not in idle[n]}
        shape_names = tuple(name for name in SHAPES if name in live)
        return cls(dict(conditions), names, twins, models, left_out, fixed, shape_names, idle)

    def model_name(self, model: tuple[int, ...]) -> str:
        """Name of a model, e.g. ``"constant + activation"``."""
        return " + ".join(self.names[i] for i in model)

    def used(self, name: str) -> tuple[str, ...]:
        """Free shape parameters of a candidate here."""
        return tuple(s for s, position in self._shapes_of[name] if position is not None)

    @cached_property
    def _shapes_of(self) -> dict[str, list[tuple[str, int | None]]]:
        """Shape parameters of each candidate, with their place among the free ones or None."""
        return {
            name: [
                (s, self.shape_names.index(s) if s in self.shape_names and s not in self.idle.get(name, ()) else None)
                for s in CANDIDATES[name].used(self.conditions)
            ]
            for name in self.names
        }

    def masks(self) -> Float:
        """One row a model: 1 for each mechanism in it; shape (n_models, n_names)."""
        masks = np.zeros((len(self.models), len(self.names)))
        for row, model in enumerate(self.models):
            masks[row, list(model)] = 1.0
        return masks

    def shape_masks(self) -> Float:
        """One row a model: 1 for each shape parameter it has; shape (n_models, n_shapes)."""
        uses = np.array([[float(s in self.used(name)) for s in self.shape_names] for name in self.names])
        uses = uses.reshape(len(self.names), len(self.shape_names))
        return np.stack([np.max(uses[list(model)], axis=0) for model in self.models])

    def prior_widths(self) -> Float:
        """Return each parameter's standard deviation beforehand, infinite where nothing is known."""
        low, high, _ = self.coefficient_priors
        own = np.where(np.isfinite(low), (high - low) / math.sqrt(12.0), np.inf)
        return np.concatenate([own, self.shape_priors[1]])

    def prior_weights(self) -> Float:
        """Log weight of each model beforehand: the laws of one mechanism share its weight; (n_models,)."""
        members = [sum(CANDIDATES[n].family == CANDIDATES[name].family for n in self.names) for name in self.names]
        return np.array([-sum(math.log(members[i]) for i in model) for model in self.models])

    @cached_property
    def shape_priors(self) -> tuple[Float, Float, Float, Float]:
        """Mean, standard deviation, lower and upper limit of each shape parameter as it is fitted, each (n_shapes,)."""
        rows = [SHAPES[name] for name in self.shape_names]
        level, width, low, high = (np.array([getattr(r, a) for r in rows]) for a in ("level", "width", "low", "high"))
        return level, width, low, high

    @cached_property
    def coefficient_priors(self) -> tuple[Float, Float, Float]:
        """Ends of the range of ln(coefficient), NaN for laws that scale, and its cap (infinite without)."""
        pairs = [CANDIDATES[name].prior for name in self.names]
        given = [(math.nan, math.nan) if prior is None else prior(self.conditions) for prior in pairs]
        caps = [CANDIDATES[name].cap for name in self.names]
        found = [None if cap is None else cap(self.conditions) for cap in caps]
        return (
            np.array([low for low, _ in given]),
            np.array([high for _, high in given]),
            np.array([math.inf if cap is None else cap for cap in found]),
        )

    def log_rates(
        self, members: Sequence[int], theta: Any, conditions: Mapping[str, Any] | None = None, xp: Any = np
    ) -> Any:
        """Logarithm of the rate of some mechanisms.

        Parameters
        ----------
        members
            Indices into `names`.
        theta
            ln(coefficient) of each member, then all shape parameters; (..., len(members) + n_shapes).
        conditions
            Other conditions than the measured ones, with the same columns; (n,).
        xp
            Array library.

        Returns
        -------
        array, (..., n, len(members))
        """
        columns = self.conditions if conditions is None else conditions
        parts = []
        for position, i in enumerate(members):
            shapes = self._shapes(self.names[i], theta, len(members), xp)
            candidate = CANDIDATES[self.names[i]]
            parts.append(candidate.log_rate(theta[..., position, None], shapes, columns, xp))
        return xp.stack(parts, axis=-1)

    def _shapes(self, name: str, theta: Any, offset: int, xp: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for shape, place in self._shapes_of[name]:
            if place is None:
                found[shape] = _fixed(shape, self.known)
            else:
                value = theta[..., offset + place, None]
                found[shape] = xp.exp(value) if SHAPES[shape].log else value
        return found

    def derivatives(self, members: Sequence[int], theta: Float, parts: Float) -> Float:
        """Differentiate `log_rates` by theta; (..., n, k, k + n_shapes), from the parts at theta."""
        k, size = len(members), len(self.shape_names)
        slope = np.zeros((*parts.shape, k + size))
        for position, i in enumerate(members):
            name = self.names[i]
            candidate = CANDIDATES[name]
            own = [k + place for _, place in self._shapes_of[name] if place is not None]
            if candidate.prior is None:
                slope[..., position, position] = 1.0
            else:
                own.append(position)
            for column in own:
                moved = np.stack([theta, theta])
                moved[0, ..., column] += _STEP
                moved[1, ..., column] -= _STEP
                shapes = self._shapes(name, moved, k, np)
                ends = candidate.log_rate(moved[..., position, None], shapes, self.conditions, np)
                slope[..., position, column] = (ends[0] - ends[1]) / (2.0 * _STEP)
        return slope

    def answers(self) -> dict[str, tuple[int, ...]]:
        """Which of `names` give one answer: those that stand for the same mechanisms; by the answer's name."""
        groups: dict[frozenset[str], list[int]] = {}
        for i, name in enumerate(self.names):
            groups.setdefault(frozenset(CANDIDATES[t].family for t in self.twins[name]), []).append(i)
        named: dict[str, tuple[int, ...]] = {}
        for members in groups.values():
            family = CANDIDATES[self.names[members[0]]].family
            named[family if family not in named else self.names[members[0]]] = tuple(members)
        return named

    def families(self, answer: tuple[int, ...]) -> tuple[str, ...]:
        """Mechanisms that an answer stands for."""
        return tuple(dict.fromkeys(CANDIDATES[t].family for i in answer for t in self.twins[self.names[i]]))

    def coefficient_unit(self, name: str) -> str:
        """Return the unit of a mechanism's coefficient with the columns there are."""
        unit = CANDIDATES[name].unit
        if "momentum_scattering_time_ps" not in self.conditions:
            free_time = {"1/ps^2": "1/ps", "1/(ps^2*eV^2)": "1/(ps*eV^2)"}
            if name == "elliott_yafet":
                unit = "1/ps"
            elif CANDIDATES[name].prior is None:
                unit = free_time.get(unit, unit)
        if name == "bir_aronov_pikus" and "density_cm3" not in self.conditions:
            return "1/ps"
        if name == "one_phonon" and "temperature_k" not in self.conditions:
            return "1/(ps*T^4)"
        if "eV^2" in unit and not {"exciton_binding_energy_mev", "n_layers"} & set(self.conditions):
            return unit.replace("*eV^2", "").replace("(", "").replace(")", "")
        return unit


def _fixed(shape: str, known: Mapping[str, float]) -> float:
    return known[shape] if shape in known else float(SHAPES[shape].plain(SHAPES[shape].level))


def _curve(name: str, conditions: Mapping[str, Float], known: Mapping[str, float], moved: Mapping[str, float]) -> Float:
    """ln(rate) of a candidate at the means of the priors, some shape parameters moved by standard deviations."""
    candidate = CANDIDATES[name]
    coefficient = 0.0
    if candidate.prior is not None:
        coefficient = float(np.mean(candidate.prior(conditions))) + 3.0 * moved.get("coefficient", 0.0)
    shapes = {}
    for shape in candidate.used(conditions):
        prior = SHAPES[shape]
        value = float(np.clip(prior.level + prior.width * moved.get(shape, 0.0), prior.low, prior.high))
        shapes[shape] = known[shape] if shape in known else float(prior.plain(value))
    curve = np.asarray(candidate.log_rate(np.array([coefficient]), shapes, conditions, np), dtype=float)
    return curve if candidate.prior is not None else curve - curve.mean()


def _idle(name: str, conditions: Mapping[str, Float], known: Mapping[str, float]) -> tuple[str, ...]:
    if CANDIDATES[name].prior is not None:
        return ()
    found = []
    for shape in CANDIDATES[name].used(conditions):
        if shape in known:
            continue
        ends = [_curve(name, conditions, known, {shape: z}) for z in (-2.0, 2.0)]
        if np.max(np.abs(ends[0] - ends[1])) < _IDLE:
            found.append(shape)
    return tuple(found)


def _twins(
    names: Sequence[str], conditions: Mapping[str, Float], known: Mapping[str, float]
) -> dict[str, tuple[str, ...]]:
    """Group candidates whose laws are the same on these conditions, whatever the parameters."""
    groups: dict[str, list[str]] = {}
    curves: dict[str, tuple[bool, set[str], list[Float]]] = {}
    for name in names:
        candidate = CANDIDATES[name]
        free = {s for s in candidate.used(conditions) if s not in known and s not in _idle(name, conditions, known)}
        tries = [dict.fromkeys((*free, "coefficient"), z) for z in (-1.3, 0.4)]
        own = [_curve(name, conditions, known, moved) for moved in tries]
        for first, (scales, shapes, others) in curves.items():
            same = all(np.allclose(a, b, atol=1e-9) for a, b in zip(own, others, strict=True))
            if same and scales == (candidate.prior is None) and shapes == free:
                groups[first].append(name)
                break
        else:
            groups[name], curves[name] = [name], (candidate.prior is None, free, own)
    return {first: tuple(members) for first, members in groups.items()}


def physical_parameters(
    name: str, log_coefficient: Any, space: ModelSpace, known: Mapping[str, float]
) -> dict[str, Any]:
    """Physical parameters behind a coefficient, as logarithms: those that columns and `known` constants allow.

    Parameters
    ----------
    name
        Mechanism.
    log_coefficient
        Natural logarithm of the coefficient (any shape).
    space
        Models and conditions.
    known
        Constants that were measured otherwise, e.g. ``{"mass_m0": 0.2}``.

    Returns
    -------
    dict
        ln(value) by argument name of the laws.
    """
    found: dict[str, Any] = {}
    conditions = space.conditions
    tau = None if "momentum_scattering_time_ps" in conditions else known.get("momentum_scattering_time_ps")
    has_time = "momentum_scattering_time_ps" in conditions or tau is not None
    log_tau = 0.0 if tau is None else math.log(tau)
    if name == "constant":
        found["spin_lifetime_ps"] = -log_coefficient
    elif name == "activation":
        found["activation_rate_per_ps"] = log_coefficient
    elif name in ("elliott_yafet_einstein", "elliott_yafet_debye"):
        found["coupling"] = log_coefficient
    elif name == "nuclear_fluctuations":
        if "nuclear_field_t" not in space.idle.get(name, ()):
            found["correlation_time_ps"] = -log_coefficient
    elif name in ("dyakonov_perel", "dyakonov_perel_crossover"):
        log_square = log_coefficient - (log_tau if name == "dyakonov_perel" else 0.0)
        if has_time or name == "dyakonov_perel_crossover":
            found["precession_rad_per_ps"] = 0.5 * log_square
            if "mass_m0" in known:
                k2 = 2.0 * known["mass_m0"] * KB_EV_K * T_REFERENCE_K / HBAR2_OVER_M0_EV_A2
                found["rashba_ev_a"] = 0.5 * (log_square - math.log(4.0 * k2 / HBAR_EV_PS**2))
    elif name == "elliott_yafet" and has_time:
        found["spin_mixing"] = log_coefficient + log_tau
    elif name == "bir_aronov_pikus" and "density_cm3" in conditions and {"mass_m0", "permittivity"} <= set(known):
        from perospin.mechanisms.laws.bir_aronov_pikus import bir_aronov_pikus_rate

        unit = bir_aronov_pikus_rate(
            T_REFERENCE_K, 1.0, 1.0, known["mass_m0"], known["permittivity"], enhancement="screened"
        )
        found["exchange_splitting_mev"] = 0.5 * (log_coefficient - math.log(float(unit)))
    return found
