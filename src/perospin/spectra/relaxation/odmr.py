r"""Optically detected magnetic resonance: Gaussian resonances against field, their g factors and widths.

.. math:: hf=|g|\mu_BB,\qquad \Delta B=\Big[\frac{\Delta_N^2}2+\Big(\frac{\Delta_gB}g\Big)^2\Big]^{1/2}

At one frequency the resonances of electrons and holes; over several frequencies g free of the magnet's remanence; from
the widths the spread of g and the nuclear field. Formulas READ: arXiv 2603.03038. Widths are standard deviations.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np

from perospin.errors import DataError, FitError
from perospin.fitting.arrays import Float, namespace
from perospin.fitting.checks import check_trace
from perospin.fitting.model import Parameter, Quantity, SeparableModel
from perospin.fitting.result import Fit
from perospin.fitting.single import fit_model
from perospin.measurements.options import (
    FitOptions,
    as_fits,
    compared_with_fewer,
    component_name,
    fit_points,
    from_fits,
    over,
    recording,
    reordered,
)
from perospin.spectra.signals.signals import GHZ_PER_TESLA, gaussian_resonance
from perospin.spectra.signals.starts import greedy_start

if TYPE_CHECKING:
    from perospin.measurements.result import SpinFit

__all__ = ["fit_odmr", "fit_odmr_frequency", "fit_odmr_series", "fit_resonance_width", "odmr_model"]

OdmrBackground = Literal["none", "offset", "line"]
Lineshape = Literal["gaussian", "lorentzian"]
Swept = Literal["field", "frequency"]
FIELD = Quantity("field_t", "T", "magnetic field")
SIGNAL = Quantity("signal", "", "ODMR signal")
_FWHM = float(2.0 * np.sqrt(2.0 * np.log(2.0)))
_WIDTH_CONVENTION = "standard deviation of a Gaussian; the full width at half maximum is 2.3548 times that"
_WIDTH_CONVENTIONS = {"gaussian": _WIDTH_CONVENTION, "lorentzian": "half width at half maximum of a Lorentzian"}


@dataclass(frozen=True)
class _Axis:
    """What is swept, and what a line's centre and width are called on it."""

    x: Quantity
    centre: str
    width: str


_AXES = {
    "field": _Axis(FIELD, "resonance_field_t", "width_t"),
    "frequency": _Axis(Quantity("frequency_ghz", "GHz", "microwave frequency"), "resonance_frequency_ghz", "width_ghz"),
}


def _line(lineshape: Lineshape, derivative: bool) -> Callable[[Any, Any, Any], Any]:
    """Line of unit height, or its derivative with extremes of 1 and -1, the former first."""

    def gaussian(x: Any, centre: Any, width: Any) -> Any:
        line = gaussian_resonance(x, centre, width)
        return -np.exp(0.5) * (x - centre) / width * line if derivative else line

    def lorentzian(x: Any, centre: Any, width: Any) -> Any:
        u = (x - centre) / width
        line = 1.0 / (1.0 + u**2)
        return -16.0 / 9.0 * np.sqrt(3.0) * u * line**2 if derivative else line

    return gaussian if lineshape == "gaussian" else lorentzian


