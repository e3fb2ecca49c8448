r"""Circularly polarised pump-probe: same- and counter-circular traces to a spin lifetime.

.. math:: N_\pm=\tfrac12N(t)\,\big(1\pm P_0e^{-t/\tau_s}\big),\qquad \tau_s=\tau_{flip}/2,

with N(t) the population. Three time constants are in use for the same traces, and a lifetime without its convention is
worth little: the decay of the polarisation (tau_s), the time between flips of one spin (2 tau_s), and the decay of the
difference SC - CC, 1/tau_d = 1/tau_s + 1/tau_r, in which recombination is still contained.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, Unpack

import numpy as np

from perospin.errors import FitError
from perospin.fitting import Trace, check_times_ps
from perospin.fitting.arrays import natural_unit
from perospin.measurements.options import BETTER_AICC, FitOptions, IntervalOptions, without_params
from perospin.measurements.result import SpinFit
from perospin.spectra.lifetimes.difference import _fit_difference
from perospin.spectra.lifetimes.joint import _fit_joint
from perospin.spectra.lifetimes.ratio import _fit_polarisation
from perospin.spectra.lifetimes.response import CONVENTIONS, Convention, Response, guess_time_zero
from perospin.spectra.lifetimes.setup import _Setup, _size, check_pair

__all__ = ["fit_pump_probe"]

Observable = Literal["joint", "difference", "polarisation"]
_DATABASE = {"polarisation": "polarisation_decay", "flip": "spin_flip", "difference": ""}


def fit_pump_probe(
    delay_ps: Any,
    same: Any,
    counter: Any = None,
    *,
    sigma: Any = None,
    irf_fwhm_ps: float | tuple[float, float, float] | None = None,
    measured_irf: Any = None,
    components: int = 1,
    population_components: int = 1,
    offset: bool | Literal["step"] = False,
    artefact: bool = False,
    observable: Observable | None = None,
    convention: Convention | None = None,
    population_lifetime_ps: float | None = None,
    wavelength_nm: float | None = None,
    delay_unit: str = "ps",
    compare: bool = False,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Spin lifetime from a pair of circularly polarised pump-probe traces.

    Parameters
    ----------
    delay_ps
        Delays, (n,); in `delay_unit`.
    same, counter
        Signals with probe and pump of the same (SC) and of opposite (CC) helicity, (n,), at one wavelength. Without
        `counter`, `same` is taken as the difference SC - CC.
    sigma
        Standard uncertainty of the signals, a number, (n,), or (2, n) for SC and CC; None: estimated.
    irf_fwhm_ps
        Response's full width at half maximum: a number is held, ``(value, low, high)`` is fitted, 0 is sharp; None: a
        Gaussian is fitted if there are points before time zero.
    measured_irf
        Measured response instead: ``(delay_ps, signal)`` or a `MeasuredResponse`.
    components
        Exponentials of the spin polarisation (1 or 2).
    population_components
        Exponentials of the population (joint fit).
    offset
        True: a constant in each channel, before time zero as well. ``"step"``: a signal that sets in at time zero and
        doesn't decay.
    artefact
        Add a pulse at time zero in the shape of the response.
    observable
        ``"joint"`` (default with two traces): both traces in one fit, with the population's lifetime.
        ``"difference"`` (default with one): SC - CC alone. ``"polarisation"``: (SC - CC)/(SC + CC) after the
        response has passed.
    convention
        What ``lifetime_ps`` means: ``"polarisation"``, ``"flip"`` (twice that) or ``"difference"``; see `CONVENTIONS`.
        Default ``"polarisation"``, but ``"difference"`` where only the difference is fitted.
    population_lifetime_ps
        Recombination time known from elsewhere, to take it out of a difference's decay.
    wavelength_nm
        Of the probe; goes into the record.
    compare
        Say by AICc whether a second lifetime is better, in `settings["compared"]` or a warning (the command line always
        asks); False: only where the residuals show that one misses something.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        ``lifetime_ps`` by the convention; all conventions that the observable gives are in the table. A lifetime below
        a third of the response's width is reported as an upper bound; where no signal stands out of the noise, the
        first warning says so and nothing is bounded.

    Raises
    ------
    FitError
        If data or choices don't fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from perospin.spectra import fit_pump_probe, simulate_pump_probe
    >>> delay = np.linspace(-2, 40, 150)
    >>> same, counter = simulate_pump_probe(delay, 7.76, population_lifetime_ps=100.0, noise=0.005, seed=1)
    >>> fit = fit_pump_probe(delay, same, counter, irf_fwhm_ps=0.25)
    >>> fit["lifetime_ps"].status, bool(abs(fit.lifetime_ps - 7.76) < 0.3)
    ('derived', True)
    """
    observable = observable or ("difference" if counter is None else "joint")
    if observable not in ("joint", "difference", "polarisation"):
        raise FitError(f"unknown observable '{observable}': use joint, difference or polarisation")
    convention = convention or (
        "difference" if observable == "difference" and not population_lifetime_ps else "polarisation"
    )
    if convention not in CONVENTIONS:
        raise FitError(f"unknown convention '{convention}': use {', '.join(CONVENTIONS)}")
    if counter is None and observable != "difference":
        raise FitError(f"the observable '{observable}' needs both traces, SC and CC; with one trace use 'difference'")
    if components not in (1, 2) or population_components not in (1, 2, 3):
        raise FitError("components must be 1 or 2, population_components 1 to 3")
    if observable == "difference" and convention != "difference" and population_lifetime_ps is None:
        raise FitError(
            f"the decay of SC - CC contains recombination: for the convention '{convention}' pass both traces with "
            "observable='joint', or the population_lifetime_ps"
        )
    if observable == "polarisation" and convention == "difference":
        raise FitError("the polarisation has no recombination in it: use the convention 'polarisation' or 'flip'")
    delay, notes = check_times_ps(delay_ps, unit=delay_unit)
    trace, spreads = check_pair(delay, same, counter, sigma, check_constant=False)
    notes += trace.warnings
    for name, values in trace.channels.items():
        if np.ptp(values) == 0:
            raise FitError(f"{name} is constant ({values[0]:g}): there is nothing to fit")
    refuse_long_response(trace.x, irf_fwhm_ps)
    response, more = Response.choose(trace.x, _size(trace), irf_fwhm_ps, measured_irf)
    settings: dict[str, Any] = {"main": "lifetime_ps", "observable": observable, "response": response.kind}
    if delay_unit != "ps":
        settings["x_unit"] = delay_unit
    if wavelength_nm is not None:
        settings["wavelength_nm"] = float(wavelength_nm)
    notes += more if observable != "polarisation" else []
    params, rest = without_params(options)
    setup = _Setup(
        trace.x,
        response,
        offset,
        artefact,
        rest,
        params,
        notes,
        settings,
    )

    def run(setup: _Setup, components: int = components, population_components: int = population_components) -> SpinFit:
        if observable == "joint":
            return _fit_joint(setup, trace["same"], trace["counter"], spreads, components, population_components)
        if observable == "difference":
            difference = trace["same"] if counter is None else trace["same"] - trace["counter"]
            spread = None if spreads is None else spreads[0] if counter is None else np.hypot(*spreads)
            return _fit_difference(setup, difference, spread, components, population_lifetime_ps)
        return _fit_polarisation(setup, trace["same"], trace["counter"], spreads, components)

    fit = run(setup)
    final = setup
    if (
        "irf_fwhm_ps" in fit
        and fit["irf_fwhm_ps"].status == "upper bound"
        and fit["time_zero_ps"].status == "undetermined"
    ):
        # the step falls between two points: time zero anywhere between them fits as well, and what hangs on it would
        # be held where it happens to stand, which makes the other uncertainties too small
        width = 0.5 * float(np.diff(np.unique(trace.x)).min())
        note = (
            f"the response is narrower than the spacing of the points (below {fit['irf_fwhm_ps'].value:.3g} ps): "
            f"held at {width:.3g} ps; time zero and the polarisation there hang on it, the lifetimes hardly"
        )
        final = replace(setup, response=Response("gaussian", width), notes=[*setup.notes, note])
        fit = run(final)

    def run_with(spins: int, populations: int) -> SpinFit:
        quick: IntervalOptions = {**final.options, "intervals": "none"}
        return run(replace(final, params={}, options=quick, settings=dict(final.settings)), spins, populations)

    if offset is not True:
        fit = fit.with_warnings(*_before_pump(trace, fit, response))
    if counter is not None:
        fit = fit.with_warnings(*swapped(fit))
    misses = any("the model misses something" in warning for warning in fit.warnings)
    if components == 1 and (compare or misses):
        better, told = _second(run_with, fit, components, population_components, observable)
        fit = fit.with_warnings(told) if better or misses else fit.with_settings(compared=told)
    return _with_convention(fit, convention, wavelength_nm)


