r"""Time-resolved Kerr or Faraday rotation: spins that precess about a transverse field and dephase.

.. math:: \theta(t)=\sum_iA_i\,e^{-t/T^*_{2,i}}\cos(2\pi f_it+\varphi_i)+\text{background}

Each component enters through its cosine and its sine, whose amplitudes are solved for: only frequencies and dephasing
times are searched, so that phases can't trap the fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np

from perospin.errors import DataError
from perospin.fitting.arrays import Float, namespace, natural_unit
from perospin.fitting.checks import check_times_ps, check_trace
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.fitting.single import fit_model
from perospin.measurements.options import (
    FitOptions,
    compared_with_fewer,
    component_name,
    from_start,
    recording,
    reordered,
)
from perospin.spectra.signals.irf import gaussian_decay
from perospin.spectra.signals.precession_response import precession_seen
from perospin.spectra.signals.signals import GHZ_PER_TESLA, Envelope, damped_cosine
from perospin.spectra.signals.starts import best_starts, frequency_candidates, greedy_start

if TYPE_CHECKING:
    from perospin.measurements.result import SpinFit

__all__ = ["Background", "fit_kerr", "kerr_model"]

Background = Literal["none", "offset", "exponential"]
DELAY = Quantity("delay_ps", "ps", "delay")
SIGNAL = Quantity("signal", "", "Kerr rotation")


def _waves(delay: Any, frequency: Any, time: Any, envelope: Envelope) -> tuple[Any, Any]:
    """Cosine and sine of one component; A cos(wt + phi) = A cos(phi) cos(wt) - A sin(phi) sin(wt)."""
    cosine = damped_cosine(delay, frequency, time, envelope=envelope)
    sine = damped_cosine(delay, frequency, time, phase_rad=-0.5 * np.pi, envelope=envelope)
    return cosine, sine


def fit_kerr(
    delay_ps: Any,
    signal: Any,
    *,
    components: int = 1,
    field_t: float | None = None,
    background: Background = "offset",
    envelope: Envelope = "exponential",
    irf_fwhm_ps: float | None = None,
    start_ps: float | None = None,
    delay_unit: str = "ps",
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit a Kerr or Faraday transient with one to three precessing components.

    Parameters
    ----------
    delay_ps
        Delays (ps, or `delay_unit`), shape (n,).
    signal
        Rotation, any unit, shape (n,).
    components
        1, 2 or 3 kinds of carriers; the order of the result is by falling frequency.
    field_t
        Transverse field (T), to turn frequencies into g.
    background
        ``"none"``, ``"offset"`` or ``"exponential"``, see `kerr_model`.
    envelope
        ``"exponential"``, or ``"gaussian"`` where the spread of g dominates (high field): the dephasing time is the
        1/e time of the envelope in both.
    irf_fwhm_ps
        Full width at half maximum of the instrument response (ps), if it is not short beside period and dephasing time:
        the response is then convolved in, time zero is fitted, and delays before it are used.
    start_ps
        Delays before this are left out; 0 by default (before the pump there is nothing to fit), and none with a
        response. Behind the pulses' overlap the response only changes amplitudes.
    delay_unit
        ``"ps"``, ``"fs"`` or ``"ns"``.
    sigma
        Standard uncertainty of the signal; estimated from the residuals by default.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `frequency_ghz`, `dephasing_time_ps`, `amplitude`, `phase_rad` and, with a field, `g_factor`; with a number of
        the component (``frequency_2_ghz``) if there are several.

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If an option is unknown.

    Notes
    -----
    :math:`|g|=hf/(\mu_BB)`. The sign of g does not show in a transient in a transverse field; state it, where it is
    known, in `fit_kerr_series`.
    """
    from perospin.measurements.result import SpinFit

    delay, told = check_times_ps(delay_ps, unit=delay_unit)
    trace = check_trace(delay, {"signal": signal}, sigma=sigma, x_name="delay_ps")
    if irf_fwhm_ps is not None and not irf_fwhm_ps > 0:
        raise DataError(f"irf_fwhm_ps must be positive, got {irf_fwhm_ps:g}: leave it out for a sharp response")
    if start_ps is None:
        start_ps = 0.0 if irf_fwhm_ps is None else -np.inf
    trace = from_start(trace, start_ps, 4 * components + 4)
    steps = np.diff(trace.x)
    longest, shortest = float(np.ptp(trace.x)), float(np.min(steps[steps > 0]))
    model = kerr_model(
        components,
        background=background,
        envelope=envelope,
        longest_ps=longest,
        shortest_ps=shortest,
        irf_fwhm_ps=irf_fwhm_ps,
    )
    conventions = {
        "dephasing time": "1/e time of a Gaussian envelope" if envelope == "gaussian" else "1/e time of an exponential",
        "sign of g": "not seen in a transverse field: g is given by its size",
        "phase": "A cos(2 pi f t + phase), t = 0 at the pump",
    }
    resolution = None
    if irf_fwhm_ps is not None:
        times = (component_name("dephasing_time_ps", i, components) for i in range(components))
        resolution = dict.fromkeys(times, irf_fwhm_ps / 3.0)
        conventions["response"] = f"Gaussian, full width at half maximum {irf_fwhm_ps:g} ps, given"
        conventions["phase"] = "A cos(2 pi f t + phase), t from time zero"
    fit = fit_model(
        model, trace.x, trace["signal"], sigma=trace.sigma, warnings=(*told, *trace.warnings),
        analysis="Kerr rotation", conventions=conventions, result=SpinFit, resolution=resolution, **options,
    )  # fmt: skip
    if components > 1:
        simpler = kerr_model(
            components - 1, background=background, envelope=envelope, longest_ps=longest, shortest_ps=shortest,
            irf_fwhm_ps=irf_fwhm_ps,
        )  # fmt: skip
        fit = compared_with_fewer(fit, simpler, trace.x, trace["signal"], trace.sigma)
    elif _noise_alone(fit, trace["signal"], trace.sigma, background):
        fit = fit.with_warnings(
            "no precession stands out of the noise: among as many frequencies noise alone makes a line as strong as "
            "this; don't quote its frequency"
        )
    fit = reordered(fit, _NAMES, components, falling=True)
    records: dict[str, Any] = {}
    for i in range(components):
        names = {base: component_name(base, i, components) for base in (*_NAMES, "amplitude", "phase_rad", "g_factor")}
        cosine, sine, frequency = names["cosine"], names["sine"], names["frequency_ghz"]
        fit = fit.derive(names["amplitude"], _amplitude(cosine, sine), "", "amplitude")
        fit = fit.derive(names["phase_rad"], _phase(cosine, sine), "rad", "phase")
        records[names["dephasing_time_ps"]] = _record("T2_star", field_t)
        if field_t:
            fit = fit.derive(names["g_factor"], _size_of_g(frequency, field_t), "", "size of g")
            records[names["g_factor"]] = _record("g_factor", field_t, "size only: the sign is not measured")
        turns = fit[frequency].value * 1e-3 * min(fit[names["dephasing_time_ps"]].value, float(np.ptp(trace.x)))
        if turns < 0.5:
            fit = fit.with_warnings(
                f"the spins of {frequency} make {turns:.2g} turns before they have dephased or the delays end: "
                "frequency, phase and background can hardly be told apart"
            )
    return recording(
        fit, records, field_t=field_t, components=components, envelope=envelope, irf_fwhm_ps=irf_fwhm_ps
    )  # fmt: skip


