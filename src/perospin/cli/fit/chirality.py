"""``perospin fit`` cd, cpl, mr, iv, edge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from perospin.cli.fit.arguments import FileArgument, FilesArgument, WindowOption, _measure, _window, app
from perospin.cli.fit.options import Shared
from perospin.cli.fit.output import shared
from perospin.errors import DataError
from perospin.measurements.outcome import Outcome


@app.command(rich_help_panel="Chirality")
@shared
def cd(
    files: FilesArgument,
    back: Annotated[Path | None, typer.Option(help="CD with the sample turned round: cancels artefacts.")] = None,
    at_nm: Annotated[float | None, typer.Option(help="Wavelength of the value; the extreme if not given.")] = None,
    window: WindowOption = None,
    baseline: Annotated[str | None, typer.Option(help="Window without CD, LOW:HIGH nm.")] = None,
    scatter: Annotated[str | None, typer.Option(help="Transparent window, LOW:HIGH nm.")] = None,
    thickness_um: Annotated[float | None, typer.Option(help="Film thickness.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Circular dichroism: g_CD from ellipticity (mdeg) and absorbance, in one file or two.

    Example: perospin fit cd examples/spectra/cd.txt --window 480:530
    """
    from perospin.spectra import fit_circular_dichroism

    m = _measure(files, "cd", options)
    turned = None
    if back is not None:
        other = _measure(back, ["ellipticity"], options, x="wavelength")
        if len(other.x) != len(m.x) or abs(other.x - m.x).max() > 1e-6:
            raise DataError(f"'{back.name}' doesn't have the wavelengths of '{files[0].name}'")
        turned = other["ellipticity"]
    fit = fit_circular_dichroism(
        m.x, m["ellipticity"], m["absorbance"], back_mdeg=turned, sigma_mdeg=m.get("sigma"), at_nm=at_nm,
        window_nm=_window(window, "--window"), baseline_nm=_window(baseline, "--baseline"),
        scatter_nm=_window(scatter, "--scatter"), thickness_um=thickness_um, **options.fitting(m, params=False),
    )  # fmt: skip
    return Outcome.of(fit, m)


@app.command(rich_help_panel="Chirality")
@shared
def cpl(
    files: FilesArgument,
    background: Annotated[float, typer.Option(help="Dark counts of both polarisations.")] = 0.0,
    window: WindowOption = None,
    *,
    options: Shared,
) -> Outcome:
    """Circularly polarised luminescence: g_lum of an emission band.

    Example: perospin fit cpl examples/spectra/cpl.csv --background 200
    """
    from perospin.spectra import fit_luminescence

    m = _measure(files, "cpl", options)
    fit = fit_luminescence(
        m.x, m["left"], m["right"], background_left=background, background_right=background,
        window_nm=_window(window, "--window"), **options.fitting(m, params=False),
    )  # fmt: skip
    return Outcome.of(fit, m)


@app.command(rich_help_panel="Chirality")
@shared
def mr(
    file: FileArgument,
    loop: Annotated[str, typer.Option(help="spin_valve, half_valve (CISS) or auto.")] = "auto",
    over: Annotated[
        str | None, typer.Option(help="Denominator: parallel, antiparallel; of a half valve mean, smallest.")
    ] = None,
    background: Annotated[bool, typer.Option("--background", help="Fit a slope in the field.")] = False,
    *,
    options: Shared,
) -> Outcome:
    """Magnetoresistance loop: ratio with its denominator, switching fields.

    The rows must stand in the order of measurement: the direction of the sweep is read from them.

    Example: perospin fit mr examples/spectra/loop.csv
    """
    from perospin.spectra import fit_magnetoresistance

    m = _measure(file, "mr", options)
    kind: Any = loop.replace("-", "_")
    if over not in (None, "parallel", "antiparallel", "mean", "smallest"):
        raise DataError(f"--over '{over}' must be parallel, antiparallel, mean or smallest")
    fit = fit_magnetoresistance(
        m.x,
        m["resistance"],
        loop=kind,
        over=over,  # type: ignore[arg-type]  # checked above
        background=background,
        sigma=m.get("sigma"),
        **options.fitting(m),
    )
    return Outcome.of(fit, m)


@app.command(rich_help_panel="Chirality")
@shared
def iv(
    files: FilesArgument,
    least_v: Annotated[float | None, typer.Option(help="From this |V| on; half the largest if not given.")] = None,
    most_v: Annotated[float | None, typer.Option(help="Up to this |V|.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Current-voltage curves with the magnet up and down (CISS): spin polarisation of the current.

    One file with voltage and both currents, or one file each, whose further columns are repeated curves.

    Example: perospin fit iv examples/spectra/iv_up.txt examples/spectra/iv_down.txt
    """
    from perospin.spectra import fit_current_polarisation

    m = _measure(files, "iv", options)
    fit = fit_current_polarisation(
        m.x, m.repeats["current_up"], m.repeats["current_down"], least_v=least_v, most_v=most_v,
        **options.fitting(m, params=False),
    )  # fmt: skip
    return Outcome.of(fit, m)


@app.command(rich_help_panel="Chirality")
@shared
def edge(
    file: FileArgument,
    dimension: Annotated[int, typer.Option(min=2, max=3, help="3 (bulk) or 2 (ideal layer).")] = 3,
    lineshape: Annotated[str, typer.Option(help="gaussian or sech.")] = "gaussian",
    background: Annotated[str, typer.Option(help="none, constant or linear.")] = "constant",
    window: Annotated[str | None, typer.Option(help="Part of the spectrum, LOW:HIGH eV.")] = None,
    *,
    options: Shared,
) -> Outcome:
    """Absorption edge: gap and exciton binding energy by Elliott's formula.

    Example: perospin fit edge examples/spectra/edge.csv
    """
    from perospin.spectra import fit_absorption_edge

    m = _measure(file, "edge", options)
    size: Literal[2, 3] = 2 if dimension == 2 else 3
    fit = fit_absorption_edge(
        m.x, m["absorbance"], dimension=size, lineshape=lineshape, background=background,  # type: ignore[arg-type]  # checked there
        window_ev=_window(window, "--window"), sigma=m.get("sigma"), **options.fitting(m),
    )  # type: ignore[arg-type]  # fmt: skip
    return Outcome.of(fit, m)
