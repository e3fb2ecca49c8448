r"""Circularly polarised pump-probe: same- and counter-circular traces to a spin lifetime.

.. math:: N_\pm=\tfrac12N(t)\,\big(1\pm P_0e^{-t/\tau_s}\big),\qquad \tau_s=\tau_{flip}/2,

with N(t) the population. Three time constants are in use for the same traces, and a lifetime without its convention is
worth little: the decay of the polarisation (tau_s), the time between flips of one spin (2 tau_s), and the decay of the
difference SC - CC, 1/tau_d = 1/tau_s + 1/tau_r, in which recombination is still contained.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from perospin.errors import FitError
from perospin.fitting import Parameter, Quantity, SeparableModel, Source, Trace, check_times_ps, check_trace, fit_model
from perospin.fitting.arrays import Float, namespace, natural_unit
from perospin.fitting.parameters import Fixed
from perospin.fitting.single import Intervals
from perospin.spectra.irf import MeasuredResponse, gaussian_decay, gaussian_pulse, gaussian_step, sharp_decay
from perospin.spectra.result import SpinFit

__all__ = ["CONVENTIONS", "Response", "fit_populations", "fit_pump_probe", "simulate_pump_probe"]

Observable = Literal["joint", "difference", "polarisation"]
Convention = Literal["polarisation", "flip", "difference"]
CONVENTIONS = {
    "polarisation": "lifetime_ps is the 1/e decay time of the spin polarisation, half the spin-flip time",
    "flip": "lifetime_ps is the mean time between spin flips, twice the decay time of the polarisation",
    "difference": "lifetime_ps is the 1/e decay time of SC - CC: recombination is contained, no factor of two removed",
}
_DATABASE = {"polarisation": "polarisation_decay", "flip": "spin_flip", "difference": ""}
_DELAY = Quantity("delay_ps", "ps", "delay")


@dataclass(frozen=True)
class Response:
    """How the instrument smears a decay: Gaussian (fixed or fitted), measured, or infinitely sharp.

    Attributes
    ----------
    kind
        ``"gaussian"``, ``"measured"`` or ``"sharp"``.
    fwhm_ps
        Full width at half maximum; start value or fixed.
    free
        Whether the width is fitted.
    measured
        The measured response.
    bounds
        Of the width, if it is fitted.
    zero_ps
        Time zero of a sharp response.
    """

    kind: str
    fwhm_ps: float = 0.0
    free: bool = False
    measured: MeasuredResponse | None = None
    bounds: tuple[float, float] = (1e-4, 1e4)
    zero_ps: float = 0.0

    @classmethod
    def choose(
        cls, delay: Float, signal: Float, irf_fwhm_ps: Any, measured_irf: Any, rises: bool | None = None
    ) -> tuple[Response, list[str]]:
        """Response for what the user knows of it.

        Parameters
        ----------
        delay, signal
            Delays and the size of the signal, which tell whether the rise was measured; (n,).
        irf_fwhm_ps, measured_irf
            As `fit_pump_probe`.
        rises
            Whether the rise was measured; None: looked for in `signal`.

        Raises
        ------
        FitError
            If both a width and a measured response are given, or the width is negative.
        """
        if measured_irf is not None:
            if irf_fwhm_ps is not None:
                raise FitError("give either irf_fwhm_ps or measured_irf, not both")
            response = (
                measured_irf if isinstance(measured_irf, MeasuredResponse) else MeasuredResponse.of(*measured_irf)
            )
            return cls("measured", response.fwhm_ps, measured=response), []
        if isinstance(irf_fwhm_ps, Sequence):
            value, low, high = (float(v) for v in irf_fwhm_ps)
            return cls("gaussian", value, True, bounds=(low, high)), []
        if irf_fwhm_ps is not None:
            width = float(irf_fwhm_ps)
            if not width >= 0 or not np.isfinite(width):
                raise FitError(f"irf_fwhm_ps is {width:g}; it must be 0 (sharp) or above")
            return (cls("gaussian", width) if width > 0 else cls("sharp")), []
        # the rise was measured if there are points before 0, or if the signal starts near zero (an unset stage)
        if rises is None:
            rises = abs(float(np.median(signal[:3]))) < 0.2 * float(np.abs(signal).max())
        if (delay < 0).sum() < 3 and not rises:
            note = (
                "fewer than three points before time zero: the response can't be fitted, the decay is taken from "
                "delay 0 on; give irf_fwhm_ps, or pass the points before the pump"
            )
            return cls("sharp"), [note]
        step = float(np.median(np.diff(np.unique(delay))))
        near = np.diff(np.unique(delay))
        smallest = float(near.min())
        # densely sampled traces: the response may span hundreds of steps
        widest = max(20 * step, 100 * smallest, 0.1 * float(delay.max() - delay.min()))
        return cls("gaussian", 3 * smallest, True, bounds=(0.05 * smallest, widest)), []

    def parameters(self, delay: Float, known_zero: float | None = None) -> tuple[Parameter, ...]:
        """Width, if it is fitted or Gaussian, and time zero, which may lie outside the delays only if it is known."""
        span = float(delay[-1] - delay[0])
        if self.kind == "sharp":
            return ()
        scale = self.fwhm_ps or 0.01 * span
        first, last = float(delay[0]), float(delay[-1])
        if known_zero is not None:
            first, last = min(first, known_zero - scale), max(last, known_zero + scale)
        zero = Parameter("time_zero_ps", "ps", "time zero", 0.0, first, last, scale=scale)
        if self.kind == "measured":
            return (zero,)
        low, high = self.bounds if self.free else (1e-9, 1e9)
        return (zero, Parameter("irf_fwhm_ps", "ps", "response, FWHM", self.fwhm_ps, low, high, positive=True))

    def held(self) -> dict[str, Any]:
        """Parameters that are not fitted."""
        return {"irf_fwhm_ps": Fixed(self.fwhm_ps)} if self.kind == "gaussian" and not self.free else {}

    def decay(self, delay: Any, lifetime: Any, p: Mapping[str, Any]) -> Any:
        """Compute a unit decay from time zero on."""
        if self.kind == "sharp":
            return sharp_decay(delay - self.zero_ps, lifetime)
        since = delay - p["time_zero_ps"]
        if self.measured is not None:
            return self.measured.decay(since, lifetime)
        return gaussian_decay(since, lifetime, p["irf_fwhm_ps"])

    def step(self, delay: Any, p: Mapping[str, Any]) -> Any:
        """Compute a unit step at time zero."""
        if self.kind == "sharp":
            return namespace(delay).where(delay >= self.zero_ps, 1.0, 0.0)
        since = delay - p["time_zero_ps"]
        if self.measured is not None:
            return self.measured.step(since)
        return gaussian_step(since, p["irf_fwhm_ps"])

    def artefact(self, delay: Any, p: Mapping[str, Any]) -> Any:
        """Pulse that follows the response."""
        width = p["irf_fwhm_ps"] if self.kind == "gaussian" else self.fwhm_ps
        return gaussian_pulse(delay - p["time_zero_ps"], width)

    def resolution(self) -> Callable[[Mapping[str, float]], float] | float:
        """Shortest lifetime that can be told from zero: a third of the response's width."""
        if self.kind == "gaussian":
            return lambda values: values["irf_fwhm_ps"] / 3.0
        return self.fwhm_ps / 3.0