def _noise_alone(fit: SpinFit, signal: Float, sigma: Float | None, background: Background) -> bool:
    """Whether a line as strong as the fitted one is expected of noise in one trace of twenty.

    A cosine and a sine at one of n/2 frequencies lower chi2 by more than ``2 ln(n/2/0.05)`` with probability 0.05
    (Scargle, 10.1086/160554); the dephasing time, a further parameter, is counted as four times as many.
    A decaying background is not judged.
    """
    if background == "exponential":
        return False
    unit = natural_unit(signal)
    signal, best = signal / unit, fit.data["best_fit"].to_numpy() / unit
    weight = np.ones_like(signal) if sigma is None else (unit / np.broadcast_to(sigma, signal.shape)) ** 2
    level = float(np.average(signal, weights=weight)) if background == "offset" else 0.0
    without = float(np.sum(weight * (signal - level) ** 2))
    left = float(np.sum(weight * (signal - best) ** 2))
    size = len(signal)
    return size * np.log(without / left) < 2.0 * np.log(2.0 * size / 0.05) if left > 0 else False


_Formula = Callable[[Mapping[str, float]], float]


def _amplitude(cosine: str, sine: str) -> _Formula:
    return lambda values: float(np.hypot(values[cosine], values[sine]))


def _phase(cosine: str, sine: str) -> _Formula:
    return lambda values: float(np.arctan2(-values[sine], values[cosine]))


