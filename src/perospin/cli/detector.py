"""`perospin detector`: a folder of measurements to a page; sourced devices compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="X-ray detectors: a folder of measurements to one page, sourced devices compared.",
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


@app.command()
def compare(
    thickness: Annotated[str, typer.Option(help="Thickness taken for every device; mm without a unit.")] = "1 mm",
    energy: Annotated[float, typer.Option(help="Photon energy, keV.")] = 40.0,
    tube_kv: Annotated[float | None, typer.Option(help="Voltage of an X-ray tube, kV, in place of one energy.")] = None,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="Filter of the tube, e.g. 'Al 2 mm'; repeatable.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("detectors.html"),
) -> None:
    """Rank sourced devices: sensitivity over the ideal value and the field, at a stated beam and thickness.

    Devices without a stated field, composition or density are named with the reason. Your own records count too.

    Example: perospin detector compare --tube-kv 50 --filter "Al 2 mm" --thickness 1 --out detectors.html
    """
    from rich.console import Console
    from rich.table import Table

    from perospin.detectors import one_energy, rank_devices, read_filter, tube_beam, write_ranking
    from perospin.errors import DataError
    from perospin.units import quantity_in

    if filters and tube_kv is None:
        raise DataError("--filter needs --tube-kv, e.g. --tube-kv 50 --filter 'Al 2 mm'")
    behind = [read_filter(text) for text in filters or []]
    beam = one_energy(energy) if tube_kv is None else tube_beam(tube_kv, behind)
    ranking = rank_devices(beam, quantity_in(thickness, "mm", "--thickness"))
    write_ranking(ranking, out)
    console = Console(highlight=False)
    console.print(f"{ranking.beam}, {ranking.thickness_mm:g} mm", markup=False)
    for title, devices in (("at a stated field", ranking.with_field), ("self-powered", ranking.self_powered)):
        table = Table(box=None, header_style="bold", pad_edge=False, title=title, title_justify="left")
        for column in ("device", "uC Gy-1 cm-2", "V/mm", "over ideal", "range", "over ideal and field"):
            table.add_column(column, justify="left" if column == "device" else "right")
        for device in devices:
            within = f"{device.low:.2g} to {device.high:.2g}" if device.unsure else ""
            merit = f"{device.merit_mm_v:.3g}" if device.field_v_mm > 0 else ""
            table.add_row(
                device.formula, f"{device.sensitivity_uc_gy_cm2:.4g}", f"{device.field_v_mm:g}",
                f"{device.over_ideal:.3g}", within, merit,
            )  # fmt: skip
        console.print(table)
    counts: dict[str, int] = {}
    for row in ranking.left_out:
        counts[row[3]] = counts.get(row[3], 0) + 1
    for why, count in sorted(counts.items(), key=lambda pair: -pair[1]):
        console.print(f"not ranked, {count}: {why}", markup=False)
    console.print(f"page in {out}", markup=False)
