"""The difference SC - CC, or one trace that stands for it, fitted alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perospin.errors import FitError
from perospin.fitting import Quantity, SeparableModel
from perospin.fitting.arrays import Float
from perospin.measurements.result import SpinFit
from perospin.spectra.lifetimes.response import lifetime_parameter
from perospin.spectra.lifetimes.setup import (
    _DELAY,
    _after_zero,
    _extra_names,
    _extras,
    _guess,
    _mean,
    _names,
    _rise_measured,
    _Setup,
    _sorted_fit,
    _stands_out,
    _suffix,
    _without_signal,
)


def _fit_difference(
    setup: _Setup, difference: Float, sigma: Float | None, components: int, population: float | None
) -> SpinFit:
    response = setup.response
    names = _names("difference_lifetime_ps", components)

    def basis(delay: Any, p: Mapping[str, Any]) -> list[Any]:
        out = [response.decay(delay, p[name], p) for name in names]
        return out + _extras(setup, delay, p)

    model = SeparableModel(
        "pump-probe, decay of SC - CC",
        (*(lifetime_parameter(n, setup.delay, "decay time of SC - CC", response.fwhm_ps) for n in names),
         *response.parameters(setup.delay)),
        (*(Quantity(f"amplitude{_suffix(i, components)}", "", "amplitude") for i in range(components)),
         *_extra_names(setup)),
        basis, (_DELAY,), Quantity("difference", "", "SC − CC"),
        guess=_guess(names, []),
    )  # fmt: skip
    keep = _after_zero(setup)
    spread = None if sigma is None else sigma[keep]
    fit = _sorted_fit(setup, model, setup.delay[keep], difference[keep], spread, names)
    if not _stands_out(difference[keep], fit.data["best_fit"].to_numpy(), spread, _rise_measured(setup)):
        fit = _without_signal(fit, [*names, "time_zero_ps", "irf_fwhm_ps"], "no signal", "SC - CC")
    if components > 1:
        fit = fit.derive(
            "difference_lifetime_ps", lambda v: _mean(v, "difference_lifetime_ps", components), "ps",
            "amplitude-weighted mean decay time of SC - CC",
        )  # fmt: skip
    if population is not None:
        if not population > 0:
            raise FitError(f"population_lifetime_ps is {population:g}; it must be above 0")
        if fit.difference_lifetime_ps >= population:
            raise FitError(
                f"SC - CC decays with {fit.difference_lifetime_ps:.4g} ps, not faster than the population "
                f"({population:g} ps): then nothing is left for the spins; check population_lifetime_ps"
            )
        fit = fit.derive(
            "polarisation_lifetime_ps", lambda v: 1.0 / (1.0 / v["difference_lifetime_ps"] - 1.0 / population), "ps",
            "decay time of the spin polarisation",
        ).with_settings(population_lifetime_ps=population)  # fmt: skip
    return fit
