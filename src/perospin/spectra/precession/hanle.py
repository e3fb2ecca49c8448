r"""Optical Hanle effect: a transverse field turns the spins and quenches the polarisation of the luminescence.

.. math:: P(B)=\frac{P_0}{1+(B/B_{1/2})^2},\quad B_{1/2}=\frac\hbar{|g|\mu_BT_s},\quad
   \frac1{T_s}=\frac1\tau+\frac1{\tau_s},\quad P_0=\frac{\rho_0}{1+\tau/\tau_s}

The width gives :math:`|g|T_s`, the height :math:`\tau/\tau_s`: with g and rho_0 known, both times follow from a curve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from perospin.errors import DataError
from perospin.fitting.arrays import Float, namespace
from perospin.fitting.checks import check_trace
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.fitting.single import fit_model
from perospin.measurements.options import FitOptions, compared_with_fewer, component_name, over, recording, reordered
from perospin.spectra.signals.signals import RADIANS_PER_PS_TESLA, hanle_line
from perospin.spectra.signals.starts import greedy_start

if TYPE_CHECKING:
    from perospin.fitting.result import Fit
    from perospin.measurements.result import SpinFit

__all__ = ["fit_hanle", "hanle_model"]

FIELD = Quantity("field_t", "T", "transverse magnetic field")
SIGNAL = Quantity("polarisation", "", "circular polarisation")


def fit_hanle(
    field_t: Any,
    polarisation: Any,
    *,
    g_factor: float | None = None,
    carrier_lifetime_ps: float | None = None,
    initial_polarisation: float | None = None,
    components: int = 1,
    offset: bool = False,
    centre: bool = False,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit an optical Hanle curve.

    Parameters
    ----------
    field_t, polarisation
        Transverse fields (T), either sign, and degree of circular polarisation (a fraction, or any unit if
        `initial_polarisation` has the same); (n,).
    g_factor
        g of the carrier; without it only the width and :math:`|g|T_s` are given.
    carrier_lifetime_ps
        Recombination time tau (ps), to get tau_s from :math:`1/T_s=1/\tau+1/\tau_s`.
    initial_polarisation
        rho_0, polarisation at the moment of excitation (1 for the J = 1/2 bands of perovskites, 0.5 for GaAs): gives
        tau/tau_s from the height of the curve.
    components, offset, centre
        See `hanle_model`. With two components, times are given for each; tau_s is not.
    sigma
        Standard uncertainty of the polarisation; estimated from the residuals by default.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `half_width_t`, `peak_polarisation`, `g_lifetime_ps` (|g| T_s), and where they can be had `lifetime_ps` (T_s),
        `spin_lifetime_ps` (tau_s), `recombination_lifetime_ps` (tau).

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If an option is out of range.
    """
    from perospin.measurements.result import SpinFit

    for name, value in (("carrier_lifetime_ps", carrier_lifetime_ps), ("initial_polarisation", initial_polarisation)):
        if value is not None and not value > 0:
            raise DataError(f"{name} must be positive, got {value:g}")
    if g_factor is not None and not abs(g_factor) > 0:
        raise DataError("g_factor must not be zero: a spin with g = 0 does not precess")
    trace = check_trace(
        field_t, {"polarisation": polarisation}, sigma=sigma, x_name="field_t", least=3 * components + 3
    )
    model = hanle_model(trace.x, components=components, offset=offset, centre=centre)
    conventions = {
        "width": "half width at half maximum of the Lorentzian; the full width is twice that",
        "lifetime": "T_s, 1/T_s = 1/tau + 1/tau_s: shorter than the spin relaxation time tau_s",
    }
    fit = fit_model(
        model, trace.x, trace["polarisation"], sigma=trace.sigma, warnings=trace.warnings,
        analysis="optical Hanle effect", conventions=conventions, result=SpinFit, **options,
    )  # fmt: skip
    if components == 1 and not (offset and centre):
        fit = _missing(fit, trace.x, trace["polarisation"], trace.sigma, offset, centre)
    if components > 1:
        simpler = hanle_model(trace.x, components=components - 1, offset=offset, centre=centre)
        fit = compared_with_fewer(fit, simpler, trace.x, trace["polarisation"], trace.sigma)
    fit = reordered(fit, ("half_width_t", "peak_polarisation"), components)
    records: dict[str, Any] = {}
    note = {"technique": "Hanle_optical"}
    for i in range(components):
        width = component_name("half_width_t", i, components)
        product = component_name("g_lifetime_ps", i, components)
        fit = fit.derive(product, _turning_time(width), "ps", "|g| times T_s")
        if g_factor is not None:
            name = component_name("lifetime_ps", i, components)
            fit = fit.derive(
                name,
                _turning_time(width, abs(g_factor)),
                "ps",
                "lifetime T_s of the spin",
            )
            records[name] = {
                "property": "tau_spin",
                "note": f"T_s of the Hanle width with g = {g_factor:g}",
                "conditions": {**note, "lifetime_convention": "hanle_width"},
            }
    if components == 1:
        fit, more = _relaxation(fit, carrier_lifetime_ps, initial_polarisation)
        records = {**more, **records}
    main = next(iter(records), "half_width_t")
    return recording(fit, records, main=main, g_factor=g_factor, initial_polarisation=initial_polarisation)


