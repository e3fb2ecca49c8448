"""Same- and counter-circular traces fitted together: population and polarisation at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from perospin.errors import FitError
from perospin.fitting import Parameter, Quantity, SeparableModel
from perospin.fitting.arrays import Float, natural_unit
from perospin.measurements.result import SpinFit
from perospin.spectra.lifetimes.difference import _fit_difference
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


def _fit_joint(
    setup: _Setup,
    same: Float,
    counter: Float,
    sigma: Float | None,
    components: int,
    population_components: int,
    annihilation: bool = False,
) -> SpinFit:
    spins = _names("polarisation_lifetime_ps", components)
    populations = _names("population_lifetime_ps", population_components)
    model = _joint_model(setup, spins, populations, annihilation)
    keep = _after_zero(setup)
    delay = setup.delay[keep]
    x = {"delay_ps": np.tile(delay, 2), "channel": np.repeat([1.0, -1.0], len(delay))}
    y = np.concatenate([same[keep], counter[keep]])
    spread = None if sigma is None else sigma[:, keep].ravel()
    fit = _sorted_fit(setup, model, x, y, spread, spins)
    best, n, level = fit.data["best_fit"].to_numpy(), len(delay), _rise_measured(setup)
    noise = None if spread is None else np.hypot(spread[:n], spread[n:])
    spins_seen = _stands_out(y[:n] - y[n:], best[:n] - best[n:], noise, level)
    if not spins_seen:
        searched = [*spins, "fraction"]
        if _stands_out(y[:n] + y[n:], best[:n] + best[n:], noise, level):
            fit = _without_signal(fit, searched, "no polarisation", "SC - CC")
        else:
            searched += [*populations, "initial_polarisation", "annihilation", "time_zero_ps", "irf_fwhm_ps"]
            fit = _without_signal(fit, searched, "no signal", "either trace")
    if components > 1:
        fit = fit.derive(
            "polarisation_lifetime_ps", lambda v: _mean(v, "polarisation_lifetime_ps", components), "ps",
            "mean decay time of the polarisation, weighted by amplitude",
        )  # fmt: skip
    fit = fit.derive("flip_time_ps", lambda v: 2.0 * v["polarisation_lifetime_ps"], "ps", "time between spin flips")
    if population_components == 1 and not annihilation:
        fit = fit.derive(
            "difference_lifetime_ps",
            lambda v: 1.0 / (1.0 / v["polarisation_lifetime_ps"] + 1.0 / v["population_lifetime_ps"]),
            "ps", "decay time of SC - CC",
        )  # fmt: skip
        if spins_seen and fit["difference_lifetime_ps"].status == "undetermined":
            fit = _difference_alone(setup, fit, same, counter, sigma)
    if abs(fit["initial_polarisation"].value) > 1.0 + 3 * fit.uncertainty["initial_polarisation"]:
        fit = fit.with_warnings(
            f"the initial polarisation is {fit['initial_polarisation'].value:.2f}, above 1: bleach and induced "
            "absorption overlap at this wavelength, or a background is left"
        )
    if not setup.offset:
        last = max(fit[name].value for name in spins)
        fit = fit.with_warnings(*_gains(delay, same[keep], counter[keep], fit.data["best_fit"].to_numpy(), last))
    return fit


def _difference_alone(setup: _Setup, fit: SpinFit, same: Float, counter: Float, sigma: Float | None) -> SpinFit:
    """Take the decay of SC - CC from a fit of its own: it can be well known where recombination hides the spins'."""
    own = replace(setup, params={n: v for n, v in setup.params.items() if n in ("time_zero_ps", "irf_fwhm_ps")})
    try:
        other = _fit_difference(own, same - counter, None if sigma is None else np.hypot(*sigma), 1, None)
    except FitError:
        return fit
    found = other["difference_lifetime_ps"]
    table = fit.table.copy()
    row = table["name"] == found.name
    table.loc[row, ["value", "uncertainty", "low", "high"]] = found.value, found.uncertainty, found.low, found.high
    table.loc[row, "status"] = "derived" if found.status == "fitted" else found.status
    table.loc[row, "description"] = "decay time of SC - CC, fitted alone"
    return replace(fit, table=table)


