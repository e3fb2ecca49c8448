"""`perospin attenuation`: how much of an X-ray beam a layer of any formula takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perospin.cli.paragraphs import JsonOption, print_json
from perospin.errors import DataError
from perospin.saving import write_figure
from perospin.units import quantity_in

if TYPE_CHECKING:
    from perospin.detectors import Density

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="X-ray attenuation of a formula.",
)


def _density(formula: str, density: float | None, cif: Path | None, volume: float | None, units: int | None) -> Density:
    """Density and where it is from; a tabulated or estimated one is named."""
    from perospin.detectors import density_of

    if (volume is None) != (units is None):
        raise DataError("--cell-volume and --formula-units belong together, e.g. --cell-volume 9918 --formula-units 16")
    cell = None if volume is None or units is None else (volume, units)
    if sum(given is not None for given in (density, cif, cell)) > 1:
        raise DataError("give one of --density, --cif and --cell-volume: each tells the density")
    return density_of(formula, given_g_cm3=density, cif=cif, cell=cell)


def _beam(
    tube_kv: float, filters: list[str], plain: str, rho: float, thickness_mm: float, gap_ev: float | None
) -> list[str]:
    """Lines on what a layer takes of the beam of a tube."""
    from perospin.detectors import COMPARISON, pair_creation_energy, read_filter, tube_beam

    beam = tube_beam(tube_kv, [read_filter(text) for text in filters])
    photons, energy = beam.attenuated(plain, rho, thickness_mm)
    others = ", ".join(
        f"{name} {100 * beam.attenuated(f, d, thickness_mm)[1]:.1f} %" for name, (f, d) in COMPARISON.items()
    )
    lines = [
        f"{beam.name}: mean {beam.mean_kev:.2f} keV, half-value layer {beam.half_value_layer_mm_al:.3g} mm Al",
        f"attenuated: {100 * photons:.2f} % of the photons, {100 * energy:.2f} % of their energy (as thick: {others})",
        f"dose to fluence: {beam.fluence_cm2_gy:.4g} photons/cm2 and {1e3 * beam.energy_fluence_j_cm2_gy:.4g} mJ/cm2 "
        "for 1 Gy of air kerma",
        "the energy-absorption coefficient is tabulated for air alone; of this material it is absent, so the share of "
        "energy is an upper limit",
    ]
    if gap_ev is not None:
        ideal = beam.ideal_sensitivity(energy, pair_creation_energy(gap_ev))
        lines.append(f"ideal sensitivity {ideal:.4g} uC Gy-1 cm-2 (pair energy 2 Eg + 1.43 eV, all charge collected)")
    return lines


@app.command()
def attenuation(
    formula: Annotated[str, typer.Argument(help="(PEA)2PbI4, CdTe, ...; or one of Si, a-Se, CZT.")],
    energy: Annotated[str, typer.Option(help="Photon energies in keV, with commas.")] = "40",
    thickness: Annotated[str, typer.Option(help="Thickness; mm without a unit.")] = "1 mm",
    density: Annotated[float | None, typer.Option(help="Density, g/cm3.")] = None,
    cell_volume: Annotated[float | None, typer.Option(help="Volume of the cell, A3; gives the density.")] = None,
    formula_units: Annotated[int | None, typer.Option(help="Formula units in the cell.")] = None,
    cif: Annotated[Path | None, typer.Option(help="Crystal file; its cell gives the density.")] = None,
    tube_kv: Annotated[float | None, typer.Option(help="Voltage of an X-ray tube, kV (extra xray).")] = None,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="Filter of the tube, e.g. 'Al 2 mm'; repeatable.")
    ] = None,
    gap_ev: Annotated[float | None, typer.Option(help="Band gap, eV: the ideal sensitivity is told.")] = None,
    absorb: Annotated[float, typer.Option(help="Say the thickness that attenuates this fraction.")] = 0.9,
    figure: Annotated[Path | None, typer.Option("--figure", "-f", help="Draw into this file (png, svg, pdf).")] = None,
    as_json: JsonOption = False,
) -> None:
    """X-ray attenuation: coefficients, attenuated fraction of a thickness, K edges, beside known materials.

    The density is given, of a cell, of a crystal in the database, or estimated from its ions with an interval; which
    one is told. With --tube-kv the beam of a tube (tungsten, 12 degrees) behind filters is told as well.

    Example: perospin attenuation "(PEA)2PbI4" --energy 20,40,60 --thickness 0.7 --tube-kv 50 --filter "Al 2 mm"
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from perospin.detectors import COMPARISON, absorbed_fraction, edges_within, mass_attenuation, thickness_for

    try:
        energies = [float(part) for part in energy.split(",")]
    except ValueError:
        raise DataError(f"--energy '{energy:.40}' must be numbers in keV, e.g. --energy 20,40,60") from None
    thickness_mm = quantity_in(thickness, "mm", "--thickness")
    if not thickness_mm > 0:
        raise DataError(f"--thickness '{thickness:.40}' must be positive, e.g. --thickness 0.7")
    plain = COMPARISON[formula][0] if formula in COMPARISON else formula
    if filters and tube_kv is None:
        raise DataError("--filter needs --tube-kv, e.g. --tube-kv 50 --filter 'Al 2 mm'")
    if gap_ev is not None and tube_kv is None:
        raise DataError("--gap-ev needs --tube-kv: the ideal sensitivity is told for the beam of a tube")
    density_found = _density(formula, density, cif, cell_volume, formula_units)
    rho = density_found.value_g_cm3
    edges = edges_within(plain, 1.0, 150.0)
    if as_json:
        coefficients = [mass_attenuation(plain, at) for at in energies]
        found = {
            "formula": formula, "density_g_cm3": rho, "density_from": density_found.source,
            "thickness_mm": thickness_mm, "k_edges_kev": dict(edges),
            "energies": [
                {"energy_kev": at, "mass_attenuation_cm2_g": mass, "attenuation_per_cm": rho * mass,
                 "attenuated": absorbed_fraction(rho * mass, thickness_mm),
                 "thickness_for_mm": thickness_for(absorb, rho * mass)}
                for at, mass in zip(energies, coefficients, strict=True)
            ],
            "beam": _beam(tube_kv, filters or [], plain, rho, thickness_mm, gap_ev) if tube_kv is not None else [],
        }  # fmt: skip
        print_json(found)
        if figure is not None:
            _draw(figure, plain, rho, energies[0], thickness_mm)
        return
    console = Console(highlight=False)
    console.print(escape(f"{formula}, density {density_found}, {thickness_mm:g} mm"))
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("keV", "mu/rho (cm2/g)", "mu (1/cm)", "attenuated (%)", f"{absorb:.4g} at (mm)"):
        table.add_column(column, justify="right")
    for at in energies:
        mass = mass_attenuation(plain, at)
        share = 100 * absorbed_fraction(rho * mass, thickness_mm)
        depth = thickness_for(absorb, rho * mass)
        table.add_row(f"{at:g}", f"{mass:.5g}", f"{rho * mass:.5g}", f"{share:.2f}", f"{depth:.4g}")
    console.print(table)
    if edges:
        console.print("K edges: " + ", ".join(f"{symbol} {at:.2f} keV" for symbol, at in edges.items()))
    others = ", ".join(
        f"{name} {100 * absorbed_fraction(d * mass_attenuation(f, energies[0]), thickness_mm):.1f} %"
        for name, (f, d) in COMPARISON.items()
    )
    console.print(f"as thick, at {energies[0]:g} keV: {others} (handbook densities)")
    console.print("attenuated includes scattering; fluorescence that escapes makes the absorbed energy less")
    if tube_kv is not None:
        for line in _beam(tube_kv, filters or [], plain, rho, thickness_mm, gap_ev):
            console.print(escape(line))
    if figure is not None:
        _draw(figure, plain, rho, energies[0], thickness_mm)
        console.print(f"wrote {figure}")


def _draw(figure: Path, plain: str, rho: float, energy_kev: float, thickness_mm: float) -> None:
    from perospin.detectors import attenuation_figure

    write_figure(attenuation_figure(plain, rho, energy_kev, thickness_mm), figure)
