"""What every pump-probe fit needs first: checked data, response, names, guesses, and whether there is a signal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from perospin.errors import FitError
from perospin.fitting import Quantity, SeparableModel, Trace, check_trace, fit_model
from perospin.fitting.arrays import Float, namespace, natural_unit
from perospin.measurements.options import IntervalOptions
from perospin.measurements.result import SpinFit
from perospin.spectra.lifetimes.response import Response, guess_lifetimes, guess_time_zero

_DELAY = Quantity("delay_ps", "ps", "delay")


def _size(trace: Trace) -> Float:
    """Add up the channels: the signal of the population, or the one there is."""
    return np.asarray(sum(trace.channels.values()))


def _suffix(i: int, count: int) -> str:
    return "" if count == 1 else f"_{i + 1}"


@dataclass(frozen=True)
class _Setup:
    """What all three observables share."""

    delay: Float
    response: Response
    offset: bool | str
    artefact: bool
    options: IntervalOptions
    params: Mapping[str, Any]
    notes: list[str]
    settings: dict[str, Any] = field(default_factory=dict)

    def fit(self, model: SeparableModel, x: Any, y: Float, sigma: Any, resolved: Sequence[str], **more: Any) -> SpinFit:
        known = {*model.names, *model.amplitude_names}
        held = {name: value for name, value in self.response.held().items() if name in known}
        limit = self.response.resolution() if "irf_fwhm_ps" in known else self.response.fwhm_ps / 3.0
        resolvable = self.response.kind != "sharp" and ("irf_fwhm_ps" in known or not self.response.free)
        resolution = dict.fromkeys(resolved, limit) if resolvable else {}

        return fit_model(
            model, x, y, sigma=sigma, params={**held, **self.params}, warnings=self.notes, **self.options,
            resolution=resolution or None, result=SpinFit, settings=self.settings, **more,
        )  # fmt: skip


def _mean(values: Mapping[str, float], base: str, components: int) -> float:
    """Amplitude-weighted mean time of the components."""
    stem, unit = base.rsplit("_", 1)
    if components == 1:
        return values[base]
    if "fraction" in values:
        weights = [values["fraction"], 1.0 - values["fraction"]]
    else:
        weights = [values[f"amplitude_{i + 1}"] for i in range(components)]
    return float(sum(w * values[f"{stem}_{i + 1}_{unit}"] for i, w in enumerate(weights)) / sum(weights))


def _names(base: str, components: int) -> list[str]:
    stem, unit = base.rsplit("_", 1)
    return [base] if components == 1 else [f"{stem}_{i + 1}_{unit}" for i in range(components)]


def _rise_measured(setup: _Setup) -> bool:
    """Whether a constant is no signal: it has an offset of its own, or there are points before the pump."""
    return bool(setup.offset) or (
        setup.response.kind != "sharp" and (setup.response.free or (setup.delay < 0).sum() >= 3)
    )


def check_pair(
    delay: Float, same: Any, counter: Any, sigma: Any, *, check_constant: bool = True
) -> tuple[Trace, Float | None]:
    """Traces in order, and the uncertainties of both, shape (2, n); `sigma` is a number, (n,) or (2, n).

    Raises
    ------
    FitError
        As `check_trace`.
    """
    channels = {"same": same, "counter": counter}
    trace = check_trace(delay, channels, sigma=sigma, check_constant=check_constant, sigma_rows=True)
    return trace, None if trace.sigma is None else np.broadcast_to(trace.sigma, (2, len(trace)))


def _stands_out(signal: Float, best: Float, sigma: Float | None, constant: bool) -> bool:
    """Whether noise alone would give as good a fit in fewer than one trace of twenty.

    As for a line in a transient (`fit_kerr`): among about n places and times a decay lowers chi2 by more than
    ``2 ln(2 n/0.05)`` with a probability below 0.05. Against it stands a constant, or zero.
    """
    unit = natural_unit(signal)
    signal, best = signal / unit, best / unit
    weight = np.ones_like(signal) if sigma is None else (unit / np.broadcast_to(sigma, signal.shape)) ** 2
    without = float(np.sum(weight * (signal - (np.average(signal, weights=weight) if constant else 0.0)) ** 2))
    left = float(np.sum(weight * (signal - best) ** 2))
    return left <= 0 or len(signal) * np.log(without / left) > 2.0 * np.log(2.0 * len(signal) / 0.05)


def _without_signal(fit: SpinFit, names: Sequence[str], what: str, where: str) -> SpinFit:
    """Say first that there is no signal, and take back the times that were found in the noise."""
    lost = [n for n in names if n in fit and fit[n].status != "fixed"]
    table = fit.table.copy()
    rows = table["name"].isin(lost)
    table.loc[rows, ["value", "uncertainty", "low", "high"]] = np.nan
    table.loc[rows, "status"] = "undetermined"
    sentence = (
        f"{what} stands out of the noise in {where}: noise alone gives as good a fit in more than one of twenty "
        "measurements, and no lifetime can be told, nor a bound"
    )
    kept = [w for w in fit.warnings if not any(n in w for n in lost)]
    known = [n for n in fit.correlation.columns if n not in lost]
    return replace(fit, table=table, warnings=(sentence, *kept), correlation=fit.correlation.loc[known, known])


def _extras(setup: _Setup, delay: Any, p: Mapping[str, Any]) -> list[Any]:
    out = []
    if setup.offset == "step":
        out.append(setup.response.step(delay, p))
    elif setup.offset:
        out.append(namespace(delay).ones_like(delay))
    if setup.artefact:
        if setup.response.kind == "sharp":
            raise FitError("an artefact follows the response: give irf_fwhm_ps or measured_irf")
        out.append(setup.response.artefact(delay, p))
    return out


def _extra_names(setup: _Setup) -> list[Quantity]:
    out = []
    if setup.offset:
        out.append(
            Quantity("plateau", "", "signal that does not decay") if setup.offset == "step" else Quantity("offset")
        )
    return [*out, Quantity("artefact", "", "pulse at time zero")] if setup.artefact else out


def _after_zero(setup: _Setup) -> Any:
    """All points, or those from delay 0 on where the response is infinitely sharp."""
    if setup.response.kind != "sharp" or setup.offset:
        return np.ones(len(setup.delay), bool)
    keep = setup.delay >= 0
    if keep.sum() < 5:
        raise FitError(
            f"too few points ({int(keep.sum())}) at delays of 0 and above: shift time zero, or give irf_fwhm_ps"
        )
    return keep


def _guess(spins: list[str], populations: list[str]) -> Callable[[Any, Float], list[dict[str, float]]]:
    def guess(x: Any, y: Float) -> list[dict[str, float]]:
        delay = x["delay_ps"] if isinstance(x, Mapping) else x
        one = delay if not isinstance(x, Mapping) else delay[x["channel"] > 0]
        signal = y if len(y) == len(one) else y[: len(one)] + y[len(one) :]
        zero = guess_time_zero(one, signal)
        starts = []
        for times in guess_lifetimes(one, len(spins)):
            for slow in guess_lifetimes(one, len(populations)) if populations else [()]:
                start = dict(zip([*spins, *populations], [*times, *slow], strict=True))
                starts += [
                    {**start, "time_zero_ps": zero, "initial_polarisation": p}
                    for p in (0.6, -0.6)[: 1 + bool(populations)]
                ]
        return starts

    return guess


def _sorted_fit(
    setup: _Setup, model: SeparableModel, x: Any, y: Float, sigma: Any, names: list[str], **more: Any
) -> SpinFit:
    """Fit, and once more with the components in ascending order if they came out otherwise."""
    fit = setup.fit(model, x, y, sigma, names, **more)
    best = fit.settings["best_values"]
    if len(names) == 2 and best[names[0]] > best[names[1]] and not set(names) & set(setup.params):
        start = {n: best[n] for n in model.names if fit[n].status != "fixed"}
        start |= {names[0]: best[names[1]], names[1]: best[names[0]]}
        if "fraction" in start:
            start["fraction"] = 1.0 - best["fraction"]
        again = replace(setup, params={**start, **setup.params})
        fit = again.fit(model, x, y, sigma, names, **more)
    return fit
