"""Global analysis of maps: lifetimes shared by all wavelengths, spectra by variable projection; one map or a pair.

A pair SC/CC is fitted jointly: population terms enter both maps with one sign, spin terms with opposite signs, and the
rates of these are the population's plus the spin's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Unpack

import numpy as np
import pandas as pd

from perospin.errors import FitError
from perospin.fitting import Parameter, Quantity, SeparableModel, fit_model
from perospin.fitting.arrays import Float, namespace
from perospin.fitting.parameters import Fixed
from perospin.measurements.maps import SignalMap
from perospin.measurements.options import FitOptions, without_params
from perospin.measurements.result import SpinFit
from perospin.spectra.lifetimes.response import (
    CONVENTIONS,
    Convention,
    Response,
    guess_lifetimes,
    lifetime_parameter,
)
from perospin.spectra.maps.corrections import drifts
from perospin.spectra.maps.rise import Rise, find_rise, leading, nearby, unexplained
from perospin.spectra.signals.irf import gaussian_pulse

__all__ = ["fit_map", "kinetics", "simulate_map_pair"]

_DELAY = Quantity("delay_ps", "ps", "delay")


def kinetics(signal_map: SignalMap, wavelength_nm: float | Sequence[float], width_nm: float = 0.0) -> pd.DataFrame:
    """Traces at wavelengths, as columns beside the delay.

    Parameters
    ----------
    signal_map
        Map to read.
    wavelength_nm
        One or several.
    width_nm
        Band that is averaged; 0 takes the nearest wavelength.

    Returns
    -------
    DataFrame
        ``delay_ps`` and one column a wavelength, named by it.
    """
    wanted = np.atleast_1d(np.asarray(wavelength_nm, float))
    columns = {"delay_ps": signal_map.delay_ps}
    columns |= {f"{at:g}": signal_map.at_wavelength(float(at), width_nm) for at in wanted}
    return pd.DataFrame(columns)


def fit_map(
    map_same: SignalMap,
    map_counter: SignalMap | None = None,
    *,
    components: int | None = None,
    population_components: int = 1,
    irf_fwhm_ps: float | tuple[float, float, float] | None = None,
    measured_irf: Any = None,
    plateau: bool = False,
    artefact: bool = False,
    background: bool | None = None,
    convention: Convention = "polarisation",
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Fit lifetimes that all wavelengths share.

    Parameters
    ----------
    map_same, map_counter
        A map alone is decomposed into decay-associated spectra. A pair, same- and counter-circular on the same axes, is
        fitted jointly and gives the spin lifetime. Correct the chirp first.
    components
        Lifetimes of a single map (default 2; 0 with an artefact alone, as of a solvent), or of the spin polarisation of
        a pair (default 1).
    population_components
        Lifetimes of the population of a pair.
    irf_fwhm_ps, measured_irf
        Response, as `fit_pump_probe`.
    plateau
        Add a spectrum that sets in at time zero and doesn't decay.
    artefact
        Add a pulse at time zero and its first two derivatives.
    background
        Add a spectrum that is there at all delays (scattered light); default where at least one delay lies before the
        pump. It is fitted with the rest: the mean of a few noisy spectra, subtracted, would shift all others alike.
    convention
        What ``lifetime_ps`` of a pair means, ``"polarisation"`` or ``"flip"``.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        A single map has ``lifetime_1_ps``, ``lifetime_2_ps`` ... in ascending order, a pair ``lifetime_ps``. `arrays`
        holds ``signal``, ``best_fit``, and for each term ``spectra`` and ``spectra_uncertainties`` (n_terms,
        n_wavelength), named in ``settings["terms"]``; a pair's signal has SC above CC.

    Raises
    ------
    FitError
        If the maps' axes differ or the choices don't fit together.
    """
    pair = map_counter is not None
    spins = components if components is not None else (1 if pair else 2)
    if not (0 if artefact and not pair else 1) <= spins <= (2 if pair else 5) or not 1 <= population_components <= 3:
        raise FitError(
            "use 1 to 5 components for one map (0 with artefact=True alone); for a pair 1 or 2 components and 1 to 3 "
            "population_components"
        )
    if convention not in ("polarisation", "flip"):
        raise FitError(f"unknown convention '{convention}' for maps: use polarisation or flip")
    if map_counter is not None and not map_same.same_axes(map_counter):
        raise FitError(f"{map_same!r} and {map_counter!r} have different axes: interpolate one onto the other first")
    delay = map_same.delay_ps
    live = np.isfinite(map_same.signal).sum(axis=0) > 0.5 * len(delay)
    if map_counter is not None:
        live &= np.isfinite(map_counter.signal).sum(axis=0) > 0.5 * len(delay)
    notes: list[str] = []
    if not live.all():
        notes.append(f"{int((~live).sum())} wavelengths with more than half of the points missing were left out")
    if not live.any():
        raise FitError(f"{map_same!r} holds no wavelength with at least half of its points")
    maps = [map_same] if map_counter is None else [map_same, map_counter]
    if len(np.unique(delay)) < 4:
        raise FitError(f"{map_same!r} has {len(np.unique(delay))} different delays: too few for a fit")
    signals = leading(np.concatenate([part.signal[:, live] for part in maps], axis=1))
    rises = find_rise(delay, signals, artefact=artefact, keep=2)
    response, told = Response.choose(delay, np.abs(signals[:, 0]), irf_fwhm_ps, measured_irf, rises[0].seen)
    notes += told
    params, rest = without_params(options)
    rest.setdefault("sources", tuple(s for part in maps for s in part.sources))
    held = params.get("time_zero_ps") if params else None
    zero = float(held.value) if isinstance(held, Fixed) else None
    if response.kind == "sharp":
        if artefact:
            raise FitError("an artefact follows the response: give irf_fwhm_ps or measured_irf")
        first = 0.0 if zero is None else zero
        response = replace(response, zero_ps=first)
        if not (delay >= first).all():
            maps = [part.crop(delay_ps=(first, float(delay[-1]))) for part in maps]
            map_same = maps[0]
        delay = map_same.delay_ps
        params = {name: value for name, value in (params or {}).items() if name != "time_zero_ps"}
    else:
        if artefact and response.free and irf_fwhm_ps is None:
            # a pulse between two points, and its derivatives, fit any two points
            finest = 0.8 * float(np.min(np.diff(np.unique(delay))))
            response = replace(response, bounds=(finest, response.bounds[1]))
        if irf_fwhm_ps is not None or measured_irf is not None:
            width = response.bounds if response.free else response.fwhm_ps
            rises = find_rise(delay, signals, artefact=artefact, fwhm_ps=width, keep=2)
    if background is None:
        pump = zero if zero is not None else rises[0].time_zero_ps
        background = response.kind != "sharp" and bool(delay[0] < pump - rises[0].fwhm_ps)
    y = np.concatenate([part.signal[:, live] for part in maps])
    sigma = None
    if all(part.sigma is not None for part in maps):
        sigma = np.concatenate([np.asarray(part.sigma)[:, live] for part in maps])
        sigma = np.where(np.isfinite(sigma) & (sigma > 0), sigma, np.nanmedian(sigma))
    model, terms = _model(
        delay, response, pair, spins, population_components, rises, plateau=plateau, artefact=artefact,
        background=background, known_zero=zero,
    )  # fmt: skip
    x: Any = delay if not pair else {"delay_ps": np.tile(delay, 2), "channel": np.repeat([1.0, -1.0], len(delay))}
    resolved = [name for name in model.names if "lifetime" in name]
    fit = fit_model(
        model, x, y, sigma=sigma, params={**response.held(), **(params or {})}, warnings=notes, result=SpinFit,
        **rest,
        curved=("time_zero_ps", "irf_fwhm_ps") if artefact else (),
        resolution=dict.fromkeys(resolved, response.resolution()) if response.kind != "sharp" else None,
    )  # fmt: skip
    fit = _ordered(fit, terms, pair)
    arrays = dict(fit.arrays)
    arrays["spectra"], arrays["spectra_uncertainties"] = arrays.pop("amplitudes"), arrays.pop("amplitude_uncertainties")
    arrays["wavelength_nm"], arrays["delay_ps"] = map_same.wavelength_nm[live], delay
    arrays.pop("channel", None)
    left = arrays["signal"] - arrays["best_fit"]
    fit = fit.with_warnings(*_common_noise(left))
    if response.kind != "sharp" and drifts(left[: len(delay)][delay < rises[0].onset_ps]):
        fit = fit.with_warnings(
            "the spectra before the pump change with delay: that is signal of the pulse before or of a late pump, not "
            "a background, and the lifetimes may be wrong by it"
        )
    history = [f"{part.name or 'map'}: {line}" for part in maps for line in part.history]
    fit = replace(
        fit,
        arrays=arrays,
        settings={**fit.settings, "history": history, "signal_unit": map_same.unit, "pair": pair},
        drawing="map",
    )
    if pair:
        return _finish_pair(fit, spins, convention)
    return fit.with_settings(main=(fit.settings["lifetimes"] or ["irf_fwhm_ps"])[0])


