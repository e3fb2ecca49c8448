"""What speaks against a fit that the numbers alone would praise: parameters outside physics, too few conditions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perospin.mechanisms._arrays import Float
from perospin.mechanisms.inference.candidates import CANDIDATES, ModelSpace
from perospin.mechanisms.inference.observations import Observations
from perospin.mechanisms.inference.result import ModelFit
from perospin.mechanisms.inference.shapes import SHAPES
from perospin.mechanisms.quantities import QUANTITIES

__all__ = ["beyond_physics", "doubts_of", "few_values", "single_beyond"]

_LIKELY = 0.1  # probability from which on a model's parameters are looked at
_AS_WELL = 6.0  # rise of chi^2 up to which a single law fits as well as a sum
_AT_BOUND = 1e-3  # distance from a limit, in prior standard deviations, at which a parameter is at it


def beyond_physics(space: ModelSpace, model: int, theta: Float) -> set[str]:
    """Laws of one model whose coefficient lies above its cap.

    Parameters
    ----------
    space
        Models and conditions.
    model
        Which model.
    theta
        Its best fit, as `BatchFit.theta`; (n_names + n_shapes,).
    """
    cap = space.coefficient_priors[2]
    return {space.names[i] for i in space.models[model] if theta[i] > cap[i]}


def single_beyond(space: ModelSpace, best: int, chi2: Float, theta: Float) -> str | None:
    """Law beyond its cap that alone fits as well as the sum that is best; None without.

    A sum of laws inside their physics can always imitate one that has left it: then nothing is decided.

    Parameters
    ----------
    space
        Models and conditions.
    best
        Index of the most probable model.
    chi2, theta
        Of all models, (n_models,) and (n_models, n_names + n_shapes).
    """
    if len(space.models[best]) == 1:
        return None
    cap = space.coefficient_priors[2]
    for i, model in enumerate(space.models):
        if len(model) == 1 and theta[i, model[0]] > cap[model[0]] and chi2[i] <= chi2[best] + _AS_WELL:
            return space.names[model[0]]
    return None


def doubts_of(space: ModelSpace, models: Sequence[ModelFit]) -> dict[str, str]:
    """Sentences on laws of likely models whose parameters leave their physics or end at a bound.

    Parameters
    ----------
    space
        Models and conditions.
    models
        Their fits.

    Returns
    -------
    dict
        By law; a law of that kind can't be decided for.
    """
    caps = dict(zip(space.names, space.coefficient_priors[2], strict=True))
    found: dict[str, str] = {}
    for model in models:
        if model.probability < _LIKELY:
            continue
        for name in model.mechanisms:
            value = next((e.value for e in model.parameters if e.name == f"{name}: coefficient"), None)
            if value is None or value <= np.exp(caps[name]):
                continue
            if name == "elliott_yafet":
                found[name] = (
                    f"Elliott-Yafet would need a spin mixing of {value:.2g}, above 0.3, where its law ends; a rate of "
                    "0.5/tau_p is also that of D'yakonov-Perel in free precession (Omega tau_p above 1/2)"
                )
            else:
                family = CANDIDATES[name].family
                found[name] = (
                    f"{family} in motional narrowing would need Omega tau_p above 1/2, where that law ends; see "
                    f"{family}_crossover"
                )
        for estimate in model.parameters:
            if estimate.name not in space.shape_names:
                continue
            prior = SHAPES[estimate.name]
            fitted = np.log(estimate.value) if prior.log else estimate.value
            if min(fitted - prior.low, prior.high - fitted) > _AT_BOUND * prior.width:
                continue
            owners = [n for n in model.mechanisms if estimate.name in space.used(n)]
            unit = QUANTITIES[estimate.name].unit if estimate.name in QUANTITIES else "1"
            shown = f"{estimate.value:.3g}" + ("" if unit == "1" else f" {unit}")
            for name in owners:
                found.setdefault(name, f"{estimate.name} of {name} ends at the bound of its range, {shown}")
    return found


def few_values(observed: Observations) -> list[str]:
    """Say it if one condition alone varies and takes two values only: any exponent fits two points."""
    if len(observed.varying) != 1:
        return []
    name = observed.varying[0]
    column = observed.conditions[name]
    values = np.unique(np.round(np.log(column), 6))
    if len(values) > 2:
        return []
    word = QUANTITIES[name].short.replace("_", " ")
    return [f"two values of {word} can't decide an exponent: any law fits two points. Measure at three or more"]