def _missing(fit: SpinFit, field: Float, signal: Float, sigma: Float | None, offset: bool, centre: bool) -> SpinFit:
    """Say which of a background and a shifted maximum the data ask for: without them the width is wrong."""
    free: Fit = fit_model(
        hanle_model(field, components=1, offset=True, centre=True), field, signal, sigma=sigma, analysis="check"
    )
    if free.statistics["aicc"] > fit.statistics["aicc"] - 10.0:
        return fit
    what = []
    if not centre and abs(free["centre_t"].value) > 4.0 * free["centre_t"].uncertainty > 0:
        what.append(f"a maximum at {1e3 * free['centre_t'].value:.3g} mT (centre)")
    if not offset and abs(free["offset"].value) > 4.0 * free["offset"].uncertainty > 0:
        what.append(f"a background of {free['offset'].value:.3g} (offset)")
    if not what:
        return fit
    return fit.with_warnings(
        f"the data ask for {' and '.join(what)}: with it the half width would be "
        f"{1e3 * free['half_width_t'].value:.3g} mT, not {1e3 * fit['half_width_t'].value:.3g}"
    )


def _turning_time(width: str, g_factor: float = 1.0) -> Callable[[Mapping[str, float]], float]:
    """Time in which a spin turns by one radian at the half width."""
    return lambda values: over(1.0, RADIANS_PER_PS_TESLA * g_factor * values[width])


def _relaxation(
    fit: SpinFit, carrier_lifetime_ps: float | None, initial: float | None
) -> tuple[SpinFit, dict[str, Any]]:
    """Spin relaxation and recombination times, from the recombination time or from the height of the curve."""
    records: dict[str, Any] = {}
    relaxed = {
        "property": "tau_spin",
        "conditions": {"technique": "Hanle_optical", "lifetime_convention": "polarisation_decay"},
    }
    if initial is not None:
        fit = fit.derive(
            "ratio", lambda v: initial / v["peak_polarisation"] - 1.0, "", "recombination over spin relaxation time"
        )
        if fit["ratio"].value <= 0:
            return fit.with_warnings(
                f"the polarisation at zero field, {fit['peak_polarisation'].value:.3g}, is not below the initial "
                f"{initial:g}: the spin relaxation time can't be told from the height"
            ), records
    if "lifetime_ps" not in fit:
        return fit, records
    if carrier_lifetime_ps is not None:
        if fit["lifetime_ps"].value >= carrier_lifetime_ps:
            return fit.with_warnings(
                f"T_s = {fit['lifetime_ps'].value:.3g} ps is not shorter than the recombination time "
                f"{carrier_lifetime_ps:g} ps: g or that time is wrong, or the spin does not relax"
            ), records
        fit = fit.derive(
            "spin_lifetime_ps", lambda v: over(v["lifetime_ps"], 1.0 - v["lifetime_ps"] / carrier_lifetime_ps), "ps",
            "spin relaxation time tau_s",
        )  # fmt: skip
        records["spin_lifetime_ps"] = {**relaxed, "note": f"recombination time {carrier_lifetime_ps:g} ps given"}
    elif initial is not None:
        fit = fit.derive(
            "spin_lifetime_ps", lambda v: v["lifetime_ps"] / (1.0 - v["peak_polarisation"] / initial), "ps",
            "spin relaxation time tau_s",
        ).derive(
            "recombination_lifetime_ps", lambda v: v["lifetime_ps"] * initial / v["peak_polarisation"], "ps",
            "recombination time tau",
        )  # fmt: skip
        records["spin_lifetime_ps"] = {**relaxed, "note": f"from width and height, rho_0 = {initial:g}"}
    return fit, records


