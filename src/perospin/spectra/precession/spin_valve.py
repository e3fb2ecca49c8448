r"""Non-local spin valve: spins diffuse from injector to detector, precess on the way, and make a Hanle curve.

.. math:: R(B)=\pm P^2R_N\,f(B),\qquad R_N=\frac\lambda{W\sigma}

with the shape f of `spin_valve_line`: drift and diffusion with tunnel contacts, or diffusion
with contacts of finite resistance, into which spins flow back. A Lorentzian is a wrong fit unless the contacts are much
closer than the spin diffusion length. A drift velocity can't be fitted: it changes the shape exactly as a shorter
lifetime does, :math:`1/\tau\to1/\tau+v^2/4D`; give it if there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np
import pandas as pd

from perospin.errors import DataError, FitError
from perospin.fitting.arrays import Float, namespace
from perospin.fitting.checks import Trace, check_trace
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.fitting.result import Fit
from perospin.fitting.single import fit_model
from perospin.measurements.options import FitOptions, over, recording
from perospin.spectra.signals.signals import spin_valve_line
from perospin.spectra.signals.starts import best_starts

if TYPE_CHECKING:
    from perospin.measurements.result import SpinFit

__all__ = ["Contacts", "fit_spin_valve", "spin_valve_model"]

Contacts = Literal["tunnel", "finite"]
FIELD = Quantity("field_t", "T", "magnetic field")
SIGNAL = Quantity("resistance_ohm", "ohm", "non-local resistance")


def fit_spin_valve(
    field_t: Any,
    resistance_ohm: Any,
    *,
    length_um: float,
    width_um: float | None = None,
    sheet_conductance_ms: float | None = None,
    contact_resistance_ohm: float | None = None,
    contacts: Contacts | None = None,
    difference: bool = False,
    magnitude: bool = False,
    g_factor: float = 2.0,
    drift_m_s: float = 0.0,
    offset: bool = False,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit a non-local spin-valve Hanle curve.

    Parameters
    ----------
    field_t, resistance_ohm
        Fields normal to the spins (T), either sign, and non-local resistance (ohm); (n,).
    length_um, width_um
        Distance of the contacts (centre to centre) and width of the channel (um).
    sheet_conductance_ms
        Conductance of a square of the channel (mS). With the width it gives the spin resistance
        :math:`R_N=\lambda/(W\sigma)` and so the polarisation.
    contact_resistance_ohm
        Resistance of a contact, if known (then ``contacts="finite"``).
    contacts
        ``"tunnel"``, or ``"finite"``: spins flow back into the contacts. Default: not known; tunnel contacts are
        fitted, and where contacts of finite resistance fit as well, a sentence says so and both lifetimes are given
        (``finite_contacts_lifetime_ps``).
    difference
        Whether the data are the parallel curve minus the antiparallel one, twice the signal.
    magnitude
        Whether the data are sizes without sign.
    g_factor, drift_m_s, offset
        See `spin_valve_model`.
    sigma
        Standard uncertainty (ohm); estimated from the residuals by default.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `lifetime_ps`, `diffusion_cm2_s`, `diffusion_length_um`, `amplitude_ohm`; with finite contacts of unknown
        resistance `contact_ratio` (and `contact_resistance_ohm`); with width and conductance `spin_resistance_ohm` and
        `polarisation` (geometric mean of the two contacts).

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If options are out of range or exclude one another.
    """
    from perospin.measurements.result import SpinFit

    for name, value in (
        ("width_um", width_um), ("sheet_conductance_ms", sheet_conductance_ms),
        ("contact_resistance_ohm", contact_resistance_ohm),
    ):  # fmt: skip
        if value is not None and not value > 0:
            raise DataError(f"{name} must be positive, got {value:g}")
    if not abs(g_factor) > 0:
        raise DataError("g_factor must not be zero: a spin with g = 0 does not precess")
    sheet = None if width_um is None or sheet_conductance_ms is None else 1e-3 * width_um * sheet_conductance_ms
    if contact_resistance_ohm is not None and sheet is None:
        raise DataError("a contact resistance needs width_um and sheet_conductance_ms to be of use")
    known = None if contact_resistance_ohm is None or sheet is None else contact_resistance_ohm * sheet
    form: Contacts = "finite" if known is not None else contacts or "tunnel"
    trace = check_trace(field_t, {"resistance_ohm": resistance_ohm}, sigma=sigma, x_name="field_t", least=8)
    model = spin_valve_model(
        trace.x, length_um, g_factor=abs(g_factor), contacts=form, resistance_length_um=known, drift_m_s=drift_m_s,
        magnitude=magnitude, offset=offset,
    )  # fmt: skip
    conventions = {
        "form": "diffusion with finite contact resistance (fixed current)"
        if form == "finite"
        else "drift and diffusion, tunnel contacts",
        "signal": ("parallel minus antiparallel curve" if difference else "one orientation of the contacts")
        + (", size without sign" if magnitude else ""),
        "g": f"{g_factor:g}, given: the lifetime is inversely proportional to it",
    }
    fit = fit_model(
        model, trace.x, trace["resistance_ohm"], sigma=trace.sigma, warnings=trace.warnings,
        analysis="spin-valve Hanle curve", conventions=conventions, result=SpinFit, **options,
    )  # fmt: skip
    if contacts is None and known is None and not drift_m_s:
        finite = spin_valve_model(
            trace.x, length_um, g_factor=abs(g_factor), contacts="finite", magnitude=magnitude, offset=offset
        )
        fit = _with_finite_contacts(fit, finite, trace, options)
    fit = fit.derive(
        "diffusion_length_um", lambda v: float(np.sqrt(1e-4 * v["diffusion_cm2_s"] * v["lifetime_ps"])), "um",
        "spin diffusion length",
    )  # fmt: skip
    if sheet is not None:
        fit = fit.derive(
            "spin_resistance_ohm", lambda v: v["diffusion_length_um"] / sheet, "ohm", "spin resistance R_N"
        )
        twice = 2.0 if difference else 1.0
        fit = fit.derive(
            "polarisation",
            lambda v: float(np.sqrt(abs(v["amplitude_ohm"]) / (twice * v["spin_resistance_ohm"]))),
            "",
            "spin polarisation of the contacts",
        )
        if "contact_ratio" in fit:
            fit = _with_contact_resistance(fit)
    if not magnitude and not offset and trace["resistance_ohm"].min() >= 0:
        unsigned = spin_valve_model(
            trace.x, length_um, g_factor=abs(g_factor), contacts=form, resistance_length_um=known, drift_m_s=drift_m_s,
            magnitude=True,
        )  # fmt: skip
        other: Fit = fit_model(unsigned, trace.x, trace["resistance_ohm"], sigma=trace.sigma)
        if other.statistics["aicc"] < fit.statistics["aicc"] - 10.0:
            fit = fit.with_warnings(
                "the data are never negative and follow the size of the curve much better than the curve, whose side "
                "lobes are negative: if they are sizes without a sign, pass magnitude=True"
            )
    record = {
        "property": "tau_spin",
        "note": f"drift-diffusion fit of a non-local Hanle curve, g = {g_factor:g}",
        "conditions": {"technique": "Hanle_nonlocal", "lifetime_convention": "polarisation_decay"},
    }
    return recording(fit, {"lifetime_ps": record}, length_um=length_um, g_factor=g_factor)


