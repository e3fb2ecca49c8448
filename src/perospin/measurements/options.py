"""What every analysis takes besides its own arguments, and small steps that several of them share."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

import numpy as np

from perospin.errors import DataError, FitError
from perospin.fitting.arrays import Float
from perospin.fitting.checks import Trace
from perospin.fitting.parameters import ParameterInput
from perospin.fitting.result import Fit, Source

if TYPE_CHECKING:
    from perospin.fitting.model import SeparableModel
    from perospin.measurements.result import SpinFit

__all__ = [
    "FitOptions",
    "IntervalOptions",
    "as_fits",
    "compared_with_fewer",
    "component_name",
    "fit_points",
    "from_fits",
    "from_start",
    "over",
    "recording",
    "reordered",
    "without_params",
]

_UNITS = ("ps", "ghz", "t", "rad", "ohm")


class IntervalOptions(TypedDict, total=False):
    """Keywords handed on to `perospin.fitting.fit_model`, where they are explained, by fits without parameters."""

    intervals: Literal["covariance", "profile", "bootstrap", "none"]
    level: float
    seed: int
    robust: bool
    sources: Sequence[Source]


class FitOptions(IntervalOptions, total=False):
    """The same with ``params``: parameters to hold, to bound or to start from."""

    params: ParameterInput


def without_params(options: FitOptions) -> tuple[dict[str, Any], IntervalOptions]:
    """Return the parameters, and the options without them: for fits that add parameters of their own."""
    rest: dict[str, Any] = {name: value for name, value in options.items() if name != "params"}
    return dict(options.get("params") or {}), cast("IntervalOptions", rest)


def component_name(base: str, index: int, components: int) -> str:
    """Name of a component's quantity: ``frequency_ghz`` if there is one component, else ``frequency_2_ghz``."""
    if components == 1:
        return base
    stem, _, unit = base.rpartition("_")
    return f"{stem}_{index + 1}_{unit}" if unit in _UNITS else f"{base}_{index + 1}"


def recording(fit: SpinFit, records: Mapping[str, Mapping[str, Any]], *, drawing: str = "", **settings: Any) -> SpinFit:
    """Fit that knows which of its quantities the database keeps, its plot and how it was called."""
    main = {"main": next(iter(records))} if records and "main" not in settings else {}
    return replace(fit, records=dict(records), drawing=drawing, settings={**fit.settings, **main, **settings})


def reordered(fit: SpinFit, bases: Sequence[str], components: int, *, falling: bool = False) -> SpinFit:
    """Renumber components by the size of their first quantity: a search may end in any order.

    Parameters
    ----------
    fit
        Before anything is derived.
    bases
        Base names of a component's quantities; the first one is the key.
    components
        How many there are.
    falling
        Largest first.
    """
    keys = np.array([fit.values[component_name(bases[0], i, components)] for i in range(components)])
    order = np.argsort(-keys if falling else keys, kind="stable")
    if (order == np.arange(components)).all():
        return fit
    renamed = {
        component_name(base, int(old), components): component_name(base, new, components)
        for new, old in enumerate(order)
        for base in bases
    }
    rank = {name: i for i, name in enumerate(fit.table["name"])}
    table = fit.table.assign(name=[renamed.get(name, name) for name in fit.table["name"]])
    table = table.iloc[np.argsort([rank[name] for name in table["name"]], kind="stable")].reset_index(drop=True)
    errors = {renamed.get(name, name): value for name, value in fit.settings["standard_errors"].items()}
    named = re.compile("|".join(rf"\b{name}\b" for name in renamed))
    return replace(
        fit,
        table=table,
        warnings=tuple(named.sub(lambda match: renamed[match[0]], sentence) for sentence in fit.warnings),
        correlation=fit.correlation.rename(index=renamed, columns=renamed),
        settings={**fit.settings, "standard_errors": errors},
    )


def compared_with_fewer(fit: SpinFit, fewer: SeparableModel, x: Any, y: Float, sigma: Float | None) -> SpinFit:
    """Say so if a model with one component less describes the data as well (AICc)."""
    from perospin.fitting.single import fit_model

    try:
        simpler: Fit = fit_model(fewer, x, y, sigma=sigma)
    except FitError:
        return fit
    gap = simpler.statistics["aicc"] - fit.statistics["aicc"]
    if not gap < 2.0:
        return fit
    return fit.with_warnings(
        f"one component less describes the data as well (AICc {'lower' if gap <= 0 else 'higher'} by {abs(gap):.1f}): "
        "the last component is not established"
    )