def _gains(delay: Float, same: Float, counter: Float, best: Float, lifetime: float) -> list[str]:
    """Tell if both channels differ by a factor where the polarisation is gone: they must be one there."""
    late = delay > 5.0 * lifetime
    if np.count_nonzero(late) < 5:
        return []
    unit = natural_unit(same, counter)
    same, counter, best = same / unit, counter / unit, best / unit
    shape = 0.5 * (best[: len(delay)] + best[len(delay) :])[late]
    square = float(shape @ shape)
    if not square > 0:
        return []
    scales = [float(shape @ channel[late]) / square for channel in (same, counter)]
    noise = [float(np.std(c[late] - a * shape, ddof=1)) for c, a in zip((same, counter), scales, strict=True)]
    apart, error = scales[1] - scales[0], float(np.hypot(noise[0], noise[1])) / np.sqrt(square)
    if abs(apart) < max(5.0 * error, 0.02 * abs(scales[0])):
        return []
    return [
        f"after {5 * lifetime:.3g} ps, where no polarisation is left, CC is {scales[1] / scales[0]:.2f} times SC: "
        "they have different gains or backgrounds, and the spin lifetime is wrong by it; bring them to one scale there"
    ]


def _joint_model(setup: _Setup, spins: list[str], populations: list[str], annihilation: bool) -> SeparableModel:
    response = setup.response
    two = len(spins) == 2

    def basis(x: Mapping[str, Any], p: Mapping[str, Any]) -> list[Any]:
        delay, channel = x["delay_ps"], x["channel"]
        polarisation = p["initial_polarisation"] * channel
        fractions = [p["fraction"], 1.0 - p["fraction"]] if two else [1.0]
        out = []
        for name in populations:
            total = 0.0
            for share, rate in _population_terms(p[name], p["annihilation"] if annihilation else 0.0):
                oriented = sum(
                    f * response.decay(delay, 1.0 / (rate + 1.0 / p[spin]), p)
                    for f, spin in zip(fractions, spins, strict=True)
                )
                total = total + share * (response.decay(delay, 1.0 / rate, p) + polarisation * oriented)
            out.append(total)
        for extra in _extras(setup, delay, p):
            out += [extra * (channel > 0), extra * (channel < 0)]
        return out

    parameters = [
        *(lifetime_parameter(n, setup.delay, "decay time of the spin polarisation", response.fwhm_ps) for n in spins),
        *(lifetime_parameter(n, setup.delay, "decay time of the population", response.fwhm_ps) for n in populations),
        Parameter("initial_polarisation", "", "polarisation at time zero", 0.5, -3.0, 3.0, scale=0.1),
        *([Parameter("fraction", "", "share of the first component", 0.5, 0.0, 1.0, scale=0.1)] if two else []),
        *([Parameter("annihilation", "", "k₂N₀τᵣ", 0.5, 1e-6, 10.0, positive=True)] if annihilation else []),
        *response.parameters(setup.delay),
    ]
    amplitudes = [
        Quantity(f"amplitude{_suffix(i, len(populations))}", "", "signal of the population per channel")
        for i in range(len(populations))
    ]
    for extra in _extra_names(setup):
        amplitudes += [Quantity(f"{extra.name}_same"), Quantity(f"{extra.name}_counter")]
    return SeparableModel(
        "pump-probe, SC and CC together" + (" (rate model with annihilation)" if annihilation else ""),
        tuple(parameters), tuple(amplitudes), basis, (_DELAY, Quantity("channel", "", "SC +1, CC −1")),
        Quantity("signal", "", "signal"), guess=_guess(spins, populations),
    )  # fmt: skip


def _population_terms(lifetime: Any, annihilation: float) -> list[tuple[float, Any]]:
    r"""Write the population as a sum of exponentials: (share, rate).

    dN/dt = -N/tau - k N^2 gives N = N0 e/(1 + kappa (1 - e)) with e = exp(-t/tau), kappa = k N0 tau: a geometric series
    in e, so that its convolution with the response is exact.
    """
    if annihilation == 0.0:
        return [(1.0, 1.0 / lifetime)]
    ratio = annihilation / (1.0 + annihilation)
    terms = min(int(np.ceil(np.log(1e-7) / np.log(ratio))) + 1, 170)
    return [((1.0 - ratio) * ratio**n, (n + 1) / lifetime) for n in range(terms)]
