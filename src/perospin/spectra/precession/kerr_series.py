r"""Kerr transients over magnetic fields: g from the precession frequency, its spread from the dephasing time.

.. math:: f=\frac{|g|\mu_B}h|B-B_0|,\qquad
   \frac1{T_2^*}=\frac1{T_2^*(0)}+\frac{\Delta_g\mu_B|B|}\hbar\ \text{(linear)}

The spread of g has two conventions that give different numbers for the same data; the result names the one used:

- ``"linear"``: the law above, as in the CsPbBr3 literature. Exact for a Lorentzian distribution with the HWHM Delta_g.
- ``"gaussian"``: g is normal with the standard deviation sigma_g; the envelope is
  :math:`e^{-t/T_2^*(0)}e^{-t^2/\tau_G^2}`, :math:`\tau_G=\sqrt2\hbar/(\sigma_g\mu_B|B|)`, and T2* its 1/e time.

Formulas: `perospin.mechanisms.dephasing_time_ps`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np
import pandas as pd

from perospin.errors import DataError
from perospin.fitting.arrays import Float, namespace, real
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.measurements.options import FitOptions, as_fits, component_name, fit_points, from_fits, recording
from perospin.spectra.precession.kerr import Background, fit_kerr
from perospin.spectra.precession.nuclear_precession import fit_nuclear_precession
from perospin.spectra.signals.signals import GHZ_PER_TESLA, RADIANS_PER_PS_TESLA, Convention, Envelope

if TYPE_CHECKING:
    from perospin.measurements.result import SpinFit

__all__ = ["fit_kerr_series"]

_FREQUENCY, _RATE = 0.0, 1.0


def fit_kerr_series(
    traces: Sequence[Any],
    field_t: Any = None,
    *,
    components: int = 1,
    convention: Convention = "linear",
    offset: bool = False,
    g_signs: Sequence[Literal[1, -1]] | None = None,
    background: Background = "offset",
    envelope: Envelope = "exponential",
    start_ps: float = 0.0,
    joint: bool | None = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Fit g, its spread and T2* at zero field to transients at several fields.

    Parameters
    ----------
    traces
        Results of `fit_kerr` (with `field_t`), or pairs ``(delay_ps, signal)``, one a field.
    field_t
        Fields (T), either sign; not needed with fits. A pair at field 0 is fitted by `fit_nuclear_precession`, if
        there is one component, and gives the nuclear field.
    components
        Of each pair; fits must have that many.
    convention
        What the spread of g means, see above.
    offset
        Whether the field's zero B_0 is fitted (remanence, or a field of polarised nuclei).
    g_signs
        Sign of each component's g, by falling frequency, where they are known from elsewhere.
    background, envelope, start_ps
        Of the pairs, as `fit_kerr`.
    joint
        Fit all transients at once with one g, T2*(0) and spread of g (amplitudes, phases and an offset for each); the
        default for pairs, and for fits with the ``"gaussian"`` convention. False: in two steps, by the frequencies and
        T2* of single transients. A normal spread of g makes envelopes that are neither exponential nor Gaussian: two
        steps then overstate it by up to a third.
    **options
        Of `perospin.fitting.fit_model`, for the series.

    Returns
    -------
    SpinFit
        `g_factor`, `dephasing_time_zero_field_ps`, `g_spread` of each component (numbered if several), `offset_t` and
        `nuclear_field_t` where they were asked for or can be had.

    Raises
    ------
    FitError
        If a trace or the series can't be fitted.
    DataError
        If fields are missing, or fits lack what is needed.

    Notes
    -----
    In two steps, frequencies and rates are fitted together with the uncertainties of their transients; if they scatter
    more, all uncertainties are enlarged alike.
    """
    if convention not in ("linear", "gaussian"):
        raise DataError(f"unknown convention '{convention}': use linear or gaussian")
    if g_signs is not None and (len(g_signs) != components or any(sign not in (1, -1) for sign in g_signs)):
        raise DataError(f"g_signs must hold {components} signs, 1 or -1, got {list(g_signs)}")
    told: list[str] = []
    dark = None
    fits = as_fits(list(traces))
    given = fits is not None
    if fits is None:
        fits, dark = _single_fits(
            traces, field_t, components, told, background=background, envelope=envelope, start_ps=start_ps
        )
    else:
        fits, dark = _dark_apart(fits, components, told)
    fields = np.array([float(fit.settings["field_t"]) for fit in fits])
    different = len(np.unique(np.abs(fields)))
    if different < 3:
        raise DataError(f"g, its spread and T2* need at least three different fields, got {different}")
    x, y, sigma = _points(fits, fields, components, told)
    if joint is None:
        joint = not given or convention == "gaussian"
    if not joint and convention == "gaussian":
        told.append(
            "the T2* of single transients overstate a normal spread of g by up to a third: fit them with joint=True"
        )
    model = _model(x, y, components, convention, offset)
    conventions = {
        "spread of g": "linear: half width at half maximum of a Lorentzian distribution, rate Delta_g mu_B B/hbar"
        if convention == "linear"
        else "gaussian: standard deviation of a normal distribution; T2* is the 1/e time of the whole envelope",
        "sign of g": "given" if g_signs else "not seen in a transverse field: g is given by its size",
    }
    two_step = fit_points(
        model, x, y, sigma, enlarge=True, warnings=told, analysis="Kerr rotation against field",
        conventions=conventions, **({} if joint else options),
    )  # fmt: skip
    fit = two_step
    if joint:
        pairs = [_after_the_pulse(f) for f in fits]
        fit = _joint(two_step, pairs, fields, components, convention, offset, told, conventions, options)
    records: dict[str, Any] = {}
    for i in range(components):
        name = component_name("g_factor", i, components)
        if g_signs and g_signs[i] < 0:
            fit = _negated(fit, name)
        note = "frequency against field" + ("" if g_signs else "; size only: the sign is not measured")
        records[name] = {"property": "g_factor", "note": note, "conditions": {"technique": "TRKR"}}
        time = component_name("dephasing_time_zero_field_ps", i, components)
        records[time] = {
            "property": "T2_star",
            "note": f"extrapolated to zero field, {convention} convention",
            "conditions": {"technique": "TRKR", "field_t": 0.0},
        }
    width = "half width at half maximum" if convention == "linear" else "standard deviation"
    for i in range(components):
        spread = component_name("g_spread", i, components)
        records[spread] = {
            "property": "g_spread", "unit": "1", "note": width, "conditions": {"technique": "TRKR"},
        }  # fmt: skip
    if dark is not None and components == 1:
        fit = _with_nuclear_field(fit, dark)
        if "nuclear_field_t" in fit.names:
            note = "from the transient in zero field"
            records["nuclear_field_t"] = {
                "property": "nuclear_field", "unit": "T", "note": note, "conditions": {"technique": "TRKR"},
            }  # fmt: skip
    return recording(
        fit, records, drawing="kerr joint" if joint else "kerr series",
        components=components, convention=convention,
    )  # fmt: skip


