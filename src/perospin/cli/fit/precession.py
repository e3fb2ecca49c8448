"""``perospin fit`` kerr, rsa, hanle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perospin.cli.fit.arguments import (
    ComponentsOption,
    FileArgument,
    PatternOption,
    SeriesArgument,
    _measure,
    _series,
    app,
)
from perospin.cli.fit.options import Shared
from perospin.cli.fit.output import shared
from perospin.measurements.outcome import Outcome

if TYPE_CHECKING:
    from perospin.measurements import SpinFit
    from perospin.measurements.reading import Measurement


@app.command(rich_help_panel="Precession")
@shared
def kerr(
    files: SeriesArgument,
    components: ComponentsOption = 1,
    field_t: Annotated[float | None, typer.Option(help="Field of a single trace, if its name doesn't tell.")] = None,
    envelope: Annotated[str, typer.Option(help="exponential or gaussian.")] = "exponential",
    background: Annotated[str, typer.Option(help="none, offset or exponential.")] = "offset",
    irf_fwhm_ps: Annotated[float | None, typer.Option(help="Response to convolve in; time zero is fitted.")] = None,
    start_ps: Annotated[float | None, typer.Option(help="Leave out what comes before; 0 without a response.")] = None,
    convention: Annotated[str, typer.Option(help="Spread of g in a series: linear or gaussian.")] = "linear",
    joint: Annotated[bool, typer.Option("--joint", help="Fit all transients of a series together.")] = False,
    pattern: PatternOption = None,
    *,
    options: Shared,
) -> Outcome:
    """Kerr or Faraday rotation: precession frequency, g and T2*; over fields also the spread of g and T2*(0).

    Example: perospin fit kerr examples/spectra/kerr --pattern "kerr_{field}mT_5K.csv"
    """
    from perospin.spectra import fit_kerr
    from perospin.spectra.precession.kerr_series import fit_kerr_series

    def measure(path: Path) -> Measurement:
        return _measure(path, "kerr", options, pattern)

    def one(m: Measurement) -> SpinFit:
        field = m.conditions.get("field_t") if field_t is None else field_t
        return fit_kerr(
            m.x, m["signal"], components=components, field_t=field, envelope=envelope, background=background,  # type: ignore[arg-type]  # checked there
            irf_fwhm_ps=irf_fwhm_ps, start_ps=start_ps, sigma=m.get("sigma"), **options.fitting(m),
        )  # type: ignore[arg-type]  # fmt: skip

    found = _series(files, pattern, measure, one, ["field_t"])
    if isinstance(found, Outcome):
        return found
    settings = options.fitting()
    settings.pop("params", None)
    fit = fit_kerr_series(
        list(found.fits.values()), components=components, convention=convention, joint=joint or None,  # type: ignore[arg-type]
        **settings,
    )  # fmt: skip
    return found.outcome(fit)


@app.command(rich_help_panel="Precession")
@shared
def rsa(
    file: FileArgument,
    period_ns: Annotated[float, typer.Option(help="Time between the pulses of the laser.")],
    delay_ps: Annotated[float, typer.Option(help="Delay of the probe; negative: before the pump.")] = 0.0,
    components: ComponentsOption = 1,
    spread: Annotated[bool, typer.Option("--spread", help="Fit a spread of g.")] = False,
    *,
    options: Shared,
) -> Outcome:
    """Resonant spin amplification: g and T2* from the rotation against field at a fixed delay.

    Example: perospin fit rsa examples/spectra/rsa.csv --period-ns 13.158 --delay-ps -20
    """
    from perospin.spectra import fit_resonant_amplification

    m = _measure(file, "rsa", options)
    fit = fit_resonant_amplification(
        m.x, m["signal"], 1e3 * period_ns, delay_ps, components=components, spread=spread, sigma=m.get("sigma"),
        **options.fitting(m),
    )  # fmt: skip
    return Outcome.of(fit, m)


@app.command(rich_help_panel="Precession")
@shared
def hanle(
    file: FileArgument,
    g_factor: Annotated[
        float | None, typer.Option("--g-factor", "--g", help="g of the carrier, to turn a width into a time.")
    ] = None,
    carrier_lifetime_ps: Annotated[float | None, typer.Option(help="Recombination time, to get tau_s.")] = None,
    initial_polarisation: Annotated[
        float | None, typer.Option(help="Polarisation at excitation: 1 for perovskites, 0.5 for GaAs.")
    ] = None,
    components: ComponentsOption = 1,
    offset: Annotated[bool, typer.Option("--offset", help="Add a constant background.")] = False,
    centre: Annotated[bool, typer.Option("--centre", help="Fit the field of the maximum.")] = False,
    length_um: Annotated[
        float | None, typer.Option(help="Non-local spin valve instead: distance of injector and detector.")
    ] = None,
    width_um: Annotated[float | None, typer.Option(help="Spin valve: width of the channel.")] = None,
    sheet_conductance_ms: Annotated[float | None, typer.Option(help="Spin valve: conductance of a square.")] = None,
    contacts: Annotated[
        str | None, typer.Option(help="Spin valve: tunnel or finite; both are tried if not given.")
    ] = None,
    contact_resistance_ohm: Annotated[
        float | None, typer.Option(help="Spin valve: resistance of a contact; needs width and conductance.")
    ] = None,
    difference: Annotated[bool, typer.Option("--difference", help="Spin valve: parallel minus antiparallel.")] = False,
    magnitude: Annotated[bool, typer.Option("--magnitude", help="Spin valve: sizes without a sign.")] = False,
    *,
    options: Shared,
) -> Outcome:
    """Hanle curve: spin lifetime from PL polarisation against transverse field, or from a non-local spin valve.

    Example: perospin fit hanle examples/spectra/hanle.txt --g 2.0 --initial-polarisation 1
    """
    from perospin.spectra import fit_hanle, fit_spin_valve

    if length_um is not None:
        m = _measure(file, "spin-valve", options)
        fit = fit_spin_valve(
            m.x, m["resistance"], length_um=length_um, width_um=width_um, sheet_conductance_ms=sheet_conductance_ms,
            contact_resistance_ohm=contact_resistance_ohm, contacts=contacts,  # type: ignore[arg-type]  # checked there
            difference=difference, magnitude=magnitude,
            g_factor=2.0 if g_factor is None else g_factor, offset=offset, sigma=m.get("sigma"), **options.fitting(m),
        )  # type: ignore[arg-type]  # fmt: skip
        return Outcome.of(fit, m)
    m = _measure(file, "hanle", options)
    fit = fit_hanle(
        m.x, m["polarisation"], g_factor=g_factor, carrier_lifetime_ps=carrier_lifetime_ps,
        initial_polarisation=initial_polarisation, components=components, offset=offset, centre=centre,
        sigma=m.get("sigma"), **options.fitting(m),
    )  # fmt: skip
    return Outcome.of(fit, m)
