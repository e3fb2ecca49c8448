r"""Circular dichroism and circularly polarised luminescence: spectra to dissymmetry factors.

.. math:: g_{CD}=\frac{A_L-A_R}{A}=\frac{\theta}{32982\,A},\quad A=\frac{A_L+A_R}2,\qquad
   g_{lum}=\frac{2(I_L-I_R)}{I_L+I_R}

with :math:`\theta` in mdeg; the constant is :math:`1000\cdot180\ln10/4\pi` (DERIVED; customary 32980).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import pandas as pd

from perospin.errors import FitError
from perospin.fitting import Parameter, Quantity, SeparableModel, check_trace, fit_model
from perospin.fitting.arrays import Float, real
from perospin.measurements.options import IntervalOptions
from perospin.measurements.ordering import rising
from perospin.measurements.result import SpinFit

__all__ = ["MDEG_PER_ABSORBANCE", "dissymmetry", "fit_circular_dichroism", "fit_luminescence"]

MDEG_PER_ABSORBANCE = 1000.0 * 180.0 * math.log(10.0) / (4.0 * math.pi)
"""Ellipticity (mdeg) of a sample whose absorbance for left light exceeds that for right light by 1."""

_PEAK = 0.7  # the top of a band: where |g| is above this part of its extreme
_LEAST = 5
_FULL = 15  # points from which a fourth-degree polynomial is used
_SHAPE = ("slope", "curvature", "skewness", "flatness")
_WAVELENGTH = Quantity("wavelength_nm", "nm", "wavelength")
_ONE_SIDE = "front only: linear dichroism of a textured film, which the mean with the back cancels, may add to it"
_SIGN = "positive: left-handed light is absorbed more (A_L - A_R)"


def dissymmetry(ellipticity_mdeg: Any, absorbance: Any) -> Any:
    """Dissymmetry factor of absorption, (A_L - A_R)/A.

    Parameters
    ----------
    ellipticity_mdeg : float or ndarray
        Ellipticity (mdeg).
    absorbance : float or ndarray
        Absorbance of the same sample at the same wavelength, scattering removed.

    Returns
    -------
    float or ndarray

    Examples
    --------
    >>> round(dissymmetry(30.0, 1.0), 10)
    0.0009095842
    """
    return ellipticity_mdeg / (MDEG_PER_ABSORBANCE * absorbance)


def fit_circular_dichroism(
    wavelength_nm: Any,
    ellipticity_mdeg: Any,
    absorbance: Any,
    *,
    back_mdeg: Any = None,
    sigma_mdeg: Any = None,
    at_nm: float | None = None,
    window_nm: tuple[float, float] | None = None,
    baseline_nm: tuple[float, float] | None = None,
    scatter_nm: tuple[float, float] | None = None,
    thickness_um: float | None = None,
    least_absorbance: float = 0.05,
    **options: Unpack[IntervalOptions],
) -> SpinFit:
    """Dissymmetry factor g_CD of absorption at its extreme, or at one wavelength.

    A polynomial (of fourth degree, with few points a parabola) is fitted to the top of the band of g, where |g| exceeds
    70 % of its extreme, so that a noisy point isn't taken for the peak.

    Parameters
    ----------
    wavelength_nm
        Wavelengths (nm), shape (n,).
    ellipticity_mdeg
        CD signal (mdeg), shape (n,), light entering the front.
    absorbance
        Absorbance at the same wavelengths, shape (n,).
    back_mdeg
        CD signal with the sample turned round, shape (n,): the mean of both is free of the first-order artefacts of
        linear dichroism and birefringence, half their difference tells how large they were.
    sigma_mdeg
        Standard uncertainty of the ellipticity; estimated from the scatter around the band's top if not given.
    at_nm
        Wavelength of the value; the extreme of |g| if not given.
    window_nm
        Where the extreme is looked for.
    baseline_nm
        Window without CD, whose mean is subtracted from the ellipticity.
    scatter_nm
        Transparent window, in which ``c/wavelength**p`` is fitted to the absorbance and subtracted everywhere.
    thickness_um
        Film thickness (um), for the ellipticity per length.
    least_absorbance
        Below it no g is formed: the quotient of two small numbers is noise.
    **options
        Of `perospin.fitting.fit_model`: intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        ``g_cd``, ``peak_nm``, ``delta_absorbance``, ``ellipticity_mdeg``, and with a thickness
        ``ellipticity_mdeg_per_um``.

    Raises
    ------
    FitError
        If the data are too few, too thin, or the windows empty.
    """
    wavelength_nm, ellipticity_mdeg, absorbance, back_mdeg, sigma_mdeg = rising(
        wavelength_nm, ellipticity_mdeg, absorbance, back_mdeg, sigma_mdeg
    )
    channels = {"ellipticity_mdeg": ellipticity_mdeg, "absorbance": absorbance, "back_mdeg": back_mdeg}
    trace = check_trace(wavelength_nm, channels, sigma=sigma_mdeg, x_name="wavelength_nm")
    notes = list(trace.warnings)
    x, theta, a = trace.x, np.array(trace["ellipticity_mdeg"]), np.array(trace["absorbance"])
    artefact = np.zeros_like(theta)
    if back_mdeg is not None:
        artefact = 0.5 * (theta - trace["back_mdeg"])
        theta = 0.5 * (theta + trace["back_mdeg"])
    if baseline_nm is not None:
        theta = theta - float(np.mean(theta[_inside(x, baseline_nm, "baseline_nm")]))
    if scatter_nm is not None:
        a, power = _without_scattering(x, a, _inside(x, scatter_nm, "scatter_nm"))
        notes.append(f"scattering as wavelength^-{power:.2g} was subtracted from the absorbance")
    usable = a >= least_absorbance
    if window_nm is not None:
        usable &= _inside(x, window_nm, "window_nm")
    if np.count_nonzero(usable) < _LEAST:
        raise FitError(
            f"too few points ({np.count_nonzero(usable)}) with an absorbance above {least_absorbance:g} (largest "
            f"{a.max():.3g}): no dissymmetry factor can be formed"
        )
    g = np.where(usable, dissymmetry(theta, np.where(usable, a, 1.0)), np.nan)
    top, centre = _top(x, g, at_nm)
    # the noise of g grows where the absorbance falls, whether its size is known or not
    noise = np.ones(len(x)) if trace.sigma is None else trace.sigma
    spread = (noise / (MDEG_PER_ABSORBANCE * np.where(usable, a, 1.0)))[top]
    model = _band(x[top], centre, free=at_nm is None)
    fit = fit_model(
        model, x[top], g[top], sigma=spread, absolute_sigma=trace.sigma is not None,
        **options,
        result=SpinFit, analysis="circular dichroism",
        conventions={
            "g_cd": "(A_L - A_R)/A with A = (A_L + A_R)/2; ellipticity = 32982 mdeg (A_L - A_R)",
            "sign": _SIGN,
            "sides": "mean of front and back" if back_mdeg is not None else _ONE_SIDE,
        },
        warnings=notes, settings={"main": "g_cd", "at_nm": at_nm, "least_absorbance": least_absorbance},
    )  # fmt: skip
    peak = fit["peak_nm"].value if at_nm is None else float(at_nm)
    a_peak = float(np.interp(peak, x, a))
    fit = fit.derive("delta_absorbance", lambda v: v["g_cd"] * a_peak, "", "A_L - A_R at that wavelength")
    fit = fit.derive(
        "ellipticity_mdeg", lambda v: v["g_cd"] * a_peak * MDEG_PER_ABSORBANCE, "mdeg", "ellipticity at that wavelength"
    )
    if thickness_um is not None:
        if not thickness_um > 0:
            raise FitError(f"thickness_um is {thickness_um}; it must be above zero")
        fit = fit.derive(
            "ellipticity_mdeg_per_um", lambda v: v["ellipticity_mdeg"] / thickness_um, "mdeg/um",
            "ellipticity per thickness",
        )  # fmt: skip
    fit = fit.with_warnings(*_doubts(fit, theta, artefact, a_peak, back_mdeg is not None))
    shown = pd.DataFrame({"wavelength_nm": x, "ellipticity_mdeg": theta, "absorbance": a, "g_cd": g})
    best = np.full(len(x), np.nan)
    best[np.flatnonzero(top)] = fit.data["best_fit"].to_numpy()
    shown["best_fit"], shown["residual"] = best, g - best
    # the shape of the band's top is no result: it stands last, and what it is correlated with is nobody's worry
    rank = fit.table["name"].map(lambda name: 0 if name == "g_cd" else 2 if name in _SHAPE else 1)
    return replace(
        fit,
        table=fit.table.iloc[np.argsort(rank.to_numpy(), kind="stable")].reset_index(drop=True),
        warnings=tuple(w for w in fit.warnings if not w.startswith(tuple(f"{name} and " for name in _SHAPE))),
        data=shown,
        drawing="circular dichroism",
        records={
            "g_cd": {
                "property": "g_CD",
                "note": _SIGN,
                "conditions": {"technique": "circular dichroism", "wavelength_nm": round(peak, 3)},
            }
        },
    )


def fit_luminescence(
    wavelength_nm: Any,
    left: Any,
    right: Any,
    *,
    background_left: Any = 0.0,
    background_right: Any = 0.0,
    window_nm: tuple[float, float] | None = None,
    **options: Unpack[IntervalOptions],
) -> SpinFit:
    """Dissymmetry factor g_lum of luminescence over an emission band.

    ``I_L - I_R = g (I_L + I_R)/2`` is fitted over the band: its bright points count most, as they should.

    Parameters
    ----------
    wavelength_nm
        Wavelengths (nm), shape (n,).
    left, right
        Intensities of left- and right-circularly polarised emission, shape (n,), in the same units.
    background_left, background_right
        Dark counts: numbers or arrays (n,).
    window_nm
        The band; where the emission exceeds half its maximum if not given.
    **options
        Of `perospin.fitting.fit_model`: intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        ``g_lum`` and ``polarisation_percent`` (half of it, in percent).

    Raises
    ------
    FitError
        If the data are too few or there is no emission.
    """
    wavelength_nm, left, right, background_left, background_right = rising(
        wavelength_nm, left, right, background_left, background_right
    )
    trace = check_trace(wavelength_nm, {"left": left, "right": right}, x_name="wavelength_nm", check_constant=False)
    x = trace.x
    order = np.argsort(real(wavelength_nm, "wavelength_nm"), kind="stable")
    dark = [_background(b, order, len(x)) for b in (background_left, background_right)]
    up, down = trace["left"] - dark[0], trace["right"] - dark[1]
    mean, difference = 0.5 * (up + down), up - down
    if not mean.max() > 0:
        raise FitError("there is no emission above the background")
    band = _inside(x, window_nm, "window_nm") if window_nm is not None else mean > 0.5 * mean.max()
    if np.count_nonzero(band) < _LEAST:
        raise FitError(f"the emission band needs at least {_LEAST} points, and holds {np.count_nonzero(band)}")
    level_of = {"wavelength_nm": x[band], "mean_intensity": mean[band]}
    model = SeparableModel(
        name="circularly polarised luminescence",
        amplitudes=(Quantity("g_lum", "", "dissymmetry of emission"),),
        basis=lambda at, theta: [at["mean_intensity"]],
        x=(_WAVELENGTH, Quantity("mean_intensity", "", "mean intensity of both hands")),
        y=Quantity("difference", "", "I_L - I_R"),
    )
    fit = fit_model(
        model, level_of, difference[band], **options,
        result=SpinFit,
        analysis="circularly polarised luminescence",
        conventions={"g_lum": "2 (I_L - I_R)/(I_L + I_R), twice the degree of circular polarisation"},
        warnings=trace.warnings, settings={"main": "g_lum"},
    )  # fmt: skip
    fit = fit.derive("polarisation_percent", lambda v: 50.0 * v["g_lum"], "%", "degree of circular polarisation")
    peak = float(x[np.argmax(mean)])
    if abs(fit.g_lum) > 2.0:
        fit = fit.with_warnings("|g_lum| is above 2, which no emission can have: check the background")
    if min(up[band].min(), down[band].min()) < 0:
        fit = fit.with_warnings("an intensity in the band is negative: the background is too large")
    with np.errstate(divide="ignore", invalid="ignore"):
        local = np.where(mean > 0.05 * mean.max(), difference / mean, np.nan)
    shown = pd.DataFrame({"wavelength_nm": x, "left": up, "right": down, "g_lum": local})
    shown["best_fit"] = np.where(band, fit.g_lum, np.nan)
    shown["residual"] = np.where(band, difference - fit.g_lum * mean, np.nan)
    return replace(
        fit,
        data=shown,
        drawing="luminescence",
        records={
            "g_lum": {
                "property": "g_lum",
                "note": "2 (I_L - I_R)/(I_L + I_R) over the band",
                "conditions": {"technique": "circularly polarised luminescence", "wavelength_nm": round(peak, 3)},
            }
        },
    )


def _background(values: Any, order: Any, n: int) -> Float:
    array = real(values, "a background")
    if array.ndim == 0:
        return np.full(n, float(array))
    if array.shape != (n,) or len(order) != n:
        raise FitError(f"a background has the shape {array.shape}; give one number or {n} values")
    return array[order]


def _inside(x: Float, window: tuple[float, float], name: str) -> Any:
    low, high = sorted(window)
    inside = (x >= low) & (x <= high)
    if not inside.any():
        raise FitError(f"{name} {low:g} to {high:g} nm lies outside the data, which go from {x[0]:g} to {x[-1]:g} nm")
    return inside


def _without_scattering(x: Float, a: Float, window: Any) -> tuple[Float, float]:
    """Absorbance less a power law fitted in a transparent window."""
    good = window & (a > 0)
    if np.count_nonzero(good) < _LEAST:
        raise FitError(
            f"the scattering window needs at least {_LEAST} points above zero, and holds {np.count_nonzero(good)}"
        )
    slope, intercept = np.polyfit(np.log(x[good]), np.log(a[good]), 1)
    return a - np.exp(intercept + slope * np.log(x)), -float(slope)


def _top(x: Float, g: Float, at_nm: float | None) -> tuple[Any, float]:
    """Which points form the top of the band, and where it is."""
    good = np.isfinite(g)
    places = np.flatnonzero(good)
    if at_nm is not None:
        if not x[places[0]] <= at_nm <= x[places[-1]]:
            raise FitError(f"at_nm = {at_nm:g} lies outside the usable data, {x[places[0]]:g} to {x[places[-1]]:g} nm")
        centre = int(places[np.argmin(np.abs(x[places] - at_nm))])
    else:
        # a running median keeps a single spike from being the extreme
        size = min(5, len(places))
        smooth = np.array([
            np.median(g[places[max(i - size // 2, 0) : i + size // 2 + 1]]) for i in range(len(places))
        ])  # fmt: skip
        centre = int(places[np.argmax(np.abs(smooth))])
    position = int(np.searchsorted(places, centre))
    low = high = position
    height = np.median(g[places[max(position - 2, 0) : position + 3]])
    while low > 0 and g[places[low - 1]] / height > _PEAK:
        low -= 1
    while high < len(places) - 1 and g[places[high + 1]] / height > _PEAK:
        high += 1
    while high - low + 1 < _LEAST:
        low, high = max(low - 1, 0), min(high + 1, len(places) - 1)
    top = np.zeros(len(x), bool)
    top[places[low : high + 1]] = True
    return top, float(x[centre]) if at_nm is None else float(at_nm)


def _band(x: Float, centre: float, *, free: bool) -> SeparableModel:
    """Polynomial about its own extreme, or with a slope about a fixed wavelength."""
    width = 0.5 * float(np.ptp(x)) or 1.0
    degree = 4 if len(x) >= _FULL else 2
    names = {
        1: Quantity("slope", "", "change of g over the band's top"),
        2: Quantity("curvature", "", "how fast g falls off, over the band's top"),
        3: Quantity("skewness", "", "third order over the band's top"),
        4: Quantity("flatness", "", "fourth order over the band's top"),
    }
    orders = [n for n in range(1, degree + 1) if n > 1 or not free]
    g_cd = Quantity("g_cd", "", "dissymmetry of absorption")
    y = Quantity("g_cd_spectrum", "", "g_CD")
    peak = Parameter("peak_nm", "nm", "wavelength of the extreme", centre, *_reach(x), scale=width)

    def basis(at: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        u = (at - (theta["peak_nm"] if free else centre)) / width
        return [np.ones_like(u), *(u**n for n in orders)]

    return SeparableModel(
        name="top of a band of circular dichroism",
        parameters=(peak,) if free else (),
        amplitudes=(g_cd, *(names[n] for n in orders)),
        basis=basis,
        x=(_WAVELENGTH,),
        y=y,
    )


def _reach(x: Float) -> tuple[float, float]:
    return float(x[0]), float(x[-1])


def _doubts(fit: SpinFit, theta: Float, artefact: Float, a_peak: float, turned: bool) -> list[str]:
    found = []
    if a_peak > 2.5:
        found.append(f"the absorbance is {a_peak:.2g} there: stray light makes both signals too small")
    if turned and np.max(np.abs(artefact)) > 0.2 * np.max(np.abs(theta)):
        found.append(
            f"front and back differ: an artefact of linear dichroism of up to {np.max(np.abs(artefact)):.2g} mdeg was "
            f"averaged out of {np.max(np.abs(theta)):.2g} mdeg"
        )
    if abs(fit.g_cd) > 2.0:
        found.append("|g_CD| is above 2, which no sample can have: check the absorbance")
    return found
