"""`perospin detector`: one device from its folder of text files to a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="X-ray detectors: a folder of measurements to one page.",
)


@app.callback()
def _root() -> None:
    pass


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Text files of one device, and device.toml.")],
    out: Annotated[Path | None, typer.Option(help="Page to write; FOLDER/report.html if not given.")] = None,
) -> None:
    """Fit all measurements of one device and write one page with values, doubts and figures.

    Files are told by their names: photocurrent, dark, dose, snr, drift, pulses, capacitance, cycles. Sizes and formula
    stand in device.toml: formula, gap_mm, area_mm2, density_g_cm3, energy_kev, voltage_v.

    Example: perospin detector report examples/detector --out report.html
    """
    from perospin.detectors import fit_device, write_page

    result = fit_device(folder)
    page = folder / "report.html" if out is None else out
    write_page(result, page)
    if result.attenuated == result.attenuated:
        typer.echo(f"attenuated at {result.device.energy_kev:g} keV: {100 * result.attenuated:.1f} %")
    for fit in result.fits.values():
        for name in fit.records:
            typer.echo(f"{fit[name].description or name}: {fit[name]}")
    for name, fit in result.fits.items():
        for warning in fit.warnings:
            typer.echo(f"! {name}: {warning}")
    for note in result.notes:
        typer.echo(f"! {note}")
    typer.echo(f"page in {page}")