def _common_noise(residual: Float) -> list[str]:
    """Tell if the residuals of the wavelengths go up and down together, as those of a fluctuating laser do."""
    m = residual.shape[1]
    filled = np.nan_to_num(residual)
    size = np.sqrt(np.mean(filled**2, axis=0))
    scaled = filled[:, size > 0] / size[size > 0]
    if scaled.shape[1] < 4:
        return []
    pairs = scaled.shape[1] * (scaled.shape[1] - 1)
    mean = float((np.sum(scaled.sum(axis=1) ** 2) - scaled.size) / len(scaled) / pairs)
    if mean < 0.05 or mean < 4.0 / np.sqrt(len(scaled) * pairs / 2):
        return []
    return [
        f"the noise is common to the wavelengths (mean correlation of the residuals {mean:.2f}): the uncertainties are "
        f"too small, by a factor of up to {np.sqrt(1 + (m - 1) * mean):.1f}"
    ]


def _model(
    delay: Float,
    response: Response,
    pair: bool,
    spins: int,
    populations: int,
    rises: Sequence[Rise],
    *,
    plateau: bool,
    artefact: bool,
    background: bool,
    known_zero: float | None = None,
) -> tuple[SeparableModel, list[str]]:
    """Model, and the names of its terms in the order of the spectra."""
    width = response.fwhm_ps
    if pair:
        slow = [_numbered("population_lifetime_ps", i, populations) for i in range(populations)]
        fast = [_numbered("polarisation_lifetime_ps", i, spins) for i in range(spins)]
        terms = [*slow, *(f"{f} with {s}" for s in slow for f in fast)]
    else:
        slow, fast = [f"lifetime_{i + 1}_ps" for i in range(spins)], []
        terms = list(slow)
    extras = []
    if plateau:
        extras.append("plateau")
    if background:
        extras.append("background")
    if artefact:
        extras += ["artefact", "artefact (1st derivative)", "artefact (2nd derivative)"]

    def shapes(time: Any, p: Mapping[str, Any]) -> list[Any]:
        out = []
        if plateau:
            out.append(response.step(time, p))
        if background:
            out.append(namespace(time).ones_like(time))
        if artefact:
            fwhm = p["irf_fwhm_ps"] if response.kind == "gaussian" else response.fwhm_ps
            since = (time - p["time_zero_ps"]) / fwhm
            pulse = gaussian_pulse(since, 1.0)
            out += [pulse, pulse * since, pulse * (since**2 - 0.18)]
        return out

    def basis(x: Any, p: Mapping[str, Any]) -> list[Any]:
        time = x["delay_ps"] if pair else x
        out = [response.decay(time, p[name], p) for name in slow]
        if not pair:
            return out + shapes(time, p)
        channel = x["channel"]
        for s in slow:
            out += [channel * response.decay(time, 1.0 / (1.0 / p[s] + 1.0 / p[f]), p) for f in fast]
        for shape in shapes(time, p):
            out += [shape * (channel > 0), shape * (channel < 0)]
        return out

    names = [*terms, *([f"{e}, {c}" for e in extras for c in ("SC", "CC")] if pair else extras)]
    parameters: list[Parameter] = [
        *(lifetime_parameter(n, delay, "decay time of the spin polarisation", width) for n in fast),
        *(lifetime_parameter(n, delay, "decay time of the population" if pair else "decay time", width) for n in slow),
        *response.parameters(delay, known_zero),
    ]

    def guess(x: Any, y: Float) -> list[dict[str, float]]:
        """Lifetimes for the best rises, then rises for the best lifetimes, which may have been taken for a response."""
        few = leading(y if y.ndim > 1 else y[:, None])

        def best(starts: Sequence[dict[str, float]]) -> list[dict[str, float]]:
            scored: list[tuple[float, int, dict[str, float]]] = []
            for start in starts:
                columns = np.stack([np.broadcast_to(part, len(few)) for part in basis(x, start)], axis=1)
                scored.append((float(np.sum(unexplained(columns, few) ** 2)), len(scored), start))
            return [start for _, _, start in sorted(scored, key=lambda one: one[:2])]

        sets = [
            dict(zip([*slow, *fast], [*times, *quick], strict=True))
            for times in guess_lifetimes(delay, len(slow))
            for quick in guess_lifetimes(delay, len(fast))
        ]

        def at(rise: Rise) -> dict[str, float]:
            zero = rise.time_zero_ps if known_zero is None else known_zero
            return {"time_zero_ps": zero, "irf_fwhm_ps": rise.fwhm_ps if response.free else response.fwhm_ps}

        smallest = float(np.min(np.diff(np.unique(delay))))
        low = max(response.bounds[0], 0.5 * smallest)
        wide = max(min(response.bounds[1], max(8.0 * rises[0].fwhm_ps, 8.0 * smallest)), 2.0 * low)
        spread = np.geomspace(low, wide, 10).tolist() if response.free else [response.fwhm_ps]
        ranked = [best([{**times, **at(rise)} for times in sets]) for rise in rises]
        starts = [ranked[0][0], *(others[0] for others in ranked[1:])]
        if response.kind == "sharp":
            return ranked[0][:3]
        for _ in range(2):
            around = [{**starts[0], **at(rise)} for rise in nearby(delay, rises[0], spread)]
            moved = best(around)[0]
            moved = best([{**moved, **times} for times in sets] + [moved])[0]
            starts.insert(0, moved)
        return [*starts, *ranked[0][1:2]]

    x_axes = (_DELAY, Quantity("channel", "", "SC +1, CC −1")) if pair else (_DELAY,)
    title = "maps SC and CC, joint global analysis" if pair else "map, global analysis"
    amplitudes = tuple(Quantity(f"a{i}") for i in range(len(names)))
    model = SeparableModel(
        title, tuple(parameters), amplitudes, basis, x_axes, Quantity("signal", "", "signal"), guess=guess
    )
    return model, names