def lifetime_parameter(name: str, delay: Float, description: str, fwhm_ps: float = 0.0) -> Parameter:
    """Lifetime with bounds that any measurement at these delays respects by far."""
    steps = np.diff(np.unique(delay))
    low = 1e-3 * (min(float(steps.min()), fwhm_ps) if fwhm_ps else float(steps.min()))
    span = float(delay[-1] - delay[0])
    return Parameter(name, "ps", description, 0.2 * span, low, 1e3 * span, positive=True)


def guess_time_zero(delay: Float, signal: Float) -> float:
    """Delay at which the signal first reaches half its largest size."""
    size = np.abs(signal - np.median(signal[: max(3, len(signal) // 20)]))
    half = 0.5 * float(np.sort(size)[-3 if len(size) > 20 else -1])  # one spike is no signal
    i = int(np.argmax(size >= half))
    if i == 0:
        return float(delay[0])
    share = (half - size[i - 1]) / (size[i] - size[i - 1])
    return float(delay[i - 1] + share * (delay[i] - delay[i - 1]))


def guess_lifetimes(delay: Float, count: int) -> list[tuple[float, ...]]:
    """Ascending sets of lifetimes over the range that the delays can show."""
    after = delay[-1] if delay[-1] > 0 else delay[-1] - delay[0]
    steps = np.diff(np.unique(delay))
    grid = np.geomspace(max(float(steps.min()), 1e-4 * after), 2 * after, 6 if count < 3 else 7)
    return list(itertools.combinations(grid.tolist(), count))


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
    intervals: Intervals
    level: float
    seed: int
    robust: bool
    sources: tuple[Source, ...]
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
            model, x, y, sigma=sigma, params={**held, **self.params}, intervals=self.intervals, level=self.level,
            seed=self.seed, robust=self.robust, sources=self.sources, warnings=self.notes,
            resolution=resolution or None, result=SpinFit, settings=self.settings, **more,
        )  # fmt: skip


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
    params: Mapping[str, Any] | None = None,
    intervals: Intervals = "covariance",
    level: float = 0.68,
    seed: int = 0,
    robust: bool = False,
    sources: Sequence[Source] = (),
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
        Standard uncertainty of the signals, a number or (n,); None: estimated.
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
    params, intervals, level, seed, robust
        See `perospin.fitting.fit_model`.
    sources
        Raw files.

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
    trace = check_trace(delay, {"same": same, "counter": counter}, sigma=sigma, check_constant=False)
    notes += trace.warnings
    for name, values in trace.channels.items():
        if np.ptp(values) == 0:
            raise FitError(f"{name} is constant ({values[0]:g}): there is nothing to fit")
    response, more = Response.choose(trace.x, _size(trace), irf_fwhm_ps, measured_irf)
    settings: dict[str, Any] = {"main": "lifetime_ps", "observable": observable, "response": response.kind}
    if wavelength_nm is not None:
        settings["wavelength_nm"] = float(wavelength_nm)
    notes += more if observable != "polarisation" else []
    setup = _Setup(
        trace.x,
        response,
        offset,
        artefact,
        intervals,
        level,
        seed,
        robust,
        tuple(sources),
        params or {},
        notes,
        settings,
    )

    def run(setup: _Setup) -> SpinFit:
        if observable == "joint":
            return _fit_joint(setup, trace["same"], trace["counter"], trace.sigma, components, population_components)
        if observable == "difference":
            difference = trace["same"] if counter is None else trace["same"] - trace["counter"]
            spread = trace.sigma if counter is None or trace.sigma is None else np.sqrt(2.0) * trace.sigma
            return _fit_difference(setup, difference, spread, components, population_lifetime_ps)
        return _fit_polarisation(setup, trace["same"], trace["counter"], trace.sigma, components)

    fit = run(setup)
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
        fit = run(replace(setup, response=Response("gaussian", width), notes=[*setup.notes, note]))
    if offset is not True:
        fit = fit.with_warnings(*_before_pump(trace, fit, response))
    return _with_convention(fit, convention, wavelength_nm)


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


def _fit_polarisation(setup: _Setup, same: Float, counter: Float, sigma: Float | None, components: int) -> SpinFit:
    total, difference = same + counter, same - counter
    top = int(np.argmax(np.abs(total)))
    start = setup.delay[top]
    if setup.response.kind != "sharp" and not setup.response.free:
        start = max(start, guess_time_zero(setup.delay, total) + setup.response.fwhm_ps)
    late = setup.delay >= start
    # a ratio of noise is no polarisation: stop where the sum has sunk into its noise
    noise = 1.4826 * float(np.median(np.abs(np.diff(total)))) / np.sqrt(2.0)
    seen = np.abs(total) > max(5.0 * noise, 0.01 * float(np.abs(total).max()))
    keep = late & seen & np.cumprod(np.where(late, seen, True)).astype(bool)
    if keep.sum() < 3 + 2 * components:
        raise FitError(
            f"only {int(keep.sum())} points after the response have a sum SC + CC above its noise: "
            "use observable='joint', which needs no ratio"
        )
    delay = setup.delay[keep]
    polarisation = difference[keep] / total[keep]
    # a ratio's uncertainty, for equal noise in both channels
    spread = (
        np.sqrt(1.0 + polarisation**2) / np.abs(total[keep]) * (1.0 if sigma is None else np.sqrt(2.0) * sigma[keep])
    )
    names = _names("polarisation_lifetime_ps", components)

    def basis(time: Any, p: Mapping[str, Any]) -> list[Any]:
        xp = namespace(time, *p.values())
        out = [xp.exp(-(time - zero) / p[name]) for name in names]
        return [*out, xp.ones_like(time)] if setup.offset else out

    zero = 0.0 if setup.response.kind == "sharp" else guess_time_zero(setup.delay, total)
    zero = min(zero, float(delay[0]))  # a fast decay must not be taken back to before its start
    amplitudes = [
        Quantity("initial_polarisation" if components == 1 else f"amplitude_{i + 1}", "", "polarisation at time zero")
        for i in range(components)
    ]
    model = SeparableModel(
        "pump-probe, decay of the polarisation (SC - CC)/(SC + CC)",
        tuple(lifetime_parameter(n, delay, "decay time of the spin polarisation") for n in names),
        (*amplitudes, *([Quantity("offset")] if setup.offset else [])),
        basis, (_DELAY,), Quantity("polarisation", "", "(SC − CC)/(SC + CC)"), guess=_guess(names, []),
    )  # fmt: skip
    setup.settings["first_ps"] = float(delay[0])
    fit = _sorted_fit(setup, model, delay, polarisation, spread, names, absolute_sigma=sigma is not None)
    if not _stands_out(polarisation, fit.data["best_fit"].to_numpy(), spread, bool(setup.offset)):
        fit = _without_signal(fit, names, "no polarisation", "(SC - CC)/(SC + CC)")
    if components > 1:
        fit = fit.derive(
            "polarisation_lifetime_ps", lambda v: _mean(v, "polarisation_lifetime_ps", components), "ps",
            "amplitude-weighted mean decay time of the polarisation",
        )  # fmt: skip
    return fit.derive("flip_time_ps", lambda v: 2.0 * v["polarisation_lifetime_ps"], "ps", "time between spin flips")


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
    spread = None if sigma is None else np.tile(sigma[keep], 2)
    fit = _sorted_fit(setup, model, x, y, spread, spins)
    best, n, level = fit.data["best_fit"].to_numpy(), len(delay), _rise_measured(setup)
    noise = None if spread is None else np.sqrt(2.0) * spread[:n]
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
        other = _fit_difference(own, same - counter, None if sigma is None else np.sqrt(2.0) * sigma, 1, None)
    except FitError:
        return fit
    found = other["difference_lifetime_ps"]
    table = fit.table.copy()
    row = table["name"] == found.name
    table.loc[row, ["value", "uncertainty", "low", "high"]] = found.value, found.uncertainty, found.low, found.high
    table.loc[row, "status"] = "derived" if found.status == "fitted" else found.status
    table.loc[row, "description"] = "decay time of SC - CC, fitted alone"
    return replace(fit, table=table)


def _rise_measured(setup: _Setup) -> bool:
    """Whether a constant is no signal: it has an offset of its own, or there are points before the pump."""
    return bool(setup.offset) or (
        setup.response.kind != "sharp" and (setup.response.free or (setup.delay < 0).sum() >= 3)
    )


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
        raise FitError(f"only {int(keep.sum())} points at delays of 0 and above: shift time zero, or give irf_fwhm_ps")
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
        plotter="spectra.pump_probe_figures:plot_pump_probe",
    )


def fit_populations(
    delay_ps: Any,
    same: Any,
    counter: Any,
    *,
    order: Literal[1, 2] = 1,
    sigma: Any = None,
    irf_fwhm_ps: float | tuple[float, float, float] | None = None,
    measured_irf: Any = None,
    offset: bool | Literal["step"] = False,
    artefact: bool = False,
    convention: Convention = "flip",
    wavelength_nm: float | None = None,
    delay_unit: str = "ps",
    params: Mapping[str, Any] | None = None,
    intervals: Intervals = "covariance",
    level: float = 0.68,
    seed: int = 0,
    robust: bool = False,
    sources: Sequence[Source] = (),
) -> SpinFit:
    r"""Fit the rate equations of the spin-up and spin-down populations to both traces.

    .. math:: \dot N_\pm=-\frac{N_\pm}{\tau_r}-k_2N_\pm(N_++N_-)-\frac{N_\pm-N_\mp}{\tau_{flip}}

    with SC proportional to N+ and CC to N-. Solved exactly: N decays by first and second order alone, the polarisation
    with tau_flip/2 alone.

    Parameters
    ----------
    order
        1: recombination alone; 2: also the second-order term (annihilation), whose ``annihilation`` = k2 N0 tau_r.
    convention
        What ``lifetime_ps`` means; default the flip time of the equations.
    delay_ps, same, counter, sigma, irf_fwhm_ps, measured_irf, offset, artefact, wavelength_nm, delay_unit
        As `fit_pump_probe`.
    params, intervals, level, seed, robust, sources
        As `fit_pump_probe`.

    Returns
    -------
    SpinFit

    Raises
    ------
    FitError
        If data or choices don't fit together.
    """
    if order not in (1, 2):
        raise FitError(f"order is {order}; use 1 (recombination) or 2 (with annihilation)")
    if convention not in ("polarisation", "flip"):
        raise FitError(f"unknown convention '{convention}' for the rate equations: use polarisation or flip")
    delay, notes = check_times_ps(delay_ps, unit=delay_unit)
    trace = check_trace(delay, {"same": same, "counter": counter}, sigma=sigma)
    response, more = Response.choose(trace.x, _size(trace), irf_fwhm_ps, measured_irf)
    settings: dict[str, Any] = {"main": "lifetime_ps", "observable": "populations", "response": response.kind}
    setup = _Setup(
        trace.x, response, offset, artefact, intervals, level, seed, robust, tuple(sources), params or {},
        [*notes, *trace.warnings, *more], settings,
    )  # fmt: skip
    fit = _fit_joint(setup, trace["same"], trace["counter"], trace.sigma, 1, 1, annihilation=order == 2)
    return _with_convention(fit, convention, wavelength_nm)


def simulate_pump_probe(
    delay_ps: Any,
    lifetime_ps: float,
    *,
    population_lifetime_ps: float = 100.0,
    initial_polarisation: float = 1.0,
    amplitude: float = 1.0,
    irf_fwhm_ps: float = 0.25,
    time_zero_ps: float = 0.0,
    offset: float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> tuple[Float, Float]:
    """Simulate traces SC and CC.

    Parameters
    ----------
    delay_ps
        Delays (ps), (n,).
    lifetime_ps
        1/e decay time of the polarisation (half the flip time).
    population_lifetime_ps, initial_polarisation, amplitude, irf_fwhm_ps, time_zero_ps, offset
        Of the model; `amplitude` is the population's signal in each channel, half the sum SC + CC.
    noise
        Standard deviation of normal noise in each channel.
    seed
        Of the noise.

    Returns
    -------
    same, counter : ndarray, shape (n,)
    """
    since = np.asarray(delay_ps, float) - time_zero_ps
    joint = 1.0 / (1.0 / lifetime_ps + 1.0 / population_lifetime_ps)
    shape = (lambda t: gaussian_decay(since, t, irf_fwhm_ps)) if irf_fwhm_ps > 0 else (lambda t: sharp_decay(since, t))
    total, oriented = shape(population_lifetime_ps), initial_polarisation * shape(joint)
    rng = np.random.default_rng(seed)
    clean = [amplitude * (total + oriented) + offset, amplitude * (total - oriented) + offset]
    same, counter = (part + noise * rng.normal(size=len(since)) for part in clean)
    return same, counter