def _second(
    run: Callable[[int, int], SpinFit], fit: SpinFit, components: int, population_components: int, observable: str
) -> tuple[bool, str]:
    """Say whether a second lifetime, of the spins or of the population, describes the data better."""
    ways = {"components": (components + 1, population_components)}
    if observable == "joint" and population_components < 3:
        ways["population_components"] = (components, population_components + 1)
    found: list[tuple[float, str, SpinFit]] = []
    for option, (spins, populations) in ways.items():
        try:
            other = run(spins, populations)
        except FitError:
            continue
        found.append((float(other.statistics["aicc"]) - float(fit.statistics["aicc"]), option, other))
    if not found:
        return False, "a second lifetime can't be fitted to so few points"
    if min(found, key=lambda item: item[0])[0] > -BETTER_AICC:
        names = {"components": "a second spin lifetime", "population_components": "a second one of the population"}
        tried = " and ".join(f"by {change:+.1f} with {names[option]}" for change, option, _ in found)
        return False, f"one lifetime is enough: AICc changes {tried}"
    gain, option, other = min(found, key=lambda item: item[0])
    stem = "polarisation_lifetime" if option == "components" else "population_lifetime"
    stem = "difference_lifetime" if option == "components" and observable == "difference" else stem
    times = [str(other[name]) for name in other.names if name.startswith(stem) and re.search(r"_\d_ps$", name)]
    what = "two spin lifetimes" if option == "components" else "two lifetimes of the population"
    number = components + 1 if option == "components" else population_components + 1
    return True, (
        f"{what} fit better (AICc lower by {-gain:.0f}{': ' + ' and '.join(times) if times else ''}): give "
        f"{option}={number}"
    )


