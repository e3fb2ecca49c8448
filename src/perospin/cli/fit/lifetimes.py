"""``perospin fit``: raw traces to lifetimes, g factors and dissymmetries, with figure and database record."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perospin.cli.fit.arguments import (
    ComponentsOption,
    FilesArgument,
    ResponseFileOption,
    ResponseOption,
    WindowOption,
    _measure,
    _numbers,
    _response,
    _window,
    app,
)
from perospin.cli.fit.options import Shared
from perospin.cli.fit.output import shared
from perospin.errors import DataError
from perospin.measurements.outcome import Outcome


@app.command("pump-probe", rich_help_panel="Lifetimes")
@shared
def pump_probe(
    files: FilesArgument,
    components: ComponentsOption = 1,
    population_components: Annotated[int, typer.Option(min=1, max=3, help="Exponentials of the population.")] = 1,
    irf_fwhm_ps: ResponseOption = None,
    irf: ResponseFileOption = None,
    population_lifetime_ps: Annotated[
        float | None, typer.Option(help="Recombination time, to take it out of a difference's decay.")
    ] = None,
    observable: Annotated[
        str | None, typer.Option(help="joint, difference or polarisation (default: joint of two traces).")
    ] = None,
    convention: Annotated[
        str | None, typer.Option(help="polarisation (decay time), flip (twice that) or difference.")
    ] = None,
    offset: Annotated[bool, typer.Option("--offset", help="Add a constant background.")] = False,
    artefact: Annotated[bool, typer.Option("--artefact", help="Add a coherent artefact at time zero.")] = False,
    kinetic: Annotated[bool, typer.Option("--kinetic", help="Rate equations of spin-up and -down instead.")] = False,
    wavelength_nm: Annotated[float | None, typer.Option(help="Probe wavelength, for the record.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Spin lifetime from same- and counter-circular traces: one file with both, or two files.

    Which file is which is told by its name (SC, CC, same, counter, co, cross), else by the order.

    Example: perospin fit pump-probe examples/spectra/pump_probe_SC.txt examples/spectra/pump_probe_CC.txt
    """
    from perospin.spectra import fit_populations, fit_pump_probe

    m = _measure(files, "pump-probe", options)
    common: dict[str, Any] = {
        "sigma": m.get("sigma"), "irf_fwhm_ps": irf_fwhm_ps, "measured_irf": _response(irf, options), "offset": offset,
        "artefact": artefact, "wavelength_nm": wavelength_nm, **options.fitting(m),
    }  # fmt: skip
    if convention is not None:
        common["convention"] = convention
    if kinetic:
        if m.get("counter") is None:
            raise DataError("--kinetic needs both traces, same- and counter-circular")
        # the method changes no convention: the headline stays the decay time unless --convention says otherwise
        kept = {"convention": "polarisation", **common}
        return Outcome.of(fit_populations(m.x, m["same"], m["counter"], **kept), m)
    delay, unit = m.delay_as_written()
    fit = fit_pump_probe(
        delay, m["same"], m.get("counter"), components=components,
        population_components=population_components, observable=observable,  # type: ignore[arg-type]  # checked there
        population_lifetime_ps=population_lifetime_ps, delay_unit=unit, compare=True, **common,
    )  # fmt: skip
    return Outcome.of(fit, m)


@app.command("map", rich_help_panel="Lifetimes")
@shared
def map_command(
    files: FilesArgument,
    components: Annotated[
        int | None, typer.Option(min=0, max=5, help="Number of lifetimes; 0 with --artefact alone.")
    ] = None,
    population_components: Annotated[int, typer.Option(min=1, max=3, help="Exponentials of the population.")] = 1,
    irf_fwhm_ps: ResponseOption = None,
    irf: ResponseFileOption = None,
    convention: Annotated[str, typer.Option(help="polarisation (decay time) or flip (twice that).")] = "polarisation",
    background: Annotated[bool, typer.Option(help="Fit a spectrum that is there before the pump as well.")] = True,
    before_ps: Annotated[
        float | None, typer.Option(help="Subtract the mean of the spectra up to this delay first.")
    ] = None,
    delay_range: Annotated[
        str | None, typer.Option(help="Delays that are fitted, LOW:HIGH ps; the background is taken from all.")
    ] = None,
    chirp: Annotated[bool, typer.Option("--chirp", help="Correct the chirp, found in the map.")] = False,
    chirp_coefficients: Annotated[
        str | None, typer.Option(help="Correct this chirp: C0,C1,... ps, of powers of (wavelength - 500 nm)/100 nm.")
    ] = None,
    plateau: Annotated[bool, typer.Option("--plateau", help="Add a spectrum that doesn't decay.")] = False,
    artefact: Annotated[bool, typer.Option("--artefact", help="Add a coherent artefact at time zero.")] = False,
    wavelengths: WindowOption = None,
    delays: Annotated[str | None, typer.Option(help="rows or columns: which of the file are the delays.")] = None,
    spectral_unit: Annotated[str | None, typer.Option(help="nm, eV or cm-1.")] = None,
    delay_file: Annotated[Path | None, typer.Option(help="Delays, where the map's file has none.")] = None,
    wavelength_file: Annotated[Path | None, typer.Option(help="Wavelengths, where the map's file has none.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Global fit of delay-wavelength maps: decay-associated spectra of one, spin lifetime of a pair (SC, CC).

    Example: perospin fit map examples/spectra/map_SC.csv examples/spectra/map_CC.csv
    """
    from perospin.measurements import read_map
    from perospin.measurements.reading.gathering import roles_of_maps
    from perospin.spectra.maps.corrections import Chirp, correct_background, correct_chirp, find_chirp
    from perospin.spectra.maps.global_analysis import fit_map

    names, note = roles_of_maps([path.name for path in files])
    if delays not in (None, "rows", "columns"):
        raise DataError(f"--delays '{delays}' must be rows or columns")
    shared_reading = {key: value for key, value in options.reading().items() if key != "skip_lines"}
    reading = {
        **shared_reading, "delay_unit": options.unit, "delay_file": delay_file, "wavelength_file": wavelength_file,
    }  # fmt: skip
    maps = {
        role: read_map(path, delays=delays, spectral_unit=spectral_unit, name=path.stem, **reading)  # type: ignore[arg-type]
        for role, path in zip(names, files, strict=True)
    }
    window, within = _window(wavelengths, "--wavelengths"), _window(delay_range, "--delay-range")
    for role, found in maps.items():
        maps[role] = found.crop(wavelength_nm=window) if window else found
        if before_ps is not None or (within and background):
            maps[role] = correct_background(maps[role], before_ps)
    if chirp or chirp_coefficients is not None:
        curve = find_chirp(maps["same"]) if chirp_coefficients is None else Chirp(_numbers(chirp_coefficients))
        maps = {role: correct_chirp(found, curve) for role, found in maps.items()}
    if within:
        maps = {role: found.crop(delay_ps=within) for role, found in maps.items()}
    settings = options.fitting()
    fit = fit_map(
        maps["same"], maps.get("counter"), components=components, population_components=population_components,
        irf_fwhm_ps=irf_fwhm_ps, measured_irf=_response(irf, options), plateau=plateau, artefact=artefact,
        background=None if background else False, convention=convention,  # type: ignore[arg-type]  # checked there
        **settings,
    )  # fmt: skip
    notes = [*([note] if note else []), *(sentence for found in maps.values() for sentence in found.history)]
    doubts = [sentence for found in maps.values() for sentence in found.doubts]
    return Outcome(fit, dict(maps["same"].conditions), notes, doubts=doubts)