def _with_finite_contacts(fit: SpinFit, model: SeparableModel, trace: Trace, options: FitOptions) -> SpinFit:
    """Say so and give both lifetimes where contacts of finite resistance describe the data as well."""
    try:
        other: Fit = fit_model(model, trace.x, trace["resistance_ohm"], sigma=trace.sigma, **options)
    except FitError:
        return fit
    gain = fit.statistics["aicc"] - other.statistics["aicc"]
    one, two = fit["lifetime_ps"], other["lifetime_ps"]
    if two.status == "fitted" and one.status == "fitted":
        alike = abs(two.value - one.value) < one.uncertainty and two.uncertainty < 2.0 * one.uncertainty
        if gain < -10.0 or alike:
            return fit
    elif gain < -10.0 or two.status == "fixed":
        return fit
    better = f"as well (AICc {'lower' if gain > 0 else 'higher'} by {abs(gain):.1f})"
    better = f"better (AICc by {gain:.1f})" if gain > 10.0 else better
    row = {**two.__dict__, "name": "finite_contacts_lifetime_ps", "description": "spin lifetime if spins flow back"}
    table = pd.concat([fit.table, pd.DataFrame([row], columns=list(fit.table.columns))], ignore_index=True)
    sentence = (
        f"tunnel contacts are assumed, {one}; contacts of finite resistance, into which spins flow back, fit {better}: "
        f"{two}; say which they are: give contacts='tunnel' or contacts='finite'"
    )
    return replace(fit, table=table).with_warnings(sentence)


def _with_contact_resistance(fit: SpinFit) -> SpinFit:
    """Contact resistance from the ratio; of a bound it is a bound, with the spin resistance held."""
    held = fit["spin_resistance_ohm"].value if fit["contact_ratio"].status != "fitted" else None

    def resistance(values: Mapping[str, float]) -> float:
        return over(held or values["spin_resistance_ohm"], values["contact_ratio"])

    return fit.derive("contact_resistance_ohm", resistance, "ohm", "contact resistance")