def hanle_model(field_t: Float, *, components: int = 1, offset: bool = False, centre: bool = False) -> SeparableModel:
    """Model of an optical Hanle curve: one or two Lorentzians.

    Parameters
    ----------
    field_t
        Fields of the measurement (T); their span and step bound the widths.
    components
        1, or 2 for carriers of different g or lifetime.
    offset
        Whether a constant is added.
    centre
        Whether the field of the maximum is fitted.

    Raises
    ------
    DataError
        If the number of components isn't 1 or 2.
    """
    if components not in (1, 2):
        raise DataError(f"a Hanle curve is fitted with 1 or 2 components, got {components}")
    fields = np.unique(np.asarray(field_t, float))
    reach, step = float(np.max(np.abs(fields))), float(np.median(np.diff(fields)))
    widest, narrowest = 30.0 * reach, 0.2 * step
    parameters = [
        Parameter(
            component_name("half_width_t", i, components), "T", "half width at half maximum", 0.2 * reach, narrowest,
            widest, positive=True,
        )
        for i in range(components)
    ]  # fmt: skip
    if centre:
        parameters.append(Parameter("centre_t", "T", "field of the maximum", 0.0, -reach, reach, scale=0.05 * reach))
    amplitudes = [
        Quantity(component_name("peak_polarisation", i, components), "", "polarisation at zero field")
        for i in range(components)
    ]
    if offset:
        amplitudes.append(Quantity("offset", "", "constant background"))

    def basis(field: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        xp = namespace(field, *theta.values())
        middle = theta["centre_t"] if centre else 0.0
        columns = [hanle_line(field, theta[p.name], middle) for p in parameters[:components]]
        return [*columns, xp.ones_like(field)] if offset else columns

    def guess(field: Any, signal: Float) -> list[dict[str, float]]:
        field = np.asarray(field, float)
        middles = [0.0]
        if centre:
            middles = [0.0, float(field[np.argmax(np.abs(signal - np.median(signal)))])]
        starts = []
        for middle in middles:
            tried = [{"width": float(w), "middle": middle} for w in np.geomspace(2.0 * narrowest, 2.0 * reach, 30)]
            found = greedy_start(
                lambda at, theta: [hanle_line(at, theta["width"], theta["middle"])],
                np.ones((field.size, int(offset))),
                field,
                signal,
                lambda _, tried=tried: tried,  # type: ignore[misc]
                components,
            )
            ordered = sorted(theta["width"] for theta in found)
            start = {p.name: w for p, w in zip(parameters, ordered, strict=False)}
            starts.append({**start, "centre_t": middle} if centre else start)
        return starts

    return SeparableModel(
        name="optical Hanle curve",
        parameters=tuple(parameters),
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=(FIELD,),
        y=SIGNAL,
        guess=guess,
    )