def _size_of_g(frequency: str, field_t: float) -> _Formula:
    return lambda values: values[frequency] / (GHZ_PER_TESLA * abs(field_t))


def _record(name: str, field_t: float | None, note: str = "") -> dict[str, Any]:
    conditions: dict[str, Any] = {"technique": "TRKR"}
    if field_t is not None:
        conditions["field_t"] = float(field_t)
    return {"property": name, "note": note, "conditions": conditions}


def kerr_model(
    components: int = 1,
    *,
    background: Background = "offset",
    envelope: Envelope = "exponential",
    longest_ps: float = 1e4,
    shortest_ps: float = 0.1,
    irf_fwhm_ps: float | None = None,
) -> SeparableModel:
    """Model of a transient with one to three precessing components.

    Parameters
    ----------
    components
        1, 2 or 3.
    background
        ``"none"``, ``"offset"`` (a constant), or ``"exponential"`` (a constant and a decay that doesn't precess, such
        as the carriers' population).
    envelope
        See `perospin.spectra.signals.signals.damped_cosine`.
    longest_ps, shortest_ps
        Span of the delays and their smallest step: dephasing times are searched from half a step to 30 spans,
        frequencies up to the step's Nyquist frequency.
    irf_fwhm_ps
        Full width at half maximum of a Gaussian response (ps); then `time_zero_ps` is a parameter.

    Raises
    ------
    DataError
        If the number of components or a word is unknown.
    """
    if components not in (1, 2, 3):
        raise DataError(f"a Kerr transient is fitted with 1, 2 or 3 components, got {components}")
    if background not in ("none", "offset", "exponential"):
        raise DataError(f"unknown background '{background}': use none, offset or exponential")
    if envelope not in ("exponential", "gaussian"):
        raise DataError(f"unknown envelope '{envelope}': use exponential or gaussian")
    parameters: list[Parameter] = []
    amplitudes: list[Quantity] = []
    for i in range(components):
        name = {base: component_name(base, i, components) for base in _NAMES}
        parameters += [
            Parameter(
                name["frequency_ghz"], "GHz", "precession frequency", 1e3 / longest_ps, 1e-2 / longest_ps,
                600.0 / shortest_ps, positive=True,
            ),
            Parameter(
                name["dephasing_time_ps"], "ps", "dephasing time T2*", 0.3 * longest_ps, 0.5 * shortest_ps,
                30.0 * longest_ps, positive=True,
            ),
        ]  # fmt: skip
        amplitudes += [Quantity(name["cosine"], "", "cosine part"), Quantity(name["sine"], "", "sine part")]
    if background == "exponential":
        parameters.append(
            Parameter(
                "decay_time_ps", "ps", "decay of the background", 0.3 * longest_ps, 0.5 * shortest_ps,
                30.0 * longest_ps, positive=True,
            )
        )  # fmt: skip
        amplitudes.append(Quantity("decay_amplitude", "", "decaying background"))
    if background != "none":
        amplitudes.append(Quantity("offset", "", "constant background"))
    if irf_fwhm_ps is not None:
        reach = 20.0 * irf_fwhm_ps
        parameters.append(Parameter("time_zero_ps", "ps", "time zero", 0.0, -reach, reach, scale=0.2 * irf_fwhm_ps))

    def basis(delay: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        xp = namespace(delay, *theta.values())
        columns: list[Any] = []
        after = delay if irf_fwhm_ps is None else delay - theta["time_zero_ps"]
        for i in range(components):
            frequency = theta[component_name("frequency_ghz", i, components)]
            time = theta[component_name("dephasing_time_ps", i, components)]
            if irf_fwhm_ps is None:
                columns += _waves(after, frequency, time, envelope)
            else:
                columns += precession_seen(after, frequency, time, irf_fwhm_ps, envelope=envelope)
        if background == "exponential":
            decay = theta["decay_time_ps"]
            seen = irf_fwhm_ps is not None
            columns.append(gaussian_decay(after, decay, irf_fwhm_ps) if seen else xp.exp(-delay / decay))
        if background != "none":
            columns.append(xp.ones_like(delay))
        return columns

    def guess(delay: Any, signal: Float) -> list[dict[str, float]]:
        delay = np.asarray(delay)
        if irf_fwhm_ps is None:
            return kerr_starts(delay, signal, components, background=background, envelope=envelope)
        late = delay >= min(irf_fwhm_ps, 0.5 * float(delay[-1]))
        starts = kerr_starts(delay[late], signal[late], components, background=background, envelope=envelope)
        zeros = irf_fwhm_ps * np.arange(-5.0, 5.1, 0.5)
        moved = [{**start, "time_zero_ps": float(zero)} for start in starts for zero in zeros]
        return [dict(theta) for theta in best_starts(basis, delay, signal, moved)]

    return SeparableModel(
        name=f"{components} precessing component{'s' * (components > 1)}",
        parameters=tuple(parameters),
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=(DELAY,),
        y=SIGNAL,
        guess=guess,
    )


_NAMES = ("frequency_ghz", "dephasing_time_ps", "cosine", "sine")


def kerr_starts(
    delay_ps: Float, signal: Float, components: int, *, background: Background, envelope: Envelope
) -> list[dict[str, float]]:
    """Find starting values by Fourier transforms, one component after the other.

    Parameters
    ----------
    delay_ps, signal
        Delays (ps), ascending, and signal; (n,).
    components, background, envelope
        As `kerr_model`.

    Returns
    -------
    list of dict
        Sets of starting values by name, to be tried in turn.
    """
    span = float(delay_ps[-1] - delay_ps[0])
    starts: list[dict[str, float]] = []
    slow = [0.1 * span, 0.5 * span] if background == "exponential" else [0.0]
    for decay in slow:
        held = [] if background == "none" else [np.ones_like(delay_ps)]
        if decay:
            held.append(np.exp(-delay_ps / decay))
        columns = np.column_stack(held) if held else np.empty((delay_ps.size, 0))
        found = greedy_start(
            lambda t, theta: _waves(t, theta["frequency_ghz"], theta["dephasing_time_ps"], envelope),
            columns,
            delay_ps,
            signal,
            lambda residual: _around(frequency_candidates(delay_ps, residual)),
            components,
        )
        found.sort(key=lambda theta: -theta["frequency_ghz"])
        start = {
            component_name(base, i, components): value for i, one in enumerate(found) for base, value in one.items()
        }
        starts.append({**start, "decay_time_ps": decay} if decay else start)
        if components > 1:
            # two lines closer than their width look like one: try its two halves
            strongest = max(found, key=lambda theta: theta["dephasing_time_ps"])
            split = 160.0 / strongest["dephasing_time_ps"]
            middle = strongest["frequency_ghz"]
            halves = [middle + split * (0.5 - i / (components - 1)) for i in range(components)]
            other = dict(start)
            for i, value in enumerate(halves):
                other[component_name("frequency_ghz", i, components)] = max(value, 0.05 * middle)
                other[component_name("dephasing_time_ps", i, components)] = 1.5 * strongest["dephasing_time_ps"]
            starts.append({**other, "decay_time_ps": decay} if decay else other)
    return starts


def _around(candidates: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """Add neighbours to candidates: a spectrum's grid is coarse beside a long-lived line, and leakage shifts it."""
    near: list[Mapping[str, float]] = []
    for one in candidates:
        for shift in (-0.5, -0.25, 0.0, 0.25, 0.5):
            for factor in (0.6, 1.0, 1.7):
                time = one["dephasing_time_ps"] * factor
                frequency = one["frequency_ghz"] + shift * 159.0 / time
                if frequency > 0:
                    near.append({"frequency_ghz": frequency, "dephasing_time_ps": time})
    return near