BETTER_AICC = 10.0
"""Fall of AICc from which a second component is advised."""


def compared_with_more(fit: SpinFit, more: SeparableModel, x: Any, y: Float, sigma: Float | None) -> SpinFit:
    """Say by AICc whether a second component describes the data better than one: in the report, or as a warning."""
    from perospin.fitting.single import fit_model

    try:
        richer: Fit = fit_model(more, x, y, sigma=sigma, intervals="none")
    except FitError as error:
        return fit.with_settings(compared=f"a second component can't be tried: {error}")
    return told_comparison(fit, float(richer.statistics["aicc"]) - float(fit.statistics["aicc"]))


def told_comparison(fit: SpinFit, change: float) -> SpinFit:
    """State the change of AICc that a second component brings."""
    if change < -BETTER_AICC:
        return fit.with_warnings(f"two components fit better than one (AICc lower by {-change:.0f}): give components=2")
    if not np.isfinite(change):
        return fit.with_settings(compared="a second component has too few points to be judged by AICc")
    how = "higher" if change >= 0 else "lower"
    return fit.with_settings(compared=f"one component is enough: with two AICc is {how} by {abs(change):.1f}")


def from_start(trace: Trace, start_ps: float, least: int = 6) -> Trace:
    """Leave out delays before `start_ps`.

    Raises
    ------
    FitError
        If fewer than `least` points are left.
    """
    keep = trace.x >= start_ps
    left = int(keep.sum())
    if left < least:
        raise FitError(f"only {left} usable points from {start_ps:g} ps on: this analysis needs at least {least}")
    return replace(
        trace,
        x=trace.x[keep],
        channels={name: values[keep] for name, values in trace.channels.items()},
        sigma=None if trace.sigma is None else trace.sigma[keep],
    )


def over(number: float, value: float) -> float:
    """Quotient of positive numbers; infinite where the divisor has reached the zero end of its interval."""
    return number / value if value > 0.0 else math.inf


def as_fits(candidate: Any) -> list[SpinFit] | None:
    """Tell a list of fits, which it returns, from numbers (None).

    Raises
    ------
    DataError
        If it is a single fit.
    """
    from perospin.measurements.result import SpinFit

    if isinstance(candidate, SpinFit):
        raise DataError("a series needs several fits: give a list of them")
    if isinstance(candidate, (list, tuple)) and candidate and all(isinstance(one, SpinFit) for one in candidate):
        return list(candidate)
    return None


def from_fits(fits: Sequence[SpinFit], base: str, component: int = 1) -> tuple[Float, Float]:
    """Values and standard uncertainties of one quantity of one component, over fits; (n,) each.

    Raises
    ------
    DataError
        If a fit doesn't hold it.
    """
    values, errors = [], []
    for number, fit in enumerate(fits, 1):
        count = int(fit.settings.get("components", 1))
        name = component_name(base, component - 1, count)
        if not 1 <= component <= count or name not in fit:
            raise DataError(f"fit {number} ({fit.analysis}) has no {base} of a component {component}; it has {count}")
        if fit[name].status not in ("fitted", "derived"):
            raise DataError(f"fit {number} did not determine {name} ({fit[name].status}): leave it out of the series")
        values.append(fit[name].value)
        errors.append(fit[name].uncertainty)
    return np.array(values), np.array(errors)


def fit_points(
    model: SeparableModel, x: Any, y: Float, sigma: Float | None, *, enlarge: bool = False, **options: Any
) -> SpinFit:
    """Fit the points of a series.

    Parameters
    ----------
    model, x, y, sigma
        As `perospin.fitting.fit_model`.
    enlarge
        The uncertainties come from fits of their own, and so leave out what differs from trace to trace: if the
        points scatter more (reduced chi2 above 1), all are enlarged alike until they explain the scatter (Birge's
        ratio), and a sentence says so.
    **options
        Of `fit_model`.
    """
    from perospin.fitting.single import fit_model
    from perospin.measurements.result import SpinFit

    fit = fit_model(model, x, y, sigma=sigma, result=SpinFit, **options)
    if not enlarge or sigma is None or fit.statistics["degrees_of_freedom"] < 1:
        return fit
    ratio = math.sqrt(fit.statistics["reduced_chi2"])
    if ratio <= 1.0:
        return fit
    told = list(options.pop("warnings", ()))
    if ratio > 1.5:
        told.append(
            f"the points scatter {ratio:.1f} times as far as the fits of the single traces allow: "
            "their uncertainties were enlarged by that factor"
        )
    return fit_model(model, x, y, sigma=sigma * ratio, result=SpinFit, warnings=told, **options)