def _single_fits(
    traces: Sequence[Any], field_t: Any, components: int, told: list[str], **how: Any
) -> tuple[list[SpinFit], SpinFit | None]:
    """Fits of the transients, and of one in zero field."""
    if field_t is None:
        raise DataError("give field_t, one field for each transient")
    fields = np.atleast_1d(real(field_t, "field_t"))
    if len(fields) != len(traces):
        raise DataError(f"{len(traces)} transients need as many fields, got {len(fields)}")
    fits, dark = [], None
    for number, (pair, field) in enumerate(zip(traces, fields, strict=True), 1):
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2):
            raise DataError(f"transient {number} must be a pair (delay_ps, signal) or a fit of fit_kerr")
        delay, signal = pair
        if field == 0.0:
            if components > 1:
                told.append("the transient in zero field was left out: with several components it is not modelled")
            else:
                dark = fit_nuclear_precession(delay, signal, start_ps=how["start_ps"])
            continue
        fits.append(fit_kerr(delay, signal, components=components, field_t=float(field), **how))
    return fits, dark


def _dark_apart(fits: Sequence[SpinFit], components: int, told: list[str]) -> tuple[list[SpinFit], SpinFit | None]:
    """Fits in a field, and the transient in zero field fitted with precession in nuclear fields."""
    if any(fit.settings.get("field_t") is None for fit in fits):
        raise DataError("a fit of the series has no field: pass field_t to fit_kerr")
    lit = [fit for fit in fits if fit.settings["field_t"]]
    dark = [fit for fit in fits if not fit.settings["field_t"]]
    if dark and components > 1:
        told.append("the transient in zero field was left out: with several components it is not modelled")
    if not dark or components > 1:
        return lit, None
    return lit, fit_nuclear_precession(dark[0].data["delay_ps"], dark[0].data["signal"])


def _points(
    fits: Sequence[SpinFit], fields: Float, components: int, told: list[str]
) -> tuple[dict[str, Float], Float, Float]:
    """All frequencies (GHz) and rates (1/ns) with their uncertainties in one column."""
    rows: list[tuple[float, float, float, float, float]] = []
    for i in range(components):
        frequency, error = from_fits(fits, "frequency_ghz", i + 1)
        rows += [(b, i, _FREQUENCY, f, e) for b, f, e in zip(fields, frequency, error, strict=True)]
        for fit, field in zip(fits, fields, strict=True):
            time = fit[component_name("dephasing_time_ps", i, components)]
            if time.status == "fitted":
                rows.append((field, i, _RATE, 1e3 / time.value, 1e3 * time.uncertainty / time.value**2))
            else:
                told.append(f"T2* at {field:g} T was left out: the transient gives only a bound ({time})")
    at = np.array(rows)
    return {"field_t": at[:, 0], "component": at[:, 1], "quantity": at[:, 2]}, at[:, 3], at[:, 4]