def _numbered(base: str, i: int, count: int) -> str:
    stem, unit = base.rsplit("_", 1)
    return base if count == 1 else f"{stem}_{i + 1}_{unit}"


def _ordered(fit: SpinFit, terms: list[str], pair: bool) -> SpinFit:
    """Bring the lifetimes of a single map into ascending order, rows of the table, correlations and spectra alike."""
    lifetimes = [name for name in fit.names if "lifetime" in name]
    settings = {**fit.settings, "terms": terms, "lifetimes": lifetimes}
    if pair or len(lifetimes) < 2:
        return replace(fit, settings=settings)
    table = fit.table.copy()
    rows = [int(i) for i in np.flatnonzero(table["name"].isin(lifetimes))]
    order = np.argsort(np.nan_to_num(table["value"].to_numpy(float)[rows], nan=np.inf), kind="stable")
    renamed = {lifetimes[old]: lifetimes[new] for new, old in enumerate(order.tolist())}
    moved = table.iloc[[rows[i] for i in order]].copy()
    table.iloc[rows] = moved.to_numpy()
    table.loc[table.index[rows], "name"] = lifetimes
    correlation = fit.correlation.rename(index=renamed, columns=renamed)
    kept = [n for n in fit.correlation.columns if n in correlation.columns]
    correlation = correlation.loc[kept, kept]
    arrays = dict(fit.arrays)
    for name in ("amplitudes", "amplitude_uncertainties"):
        block = arrays[name].copy()
        block[: len(lifetimes)] = block[order]
        arrays[name] = block
    for key in ("standard_errors", "best_values"):
        settings[key] = {renamed.get(n, n): v for n, v in settings[key].items()}
    warnings = tuple(_rename(sentence, renamed) for sentence in fit.warnings)
    return replace(fit, table=table, correlation=correlation, arrays=arrays, settings=settings, warnings=warnings)