def spin_valve_model(
    field_t: Float,
    length_um: float,
    *,
    g_factor: float = 2.0,
    contacts: Contacts = "tunnel",
    resistance_length_um: float | None = None,
    drift_m_s: float = 0.0,
    magnitude: bool = False,
    offset: bool = False,
) -> SeparableModel:
    """Model of a spin-valve Hanle curve.

    Parameters
    ----------
    field_t
        Fields of the measurement (T).
    length_um, g_factor
        Distance from injector to detector (um), g.
    contacts
        ``"tunnel"`` (no back-flow) or ``"finite"``: the contact's resistance length r is fitted, unless
        `resistance_length_um` gives it.
    resistance_length_um
        r = R_C W sigma (um), if known.
    drift_m_s
        Drift velocity (m/s), with tunnel contacts only.
    magnitude
        Whether the data are sizes without sign (as some publish the difference of parallel and antiparallel
        curves): the side lobes then point up.
    offset
        Whether a constant is added; not with `magnitude`.

    Raises
    ------
    DataError
        If options exclude one another or a length isn't positive.
    """
    if not length_um > 0:
        raise DataError(f"length_um must be positive, got {length_um:g}")
    if contacts not in ("tunnel", "finite"):
        raise DataError(f"unknown contacts '{contacts}': use tunnel or finite")
    finite = contacts == "finite"
    if finite and drift_m_s:
        raise DataError("the form with finite contact resistance holds without drift: give contacts='tunnel'")
    if resistance_length_um is not None and not resistance_length_um > 0:
        raise DataError(f"resistance_length_um must be positive, got {resistance_length_um:g}")
    if magnitude and offset:
        raise DataError("a constant can't be added to a curve without sign: leave out offset or magnitude")
    reach = float(np.max(np.abs(np.asarray(field_t, float))))
    if not reach > 0:
        raise DataError("field_t holds only zeros: a Hanle curve needs fields")
    # the curve turns over where a spin precesses by about one radian: bounds far on both sides of that
    slow = 1.0 / (0.0879 * g_factor * reach)  # 1/omega at the largest field (ps)
    parameters = [
        Parameter("lifetime_ps", "ps", "spin lifetime", 30.0 * slow, 0.05 * slow, 3e4 * slow, positive=True),
        Parameter(
            "diffusion_cm2_s", "cm^2/s", "spin diffusion coefficient", 1e4 * length_um**2 / (30.0 * slow),
            0.1 * length_um**2 / slow, 3e5 * length_um**2 / slow, positive=True,
        ),
    ]  # fmt: skip
    fit_contact = finite and resistance_length_um is None
    if fit_contact:
        # on a linear scale: near zero, where tunnel contacts are, the data don't see its logarithm
        text = "diffusion length over the contact's resistance length"
        parameters.append(Parameter("contact_ratio", "", text, 0.1, 0.0, 1e3, scale=0.1))
    amplitudes = [Quantity("amplitude_ohm", "ohm", "polarisation squared times spin resistance")]
    if offset:
        amplitudes.append(Quantity("offset_ohm", "ohm", "constant background"))

    def basis(field: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        xp = namespace(field, *theta.values())
        lifetime, diffusion = theta["lifetime_ps"], theta["diffusion_cm2_s"]
        ratio: Any = 0.0
        if fit_contact:
            ratio = theta["contact_ratio"]
        elif finite and resistance_length_um is not None:
            ratio = xp.sqrt(1e-4 * diffusion * lifetime) / resistance_length_um
        line = spin_valve_line(field, lifetime, diffusion, length_um, g_factor, ratio, drift_m_s)
        line = xp.abs(line) if magnitude else line
        return [line, xp.ones_like(field)] if offset else [line]

    def guess(field: Any, signal: Float) -> list[Mapping[str, float]]:
        low, high = parameters[0].low, parameters[0].high
        lifetimes = np.geomspace(2.0 * low, 0.1 * high, 14)
        lengths = length_um * np.geomspace(0.15, 12.0, 12)  # diffusion lengths
        candidates = [
            {
                "lifetime_ps": float(lifetime),
                "diffusion_cm2_s": float(np.clip(1e4 * size**2 / lifetime, parameters[1].low, parameters[1].high)),
                **({"contact_ratio": ratio} if fit_contact else {}),
            }
            for lifetime in lifetimes
            for size in lengths
            for ratio in ((0.03, 3.0) if fit_contact else (0.0,))
        ]
        return best_starts(basis, np.asarray(field, float), signal, candidates, keep=4)

    return SeparableModel(
        name="spin-valve Hanle curve",
        parameters=tuple(parameters),
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=(FIELD,),
        y=SIGNAL,
        guess=guess,
    )