def swapped(fit: SpinFit) -> list[str]:
    """Ask whether same and counter are swapped, where the polarisation at time zero is negative."""
    if "initial_polarisation" not in fit or not fit["initial_polarisation"].value < 0:
        return []
    found = fit["initial_polarisation"]
    if found.uncertainty == found.uncertainty and found.value + 3.0 * found.uncertainty > 0:
        return []
    return [
        f"the polarisation at time zero is negative ({found.value:.2f}): are same (SC) and counter (CC) swapped? Swap "
        "the files or columns; the lifetime stays the same"
    ]


def refuse_long_response(delay: Any, irf_fwhm_ps: Any) -> None:
    """Refuse a response that is longer than the scan: it was given in another unit.

    Raises
    ------
    FitError
        The message names the unit that may have been meant.
    """
    width = irf_fwhm_ps if isinstance(irf_fwhm_ps, int | float) else None
    span = float(np.ptp(delay))
    if width is None or not width > span > 0:
        return
    raise FitError(
        f"a response of {width:g} ps is longer than your scan ({span:.3g} ps); if it is in fs, give "
        f"irf_fwhm_ps={width / 1000:g}"
    )


def _before_pump(trace: Trace, fit: SpinFit, response: Response) -> list[str]:
    """Tell of a signal that is there before the pump comes: the model has none."""
    values = {**fit.values, **fit.settings["best_values"]}
    zero, width = (values.get(name, math.nan) for name in ("time_zero_ps", "irf_fwhm_ps"))
    zero = zero if math.isfinite(zero) else guess_time_zero(trace.x, _size(trace))
    step = float(np.min(np.diff(np.unique(trace.x))))
    early = trace.x < zero - max(2.0 * (width if math.isfinite(width) else response.fwhm_ps), step)
    if np.count_nonzero(early) < 3:
        return []
    from scipy.stats import t as student

    share = 0.0
    for signal in trace.channels.values():
        signal = signal / natural_unit(signal)
        part, largest = signal[early], float(np.max(np.abs(signal)))
        error = float(np.sqrt(0.5 * np.mean(np.diff(part) ** 2) / len(part)))
        level = float(np.mean(part))
        if abs(level) > max(student.ppf(1 - 1e-5, len(part) - 1) * error, 0.02 * largest):
            share = max(share, abs(level) / largest)
    if not share:
        return []
    return [
        f"before the pump the signal is not zero, but {share:.0%} of its largest: a background (give offset=True), or "
        "what the pulse before has left, where spins or carriers outlive the repetition time of the laser; the "
        "lifetimes are wrong by it"
    ]


def _with_convention(fit: SpinFit, convention: Convention, wavelength_nm: float | None) -> SpinFit:
    """Put ``lifetime_ps`` on top, by the convention."""
    source = {
        "polarisation": "polarisation_lifetime_ps", "flip": "flip_time_ps", "difference": "difference_lifetime_ps",
    }[convention]  # fmt: skip
    if convention == "flip" and source not in fit:
        fit = fit.derive("flip_time_ps", lambda v: 2.0 * v["polarisation_lifetime_ps"], "ps", "time between spin flips")
    if source not in fit:
        raise FitError(f"this fit gives no {source}: choose another convention, or population_components=1")
    meaning = CONVENTIONS[convention].removeprefix("lifetime_ps is the ")
    fit = fit.derive("lifetime_ps", lambda v: v[source], "ps", meaning, first=True)
    conditions: dict[str, Any] = {"technique": "circularly polarised pump-probe"}
    if _DATABASE[convention]:
        conditions["lifetime_convention"] = _DATABASE[convention]
    if wavelength_nm is not None:
        conditions["wavelength_nm"] = float(wavelength_nm)
    note = CONVENTIONS[convention].replace("lifetime_ps", "the value")
    return replace(
        fit,
        conventions={**fit.conventions, "lifetime": CONVENTIONS[convention]},
        records={"lifetime_ps": {"property": "tau_spin", "note": note, "conditions": conditions}},
        settings={**fit.settings, "convention": convention},
        drawing="pump-probe",
    )