def _model(x: Mapping[str, Float], y: Float, components: int, convention: Convention, offset: bool) -> SeparableModel:
    is_rate = x["quantity"] == _RATE
    reach = float(np.max(np.abs(x["field_t"])))
    fastest = float(np.max(y[is_rate])) if is_rate.any() else 1.0  # 1/ns
    per_g = 1e3 * RADIANS_PER_PS_TESLA  # rad/(ns T)
    parameters: list[Parameter] = []
    for i in range(components):
        names = [
            component_name(base, i, components) for base in ("g_factor", "dephasing_time_zero_field_ps", "g_spread")
        ]
        here = (x["component"] == i) & ~is_rate
        slope = float(np.median(y[here] / np.abs(x["field_t"][here]))) / GHZ_PER_TESLA
        spread = fastest / (per_g * reach)
        parameters += [
            Parameter(names[0], "", "size of g", slope, 1e-2 * slope, 1e2 * slope, positive=True),
            Parameter(
                names[1], "ps", "T2* at zero field", 3e3 / fastest, 0.1e3 / fastest, 1e6 / fastest, positive=True
            ),
            Parameter(names[2], "", "spread of g", 0.3 * spread, 1e-4 * spread, 1e2 * spread, positive=True),
        ]
    if offset:
        parameters.append(Parameter("offset_t", "T", "field offset", 0.0, -reach, reach, scale=0.01 * reach))

    def base(at: Mapping[str, Any], theta: Mapping[str, Any]) -> Any:
        xp = namespace(*at.values(), *theta.values())
        field = xp.abs(at["field_t"] - theta["offset_t"]) if offset else xp.abs(at["field_t"])
        total: Any = 0.0
        for i in range(components):
            g, time, spread = (theta[p.name] for p in parameters[3 * i : 3 * i + 3])
            first, inverse = 1e3 / time, per_g * spread * field
            if convention == "linear":
                rate = first + inverse
            else:  # t/T0 + t^2/tau_G^2 = 1
                rate = 0.5 * (first + xp.sqrt(first**2 + 2.0 * inverse**2))
            value = xp.where(at["quantity"] == _RATE, rate, GHZ_PER_TESLA * g * field)
            total = total + xp.where(at["component"] == i, value, 0.0)
        return total

    def guess(at: Any, values: Float) -> list[dict[str, float]]:
        start: dict[str, float] = {}
        for i in range(components):
            here = (at["component"] == i) & (at["quantity"] == _RATE)
            if here.sum() < 2:
                continue
            slope, first = np.polyfit(np.abs(at["field_t"][here]), values[here], 1)
            start[parameters[3 * i + 1].name] = 1e3 / max(float(first), 0.05 * fastest)
            start[parameters[3 * i + 2].name] = max(float(slope), 0.01 * fastest / reach) / per_g
        return [start]

    return SeparableModel(
        name="frequency and dephasing against field",
        parameters=tuple(parameters),
        base=base,
        x=(Quantity("field_t", "T", "magnetic field"), Quantity("component"), Quantity("quantity")),
        y=Quantity("value", "GHz, 1/ns", "frequency, dephasing rate"),
        guess=guess,
    )


def _after_the_pulse(fit: SpinFit) -> tuple[Float, Float]:
    """Delays from time zero and signal of a fitted transient, where the response has passed."""
    zero = fit["time_zero_ps"].value if "time_zero_ps" in fit else 0.0
    delay = fit.data["delay_ps"].to_numpy() - zero
    after = delay >= float(fit.settings.get("irf_fwhm_ps") or 0.0)
    return delay[after], fit.data["signal"].to_numpy()[after]


