"""What every analysis takes besides its own arguments, and small steps that several of them share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar

import numpy as np

from perospin.fitting.arrays import Float
from perospin.fitting.parameters import ParameterInput
from perospin.fitting.result import Source

if TYPE_CHECKING:
    from perospin.fitting import SeparableModel
    from perospin.spectra.result import SpinFit

__all__ = ["FitOptions", "component_name", "in_order", "recording", "scattered_fit"]

_UNITS = ("ps", "ghz", "t", "rad", "ohm")


class FitOptions(TypedDict, total=False):
    """Keywords handed on to `perospin.fitting.fit_model`, where they are explained."""

    params: ParameterInput
    intervals: Literal["covariance", "profile", "bootstrap"]
    level: float
    seed: int
    robust: bool
    sources: Sequence[Source]


def component_name(base: str, index: int, components: int) -> str:
    """Name of a component's quantity: ``frequency_ghz`` if there is one component, else ``frequency_2_ghz``."""
    if components == 1:
        return base
    stem, _, unit = base.rpartition("_")
    return f"{stem}_{index + 1}_{unit}" if unit in _UNITS else f"{base}_{index + 1}"


def recording(fit: SpinFit, records: Mapping[str, Mapping[str, Any]], *, plotter: str = "", **settings: Any) -> SpinFit:
    """Fit that knows which of its quantities the database keeps, its plot and how it was called."""
    main = {"main": next(iter(records))} if records and "main" not in settings else {}
    return replace(fit, records=dict(records), plotter=plotter, settings={**fit.settings, **main, **settings})


_Item = TypeVar("_Item")


def in_order(items: Sequence[_Item], keys: Float) -> list[_Item]:
    """Items by ascending key."""
    return [items[i] for i in np.argsort(keys, kind="stable")]


def scattered_fit(model: SeparableModel, x: Any, y: Float, sigma: Float, **options: Any) -> SpinFit:
    """Fit points whose uncertainties come from fits of their own, and so leave out what differs from trace to trace.

    If the points scatter more than that (reduced chi2 above 1), all uncertainties are enlarged alike until they
    explain the scatter (Birge's ratio), and a sentence says so.
    """
    from perospin.fitting import fit_model
    from perospin.spectra.result import SpinFit

    fit = fit_model(model, x, y, sigma=sigma, result=SpinFit, **options)
    ratio = math.sqrt(max(fit.statistics["reduced_chi2"], 1.0)) if fit.statistics["degrees_of_freedom"] > 0 else 1.0
    if ratio <= 1.0 or not math.isfinite(ratio):
        return fit
    told = list(options.pop("warnings", ()))
    if ratio > 1.5:
        told.append(
            f"the points scatter {ratio:.1f} times as far as the fits of the single traces allow: "
            "their uncertainties were enlarged by that factor"
        )
    return fit_model(model, x, y, sigma=sigma * ratio, result=SpinFit, warnings=told, **options)