def _rename(sentence: str, names: Mapping[str, str]) -> str:
    for old in names:
        sentence = sentence.replace(old, f"<{old}>")
    for old, new in names.items():
        sentence = sentence.replace(f"<{old}>", new)
    return sentence


def _finish_pair(fit: SpinFit, spins: int, convention: Convention) -> SpinFit:
    if spins == 1:
        fit = fit.derive("flip_time_ps", lambda v: 2.0 * v["polarisation_lifetime_ps"], "ps", "time between spin flips")
        source = "flip_time_ps" if convention == "flip" else "polarisation_lifetime_ps"
        meaning = CONVENTIONS[convention]
        fit = fit.derive(
            "lifetime_ps", lambda v: v[source], "ps", meaning.removeprefix("lifetime_ps is the "), first=True
        )
        word = {"polarisation": "polarisation_decay", "flip": "spin_flip"}[convention]
        records = {
            "lifetime_ps": {
                "property": "tau_spin",
                "note": meaning.replace("lifetime_ps", "the value"),
                "conditions": {
                    "technique": "circularly polarised transient absorption, global fit of SC and CC maps",
                    "lifetime_convention": word,
                },
            }
        }
        fit = replace(fit, records=records, conventions={"lifetime": meaning})
    main = "lifetime_ps" if spins == 1 else "polarisation_lifetime_1_ps"
    terms = fit.settings["terms"]
    spectra = fit.arrays["spectra"]
    population = sum(spectra[i] for i, t in enumerate(terms) if t.startswith("population"))
    spin = sum(spectra[i] for i, t in enumerate(terms) if t.startswith("polarisation"))
    with np.errstate(divide="ignore", invalid="ignore"):
        initial = np.asarray(spin) / np.asarray(population)
    initial = np.where(np.abs(population) > 0.02 * np.max(np.abs(population)), initial, np.nan)
    return replace(
        fit,
        arrays={**fit.arrays, "initial_polarisation": initial},
        settings={**fit.settings, "main": main, "convention": convention},
    )


