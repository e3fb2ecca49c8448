"""``perospin fit`` odmr, odmr-width, inertia, t1-field, t1-temperature."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.cli.fit.arguments import (
    ComponentsOption,
    DerivativeOption,
    FileArgument,
    LineshapeOption,
    PatternOption,
    SeriesArgument,
    _measure,
    _series,
    app,
)
from perospin.cli.fit.options import Shared
from perospin.cli.fit.output import shared
from perospin.errors import DataError
from perospin.measurements.outcome import Outcome

if TYPE_CHECKING:
    from perospin.measurements import SpinFit
    from perospin.measurements.reading import Measurement


@app.command(rich_help_panel="Precession")
@shared
def odmr(
    files: SeriesArgument,
    frequency_ghz: Annotated[float | None, typer.Option(help="Microwave frequency, if the name doesn't tell.")] = None,
    components: ComponentsOption = 1,
    background: Annotated[str, typer.Option(help="none, offset or line.")] = "offset",
    lineshape: LineshapeOption = "gaussian",
    derivative: DerivativeOption = False,
    sweep: Annotated[str, typer.Option(help="field or frequency; auto reads it from the heading.")] = "auto",
    field_t: Annotated[float | None, typer.Option(help="Field of a frequency sweep, to get g.")] = None,
    pattern: PatternOption = None,
    *,
    options: Shared,
) -> Outcome:
    """ODMR spectra: resonance fields, widths and g; over frequencies also the offset of the field.

    A spectrum against the microwave frequency gives the resonance frequencies, with a field also g.

    Example: perospin fit odmr examples/spectra/odmr
    """
    from perospin.spectra import fit_odmr, fit_odmr_frequency, fit_odmr_series

    if sweep not in ("auto", "field", "frequency"):
        raise DataError(f"--sweep '{sweep:.40}' must be auto, field or frequency")
    against_frequency: set[str] = set()
    lines: dict[str, Any] = {
        "components": components, "background": background, "lineshape": lineshape, "derivative": derivative,
    }  # fmt: skip

    def measure(path: Path) -> Measurement:
        def read(x: str) -> Measurement:
            return _measure(path, "odmr", options, pattern, x=x)

        if sweep != "frequency":
            try:
                return read("field")
            except DataError:
                if sweep == "field":
                    raise
                try:  # microwave frequencies are no fields, by their unit or their size
                    m = read("frequency")
                except DataError:
                    m = None
                if m is None or not 1e6 < abs(m.x).max() < 1e12:
                    raise
        else:
            m = read("frequency")
        against_frequency.add(m.sources[0].name)
        return m

    def one(m: Measurement) -> SpinFit:
        if m.sources[0].name in against_frequency:
            field = m.conditions.get("field_t") if field_t is None else field_t
            return fit_odmr_frequency(
                1e-9 * m.x, m["signal"], field_t=field, sigma=m.get("sigma"), **lines, **options.fitting(m)
            )
        hertz = m.conditions.get("frequency_hz")
        frequency = frequency_ghz if frequency_ghz is not None else None if hertz is None else 1e-9 * hertz
        if frequency is None:
            raise DataError(f"'{m.sources[0].name}' doesn't tell the microwave frequency: give --frequency-ghz")
        return fit_odmr(m.x, m["signal"], frequency_ghz=frequency, sigma=m.get("sigma"), **lines, **options.fitting(m))

    found = _series(files, pattern, measure, one, ["frequency_hz"])
    if isinstance(found, Outcome):
        return found
    if against_frequency:
        raise found.no_series("field sweeps")
    settings = options.fitting()
    settings.pop("params", None)
    return found.outcome(fit_odmr_series(list(found.fits.values()), **settings))


@app.command("odmr-width", rich_help_panel="Precession")
@shared
def odmr_width(
    files: SeriesArgument,
    components: ComponentsOption = 1,
    component: Annotated[int, typer.Option(min=1, help="Which resonance.")] = 1,
    lineshape: LineshapeOption = "gaussian",
    derivative: DerivativeOption = False,
    pattern: PatternOption = None,
    *,
    options: Shared,
) -> Outcome:
    """ODMR widths against field: spread of g and nuclear field Delta_N from spectra at several frequencies.

    Example: perospin fit odmr-width examples/spectra/odmr
    """
    from perospin.spectra import fit_odmr, fit_resonance_width

    def measure(path: Path) -> Measurement:
        return _measure(path, "odmr-width", options, pattern)

    def one(m: Measurement) -> SpinFit:
        frequency = 1e-9 * m.conditions["frequency_hz"]
        return fit_odmr(
            m.x, m["signal"], frequency_ghz=frequency, components=components,
            lineshape=lineshape, derivative=derivative, **options.fitting(m),  # type: ignore[arg-type]  # checked there
        )  # fmt: skip

    found = _series(files, pattern, measure, one, ["frequency_hz"])
    if isinstance(found, Outcome):
        raise DataError("one spectrum gives one width: give spectra at several microwave frequencies")
    settings = options.fitting()
    settings.pop("params", None)
    return found.outcome(fit_resonance_width(list(found.fits.values()), component=component, **settings))


@app.command(rich_help_panel="Lifetimes")
@shared
def inertia(
    files: SeriesArgument,
    components: ComponentsOption = 1,
    offset: Annotated[bool, typer.Option("--offset", help="Add a constant background.")] = False,
    optical: Annotated[bool, typer.Option("--optical", help="All-optical spin inertia, not resonant.")] = False,
    pattern: PatternOption = None,
    *,
    options: Shared,
) -> Outcome:
    """Spin inertia: T1 from the signal against modulation frequency; over powers extrapolated to zero.

    A series over fields or temperatures is fitted with the law of `t1-field` or `t1-temperature`.

    Example: perospin fit inertia examples/spectra/inertia.csv
    """
    from perospin.spectra import extrapolate_power, fit_spin_inertia
    from perospin.spectra.relaxation.longitudinal import fit_t1_field, fit_t1_temperature

    def measure(path: Path) -> Measurement:
        return _measure(path, "inertia", options, pattern)

    def one(m: Measurement) -> SpinFit:
        return fit_spin_inertia(
            m.x, m["signal"], components=components, offset=offset, optical=optical, sigma=m.get("sigma"),
            field_t=m.conditions.get("field_t"), **options.fitting(m),
        )  # fmt: skip

    found = _series(files, pattern, measure, one, ["power_mw", "field_t", "temperature_k"])
    if isinstance(found, Outcome):
        return found
    settings = options.fitting()
    settings.pop("params", None)
    fits = list(found.fits.values())
    for condition, law in (
        ("power_mw", extrapolate_power),
        ("field_t", fit_t1_field),
        ("temperature_k", fit_t1_temperature),
    ):
        values = found.values(condition)
        if values is not None:
            return found.outcome(law(values, fits, **settings))
    raise found.no_series("spin inertia")


@app.command("t1-field", rich_help_panel="Lifetimes")
@shared
def t1_field(
    file: FileArgument,
    nuclear_field_mt: Annotated[float | None, typer.Option(help="Delta_N, to get tau_c.")] = None,
    g_factor: Annotated[float | None, typer.Option("--g-factor", "--g", help="g, to check that the law holds.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """T1 against field: tau_s, and tau_c of the nuclear fluctuations.

    Example: perospin fit t1-field examples/spectra/t1_field.csv --nuclear-field-mt 12
    """
    from perospin.spectra.relaxation.longitudinal import fit_t1_field

    m = _measure(file, "t1-field", options)
    nuclear = None if nuclear_field_mt is None else 1e-3 * nuclear_field_mt
    fit = fit_t1_field(
        m.x, m["lifetime"], nuclear_field_t=nuclear, g_factor=g_factor, sigma_t1_ps=m.get("sigma"), **options.fitting(m)
    )
    return Outcome.of(fit, m)


@app.command("t1-temperature", rich_help_panel="Lifetimes")
@shared
def t1_temperature(file: FileArgument, *, options: Shared) -> Outcome:
    """T1 against temperature: activation energy and the lifetime at low temperature.

    Example: perospin fit t1-temperature examples/spectra/t1_temperature.csv
    """
    from perospin.spectra.relaxation.longitudinal import fit_t1_temperature

    m = _measure(file, "t1-temperature", options)
    return Outcome.of(fit_t1_temperature(m.x, m["lifetime"], sigma_t1_ps=m.get("sigma"), **options.fitting(m)), m)