def fit_odmr(
    field_t: Any,
    signal: Any,
    *,
    frequency_ghz: float,
    components: int = 1,
    background: OdmrBackground = "offset",
    lineshape: Lineshape = "gaussian",
    derivative: bool = False,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Fit the resonances in one ODMR spectrum against field.

    Parameters
    ----------
    field_t, signal
        Fields (T) and signal, any unit; (n,).
    frequency_ghz
        Microwave frequency (GHz).
    components
        1 to 4 resonances, such as electron and hole; in the result their fields rise, so that g falls.
    background
        ``"none"``, ``"offset"`` (a constant) or ``"line"`` (a constant and a slope).
    lineshape
        ``"gaussian"`` (width: standard deviation) or ``"lorentzian"`` (width: half width at half maximum).
    derivative
        Whether the signal is the derivative of the line, as a lock-in measures it with the field modulated; the
        amplitude is then that of the derivative's extremes, positive where it rises first.
    sigma
        Standard uncertainty of the signal; estimated from the residuals by default.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `resonance_field_t`, `width_t`, `amplitude` and `g_factor` (size) of each resonance, numbered if several.

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If an option is unknown or out of range.
    """
    if not frequency_ghz > 0:
        raise DataError(f"frequency_ghz must be positive, got {frequency_ghz:g}")
    fit = _fit_lines(field_t, signal, sigma, "field", components, background, lineshape, derivative, options)
    records: dict[str, Any] = {}
    for i in range(components):
        centre, g = (component_name(base, i, components) for base in ("resonance_field_t", "g_factor"))
        fit = fit.derive(g, _g_of_field(centre, frequency_ghz), "", "size of g")
        records[g] = {
            "property": "g_factor",
            "note": f"size only, resonance at {frequency_ghz:g} GHz",
            "conditions": {"technique": "ODMR", "field_t": round(abs(fit[centre].value), 6)},
        }
    names = [component_name("resonance_field_t", i, components) for i in range(components)]
    widths = [fit[component_name("width_t", i, components)].value for i in range(components)]
    for i, j in itertools.combinations(range(components), 2):
        if abs(fit[names[i]].value - fit[names[j]].value) < 0.5 * (widths[i] + widths[j]):
            fit = fit.with_warnings(
                f"resonances {i + 1} and {j + 1} stand closer than their widths: two Gaussians may be one line of "
                "another shape"
            )
    return recording(
        fit, records, drawing="" if derivative or lineshape != "gaussian" else "odmr",
        frequency_ghz=frequency_ghz, components=components,
    )  # fmt: skip


def fit_odmr_frequency(
    frequency_ghz: Any,
    signal: Any,
    *,
    field_t: float | None = None,
    components: int = 1,
    background: OdmrBackground = "offset",
    lineshape: Lineshape = "gaussian",
    derivative: bool = False,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Fit the resonances in one ODMR spectrum against the microwave frequency, at a fixed field.

    Parameters
    ----------
    frequency_ghz, signal
        Microwave frequencies (GHz) and signal, any unit; (n,).
    field_t
        Field (T), if there is one, to turn frequencies into g.
    components, background, lineshape, derivative, sigma, **options
        As `fit_odmr`, with the width in GHz.

    Returns
    -------
    SpinFit
        `resonance_frequency_ghz`, `width_ghz`, `amplitude` and, with a field, `g_factor` of each resonance.

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If an option is unknown or out of range.
    """
    fit = _fit_lines(frequency_ghz, signal, sigma, "frequency", components, background, lineshape, derivative, options)
    if float(fit.data["frequency_ghz"].min()) < 0:
        raise DataError("frequency_ghz must not be negative: give the frequencies themselves, in GHz")
    records: dict[str, Any] = {}
    names = [component_name("resonance_frequency_ghz", i, components) for i in range(components)]
    if field_t:
        for i, name in enumerate(names):
            g = component_name("g_factor", i, components)
            fit = fit.derive(g, _g_of_frequency(name, field_t), "", "size of g, if nothing splits the levels at B = 0")
            records[g] = {
                "property": "g_factor", "note": f"size only, resonance at {field_t:g} T against frequency",
                "conditions": {"technique": "ODMR", "field_t": round(abs(field_t), 6)},
            }  # fmt: skip
    return recording(fit, records, main=names[0], components=components, field_t=field_t)


def _g_of_frequency(frequency: str, field_t: float) -> Callable[[Mapping[str, float]], float]:
    return lambda values: values[frequency] / (GHZ_PER_TESLA * abs(field_t))


def _fit_lines(
    x: Any,
    signal: Any,
    sigma: Any,
    swept: Swept,
    components: int,
    background: OdmrBackground,
    lineshape: Lineshape,
    derivative: bool,
    options: FitOptions,
) -> SpinFit:
    """Fit lines against field or frequency; say so where another shape describes them better."""
    from perospin.measurements.result import SpinFit

    axis = _AXES[swept]
    trace = check_trace(x, {"signal": signal}, sigma=sigma, x_name=axis.x.name, least=3 * components + 3)
    shape: dict[str, Any] = {"background": background, "lineshape": lineshape, "derivative": derivative, "swept": swept}
    model = odmr_model(trace.x, components=components, **shape)
    conventions = {
        "width": _WIDTH_CONVENTIONS[lineshape],
        "sign of g": "not seen in a resonance: g is given by its size",
    }
    if derivative:
        conventions["signal"] = "derivative of the line (lock-in with a modulated field)"
    fit = fit_model(
        model, trace.x, trace["signal"], sigma=trace.sigma, warnings=trace.warnings,
        analysis="optically detected magnetic resonance" + (", frequency swept" if swept == "frequency" else ""),
        conventions=conventions, result=SpinFit, **options,
    )  # fmt: skip
    if components > 1:
        simpler = odmr_model(trace.x, components=components - 1, **shape)
        fit = compared_with_fewer(fit, simpler, trace.x, trace["signal"], trace.sigma)
    for other, words in (
        ({"derivative": not derivative}, f"derivative={not derivative}"),
        ({"lineshape": (turned := "gaussian" if lineshape == "lorentzian" else "lorentzian")}, f"lineshape='{turned}'"),
    ):
        if options.get("params"):
            break
        try:
            tried: Fit = fit_model(
                odmr_model(trace.x, components=components, **{**shape, **other}), trace.x, trace["signal"],
                sigma=trace.sigma,
            )  # fmt: skip
        except FitError:
            continue
        gain = fit.statistics["aicc"] - tried.statistics["aicc"]
        if gain > 10.0:
            what = (
                "the derivative of a line, as a lock-in measures it," if "derivative" in other else f"a {turned} line"
            )
            what = "a line itself, not its derivative," if other.get("derivative") is False else what
            fit = fit.with_warnings(f"{what} describes the data better (AICc by {gain:.0f}): give {words}")
            break
    return reordered(fit, (axis.centre, axis.width, "amplitude"), components)


def _g_of_field(field: str, frequency_ghz: float) -> Callable[[Mapping[str, float]], float]:
    return lambda values: over(frequency_ghz, GHZ_PER_TESLA * abs(values[field]))


def odmr_model(
    field_t: Float,
    *,
    components: int = 1,
    background: OdmrBackground = "offset",
    lineshape: Lineshape = "gaussian",
    derivative: bool = False,
    swept: Swept = "field",
) -> SeparableModel:
    """Model of an ODMR spectrum: a sum of lines.

    Parameters
    ----------
    field_t
        Fields of the measurement (T), or frequencies (GHz); resonances are searched inside them, and up to a quarter of
        their span beyond.
    components, background, lineshape, derivative
        As `fit_odmr`.
    swept
        ``"field"`` or ``"frequency"``.

    Raises
    ------
    DataError
        If the number of resonances or a word is unknown.
    """
    if components not in (1, 2, 3, 4):
        raise DataError(f"an ODMR spectrum is fitted with 1 to 4 resonances, got {components}")
    if background not in ("none", "offset", "line"):
        raise DataError(f"unknown background '{background}': use none, offset or line")
    if lineshape not in ("gaussian", "lorentzian"):
        raise DataError(f"unknown lineshape '{lineshape}': use gaussian or lorentzian")
    axis = _AXES[swept]
    unit = axis.x.unit
    line = _line(lineshape, derivative)
    fields = np.unique(np.asarray(field_t, float))
    low, high, step = float(fields[0]), float(fields[-1]), float(np.median(np.diff(fields)))
    span = high - low
    narrowest, widest = 0.3 * step, 2.0 * span
    # a line whose near flank is seen may stand a little beyond the magnet's range
    furthest = (low - 0.25 * span if low < 0 else low, high + 0.25 * span if high > 0 else high)
    parameters: list[Parameter] = []
    for i in range(components):
        centre, width = (component_name(base, i, components) for base in (axis.centre, axis.width))
        middle = low + span * (i + 1) / (components + 1)
        parameters += [
            Parameter(centre, unit, f"resonance {swept}", middle, furthest[0], furthest[1], scale=0.05 * span),
            Parameter(width, unit, "width", 0.1 * span, narrowest, widest, positive=True),
        ]
    amplitudes = [Quantity(component_name("amplitude", i, components), "", "amplitude") for i in range(components)]
    if background != "none":
        amplitudes.append(Quantity("offset", "", "constant background"))
    if background == "line":
        amplitudes.append(Quantity(f"slope_per_{unit.lower()}", f"1/{unit}", "slope of the background"))

    def flat(field: Any) -> list[Any]:
        xp = namespace(field)
        return [*([xp.ones_like(field)] if background != "none" else []), *([field] if background == "line" else [])]

    def basis(field: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        lines = [
            line(field, theta[parameters[2 * i].name], theta[parameters[2 * i + 1].name]) for i in range(components)
        ]
        return [*lines, *flat(field)]

    def guess(field: Any, signal: Float) -> list[dict[str, float]]:
        field = np.asarray(field, float)
        held = flat(field)
        tried = [
            {"centre": float(b), "width": float(w)}
            for w in np.geomspace(max(1.5 * step, span / 80.0), 0.5 * span, 9)
            for b in np.arange(furthest[0], furthest[1], max(0.5 * w, step))
        ]
        found = greedy_start(
            lambda at, theta: [line(at, theta["centre"], theta["width"])],
            np.column_stack(held) if held else np.empty((field.size, 0)),
            field,
            signal,
            lambda _: tried,
            components,
        )
        found.sort(key=lambda theta: theta["centre"])
        starts = [_named(found, parameters)]
        if components > 1:  # one broad line found where two overlap: halve it
            widest_found = max(found, key=lambda theta: theta["width"])
            shift = np.linspace(-0.6, 0.6, components)
            starts.append(
                _named(
                    [
                        {
                            "centre": float(np.clip(widest_found["centre"] + s * widest_found["width"], *furthest)),
                            "width": 0.6 * widest_found["width"],
                        }
                        for s in shift
                    ],
                    parameters,
                )
            )
        return starts

    return SeparableModel(
        name=f"{components} resonance{'s' * (components > 1)}",
        parameters=tuple(parameters),
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=(axis.x,),
        y=SIGNAL,
        guess=guess,
    )


def _named(found: Sequence[Mapping[str, float]], parameters: Sequence[Parameter]) -> dict[str, float]:
    values = [value for theta in found for value in (theta["centre"], theta["width"])]
    return {p.name: value for p, value in zip(parameters, values, strict=True)}


def fit_odmr_series(
    frequency_ghz: Any,
    resonance_field_t: Any = None,
    *,
    sigma_field_t: Any = None,
    offset: bool = True,
    component: int = 1,
    g_sign: Literal[1, -1] | None = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""G factor from the resonance field at several microwave frequencies, :math:`B=hf/(|g|\mu_B)+B_0`.

    Parameters
    ----------
    frequency_ghz
        Microwave frequencies (GHz), (n,); or the fits of the spectra (results of `fit_odmr`), which bring their
        frequencies, fields and uncertainties.
    resonance_field_t
        Resonance fields (T), (n,); not with fits.
    sigma_field_t
        Standard uncertainties of the fields (T); estimated from the scatter by default.
    offset
        Whether the field's zero B_0 is fitted (remanence, or an exchange field).
    component
        Which resonance of the fits, from 1.
    g_sign
        Sign of g, if known from elsewhere.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `g_factor`, `offset_t`.

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If a fit holds no such resonance.
    """
    fits = as_fits(frequency_ghz)
    if fits is not None:
        frequency_ghz = [fit.settings["frequency_ghz"] for fit in fits]
        resonance_field_t, sigma_field_t = from_fits(fits, "resonance_field_t", component)
    if resonance_field_t is None:
        raise DataError("give resonance_field_t beside the frequencies, or the fits of the spectra")
    if g_sign not in (None, 1, -1):
        raise DataError(f"g_sign must be 1 or -1, got {g_sign}")
    trace = check_trace(
        frequency_ghz, {"resonance_field_t": resonance_field_t}, sigma=sigma_field_t, x_name="frequency_ghz", least=2
    )
    model = SeparableModel(
        name="resonance field against frequency",
        amplitudes=(
            Quantity("slope_t_per_ghz", "T/GHz", "slope"),
            *((Quantity("offset_t", "T", "field offset"),) if offset else ()),
        ),
        basis=lambda f, _: [f, *([namespace(f).ones_like(f)] if offset else [])],
        x=(Quantity("frequency_ghz", "GHz", "microwave frequency"),),
        y=Quantity("resonance_field_t", "T", "resonance field"),
    )
    conventions = {"sign of g": "given" if g_sign else "not seen in a resonance: g is given by its size"}
    fit = fit_points(
        model, trace.x, trace["resonance_field_t"], trace.sigma, enlarge=fits is not None, warnings=trace.warnings,
        analysis="g factor from ODMR", conventions=conventions, **options,
    )  # fmt: skip
    sign = float(g_sign or 1)
    fit = fit.derive(
        "g_factor", lambda v: sign * over(1.0, GHZ_PER_TESLA * abs(v["slope_t_per_ghz"])), "",
        "g" if g_sign else "size of g", first=True,
    )  # fmt: skip
    if fit["slope_t_per_ghz"].value < 0:
        fit = fit.with_warnings(
            "the resonance moves to lower fields at higher frequencies: was the field's sign turned?"
        )
    if offset and abs(fit["offset_t"].value) > 3.0 * fit["offset_t"].uncertainty:
        fit = fit.with_warnings(
            f"the line misses the origin by {fit['offset_t']}: g from a single frequency would be wrong"
        )
    note = "" if g_sign else "size only: the sign is not measured"
    record = {"property": "g_factor", "note": f"field against frequency; {note}".rstrip("; ")}
    return recording(fit, {"g_factor": {**record, "conditions": {"technique": "ODMR"}}})


def fit_resonance_width(
    field_t: Any,
    width_t: Any = None,
    g_factor: float | None = None,
    *,
    sigma_width_t: Any = None,
    component: int = 1,
    **options: Unpack[FitOptions],
) -> SpinFit:
    r"""Spread of g and nuclear field from the widths of resonances at several fields.

    .. math:: \Delta B=[\Delta_N^2/2+(\Delta_gB/g)^2]^{1/2}

    Parameters
    ----------
    field_t
        Resonance fields (T), (n,), free of the field's offset; or the fits of the spectra (results of `fit_odmr`): of
        three or more frequencies the offset is found and taken off.
    width_t
        Widths, standard deviations (T), (n,); not with fits.
    g_factor
        g of the carrier; with fits, that of `fit_odmr_series` (of fewer than three frequencies the median).
    sigma_width_t
        Standard uncertainties of the widths (T); estimated from the scatter by default.
    component
        Which resonance of the fits, from 1.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        `g_spread` (standard deviation of g), `nuclear_field_t` (Delta_N).

    Raises
    ------
    FitError
        If the data can't be fitted.
    DataError
        If g isn't given, or a fit holds no such resonance.

    Notes
    -----
    READ: arXiv 2603.03038; `perospin.mechanisms.resonance_width`.
    """
    fits = as_fits(field_t)
    told: list[str] = []
    shift = 0.0
    if fits is not None:
        field_t = from_fits(fits, "resonance_field_t", component)[0]
        width_t, sigma_width_t = from_fits(fits, "width_t", component)
        if len({fit.settings["frequency_ghz"] for fit in fits}) >= 3:
            line = fit_odmr_series(fits, component=component)
            shift, g_factor = line["offset_t"].value, line["g_factor"].value if g_factor is None else g_factor
            field_t = field_t - shift
            if abs(shift) > 3.0 * line["offset_t"].uncertainty:
                told.append(f"the field's offset, {line['offset_t']}, was taken off the resonance fields")
        elif g_factor is None:
            g_factor = float(np.median(from_fits(fits, "g_factor", component)[0]))
    if width_t is None:
        raise DataError("give width_t beside the fields, or the fits of the spectra")
    if g_factor is None or not abs(g_factor) > 0:
        raise DataError("give g_factor, not zero: the spread of g follows from widths only with g")
    size = abs(g_factor)
    trace = check_trace(field_t, {"width_t": width_t}, sigma=sigma_width_t, x_name="field_t", least=3)
    if not (trace["width_t"] > 0).all():
        raise DataError("widths must be positive: they are standard deviations of Gaussian resonances (T)")
    reach, most = float(np.max(np.abs(trace.x))), float(trace["width_t"].max())

    def width(field: Any, theta: Mapping[str, Any]) -> Any:
        xp = namespace(field, *theta.values())
        return xp.sqrt(0.5 * theta["nuclear_field_t"] ** 2 + (theta["g_spread"] * field / size) ** 2)

    def guess(field: Any, found: Float) -> list[dict[str, float]]:
        columns = np.column_stack([0.5 * np.ones_like(field), (np.asarray(field) / size) ** 2])
        squares = np.maximum(np.linalg.lstsq(columns, found**2, rcond=None)[0], 1e-6 * found.max() ** 2)
        return [{"nuclear_field_t": float(np.sqrt(squares[0])), "g_spread": float(np.sqrt(squares[1]))}]

    model = SeparableModel(
        name="width of a resonance against field",
        parameters=(
            Parameter("g_spread", "", "spread of g, standard deviation", 0.1, 1e-4 * most * size / reach,
                      20.0 * most * size / reach, positive=True),
            Parameter("nuclear_field_t", "T", "nuclear field Delta_N", most, 1e-3 * most, 20.0 * most, positive=True),
        ),
        base=width,
        x=(Quantity("field_t", "T", "resonance field"),),
        y=Quantity("width_t", "T", "width (standard deviation)"),
        guess=guess,
    )  # fmt: skip
    conventions = {
        "width": _WIDTH_CONVENTION,
        "nuclear field": "distributed as exp(-B_N^2/Delta_N^2): a component's standard deviation is Delta_N/sqrt(2)",
        "spread of g": "standard deviation",
    }
    fit = fit_points(
        model, trace.x, trace["width_t"], trace.sigma, enlarge=fits is not None, warnings=(*trace.warnings, *told),
        analysis="widths of ODMR resonances", conventions=conventions, **options,
    )  # fmt: skip
    technique = {"conditions": {"technique": "ODMR"}}
    records = {
        "g_spread": {"property": "g_spread", "unit": "1", "note": "standard deviation", **technique},
        "nuclear_field_t": {"property": "nuclear_field", "unit": "T", "note": "from resonance widths", **technique},
    }
    return recording(fit, records, drawing="odmr width", main="g_spread", g_factor=g_factor, offset_t=shift)