def simulate_map_pair(
    delay_ps: Any,
    wavelength_nm: Any,
    lifetime_ps: float,
    *,
    population_lifetime_ps: float | tuple[float, ...] = (5.0, 200.0),
    initial_polarisation: float = 0.8,
    irf_fwhm_ps: float = 0.2,
    chirp: Literal[0, 1] | float = 0.0,
    noise: float = 0.0,
    seed: int = 0,
) -> tuple[SignalMap, SignalMap]:
    """Simulate maps SC and CC: a bleach and an induced absorption beside it, in mOD.

    Parameters
    ----------
    delay_ps, wavelength_nm
        Axes.
    lifetime_ps
        Decay time of the polarisation.
    population_lifetime_ps
        One band of the spectrum for each lifetime.
    initial_polarisation, irf_fwhm_ps
        Of the model.
    chirp
        Shift of time zero from one end of the spectrum to the other (ps), quadratic.
    noise, seed
        Standard deviation of normal noise (mOD), and its seed.

    Returns
    -------
    same, counter : SignalMap
    """
    from perospin.spectra.signals.irf import gaussian_decay

    delay, wavelength = np.asarray(delay_ps, float), np.asarray(wavelength_nm, float)
    times = np.atleast_1d(np.asarray(population_lifetime_ps, float))
    middle, span = wavelength.mean(), float(np.ptp(wavelength)) or 1.0
    position = (wavelength - wavelength.min()) / span
    zero = float(chirp) * position**2
    total, oriented = (np.zeros((len(delay), len(wavelength))) for _ in range(2))
    for i, time in enumerate(times):
        centre = middle + span * (0.05 + 0.16 * i) * (-1) ** i
        band = (-10.0 if i % 2 == 0 else 6.0) * np.exp(-0.5 * ((wavelength - centre) / (0.08 * span)) ** 2)
        for j in range(len(wavelength)):
            since = delay - zero[j]
            total[:, j] += band[j] * gaussian_decay(since, time, irf_fwhm_ps)
            joint = 1.0 / (1.0 / time + 1.0 / lifetime_ps)
            oriented[:, j] += band[j] * initial_polarisation * gaussian_decay(since, joint, irf_fwhm_ps)
    rng = np.random.default_rng(seed)
    parts = [
        SignalMap(delay, wavelength, signal + noise * rng.normal(size=signal.shape), "mOD", name)
        for name, signal in (("SC", total + oriented), ("CC", total - oriented))
    ]
    return parts[0], parts[1]