def _joint(
    start: SpinFit,
    pairs: Sequence[tuple[Float, Float]],
    fields: Float,
    components: int,
    convention: Convention,
    offset: bool,
    told: Sequence[str],
    conventions: Mapping[str, str],
    options: Mapping[str, Any],
) -> SpinFit:
    """All transients in one fit, from the result of the fit in two steps; shared quantities only are shown."""
    x = {
        "delay_ps": np.concatenate([delay for delay, _ in pairs]),
        "field_t": np.concatenate([np.full(delay.size, b) for (delay, _), b in zip(pairs, fields, strict=True)]),
        "trace": np.concatenate([np.full(delay.size, float(n)) for n, (delay, _) in enumerate(pairs)]),
    }
    y = np.concatenate([signal for _, signal in pairs])
    shared = [
        component_name(base, i, components)
        for i in range(components)
        for base in ("g_factor", "dephasing_time_zero_field_ps", "g_spread")
    ]
    parameters = []
    for name in shared:
        found = start[name]
        # where the two steps gave a bound, that is as good a start as any
        value = found.value if np.isfinite(found.value) and found.value > 0 else 1.0
        narrow = name.startswith("g_factor")
        parameters.append(
            Parameter(
                name, found.unit, found.description, value, value * (0.5 if narrow else 1e-3),
                value * (2.0 if narrow else 1e3), positive=True,
            )
        )  # fmt: skip
    if offset:
        reach = float(np.max(np.abs(fields)))
        parameters.append(
            Parameter("offset_t", "T", "field offset", start["offset_t"].value, -reach, reach, scale=0.01 * reach)
        )
    own = [f"{part}_of_trace_{n + 1}" for n in range(len(pairs)) for part in _parts(components)]

    def basis(at: Mapping[str, Any], theta: Mapping[str, Any]) -> list[Any]:
        xp = namespace(*at.values(), *theta.values())
        time = at["delay_ps"]
        field = xp.abs(at["field_t"] - theta["offset_t"]) if offset else xp.abs(at["field_t"])
        waves: list[Any] = []
        for i in range(components):
            g, lifetime, spread = (theta[name] for name in shared[3 * i : 3 * i + 3])
            turn = RADIANS_PER_PS_TESLA * field * time
            dephasing = spread * turn if convention == "linear" else 0.5 * (spread * turn) ** 2
            damping = xp.exp(-time / lifetime - dephasing)
            waves += [damping * xp.cos(g * turn), damping * xp.sin(g * turn)]
        columns = [*waves, xp.ones_like(time)]
        return [xp.where(at["trace"] == n, column, 0.0) for n in range(len(pairs)) for column in columns]

    model = SeparableModel(
        name="transients at several fields",
        parameters=tuple(parameters),
        amplitudes=tuple(Quantity(name) for name in own),
        basis=basis,
        x=(Quantity("delay_ps", "ps", "delay"), Quantity("field_t", "T", "magnetic field"), Quantity("trace")),
        y=Quantity("signal", "", "Kerr rotation"),
    )
    fit = fit_points(
        model, x, y, None, warnings=told, analysis="Kerr rotation against field, joint fit", conventions=conventions,
        **options,
    )  # fmt: skip
    kept = [name for name in fit.correlation.columns if name not in own]
    table = fit.table[~fit.table["name"].isin(own)].reset_index(drop=True)
    amplitudes = fit.table[fit.table["name"].isin(own)]["value"].to_numpy().reshape(len(pairs), -1)
    return replace(
        fit, table=table, correlation=fit.correlation.loc[kept, kept], arrays={"amplitudes": amplitudes}
    )  # fmt: skip


def _parts(components: int) -> list[str]:
    """Amplitudes of one transient."""
    waves = [component_name(base, i, components) for i in range(components) for base in ("cosine", "sine")]
    return [*waves, "offset"]


def _negated(fit: SpinFit, name: str) -> SpinFit:
    """Give a g that was fitted as a size its negative sign."""
    table = fit.table.copy()
    here = table["name"] == name
    low, high = table.loc[here, "low"].to_numpy(), table.loc[here, "high"].to_numpy()
    table.loc[here, "value"] *= -1.0
    table.loc[here, "low"], table.loc[here, "high"] = -high, -low
    table.loc[here, "description"] = "g, sign given"
    r = fit.correlation.copy()
    r.loc[name] *= -1.0
    r[name] *= -1.0  # the diagonal turns twice
    return replace(fit, table=table, correlation=r)


def _with_nuclear_field(fit: SpinFit, dark: SpinFit) -> SpinFit:
    """Add Delta_N from the transient in zero field and the g of the series."""
    product, g = dark["g_nuclear_field_t"], fit["g_factor"]
    if product.status != "fitted":
        return fit.with_warnings(f"the transient in zero field does not determine the nuclear field ({product.status})")
    value = product.value / abs(g.value)
    error = value * float(np.hypot(product.uncertainty / product.value, g.uncertainty / g.value))
    half = error * (product.high - product.low) / (2.0 * product.uncertainty)
    row = {
        "name": "nuclear_field_t", "value": value, "uncertainty": error, "low": value - half, "high": value + half,
        "unit": "T", "status": "derived", "description": "nuclear field Delta_N, from the transient in zero field",
    }  # fmt: skip
    text = "distributed as exp(-B_N^2/Delta_N^2): a component's standard deviation is Delta_N/sqrt(2)"
    return replace(
        fit,
        table=pd.concat([fit.table, pd.DataFrame([row])], ignore_index=True),
        conventions={**fit.conventions, "nuclear field": text},
        warnings=(*fit.warnings, *(f"zero field: {sentence}" for sentence in dark.warnings)),
    )
