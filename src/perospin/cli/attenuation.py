"""`perospin attenuation`: how much of an X-ray beam a layer of any formula takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perospin.errors import DataError
from perospin.saving import write_figure
from perospin.units import quantity_in

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="X-ray attenuation of a formula.",
)


def _density(formula: str, density: float | None, volume: float | None, units: int | None) -> tuple[float, str]:
    """Density (g/cm3) and where it is from; a tabulated one is named."""
    from perospin.detectors import COMPARISON, density_from_cell

    if density is not None:
        return density, "given"
    if (volume is None) != (units is None):
        raise DataError("--cell-volume and --formula-units belong together, e.g. --cell-volume 9918 --formula-units 16")
    if volume is not None and units is not None:
        return density_from_cell(formula, volume, units), f"cell of {volume:g} A3 with {units} formula units"
    for name, (plain, tabulated) in COMPARISON.items():
        if formula in (name, plain):
            return tabulated, f"handbook value of {name}, not measured on your sample"
    raise DataError(
        f"the density of {formula:.60} is not known: give --density 4.16 (g/cm3), or --cell-volume (A3) with "
        "--formula-units"
    )


@app.command()
def attenuation(
    formula: Annotated[str, typer.Argument(help="(PEA)2PbI4, CdTe, ...; or one of Si, a-Se, CZT.")],
    energy: Annotated[str, typer.Option(help="Photon energies in keV, with commas.")] = "40",
    thickness: Annotated[str, typer.Option(help="Thickness; mm without a unit.")] = "1 mm",
    density: Annotated[float | None, typer.Option(help="Density, g/cm3.")] = None,
    cell_volume: Annotated[float | None, typer.Option(help="Volume of the cell, A3; gives the density.")] = None,
    formula_units: Annotated[int | None, typer.Option(help="Formula units in the cell.")] = None,
    absorb: Annotated[float, typer.Option(help="Say the thickness that attenuates this fraction.")] = 0.9,
    figure: Annotated[Path | None, typer.Option("--figure", "-f", help="Draw into this file (png, svg, pdf).")] = None,
) -> None:
    """X-ray attenuation: coefficients, attenuated fraction of a thickness, K edges, beside known materials.

    Example: perospin attenuation "(PEA)2PbI4" --energy 20,40,60 --thickness 0.7 --density 2.60
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
    rho, origin = _density(formula, density, cell_volume, formula_units)
    if not 0 < rho < 25:
        raise DataError(f"a density of {rho:g} g/cm3 is no solid's: give it in g/cm3, e.g. --density 4.16")
    console = Console(highlight=False)
    console.print(f"{escape(formula)}, density {rho:.4g} g/cm3 ({origin}), {thickness_mm:g} mm")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("keV", "mu/rho (cm2/g)", "mu (1/cm)", "attenuated (%)", f"{absorb:.4g} at (mm)"):
        table.add_column(column, justify="right")
    for at in energies:
        mass = mass_attenuation(plain, at)
        share = 100 * absorbed_fraction(rho * mass, thickness_mm)
        depth = thickness_for(absorb, rho * mass)
        table.add_row(f"{at:g}", f"{mass:.5g}", f"{rho * mass:.5g}", f"{share:.2f}", f"{depth:.4g}")
    console.print(table)
    edges = edges_within(plain, 1.0, 150.0)
    if edges:
        console.print("K edges: " + ", ".join(f"{symbol} {at:.2f} keV" for symbol, at in edges.items()))
    others = ", ".join(
        f"{name} {100 * absorbed_fraction(d * mass_attenuation(f, energies[0]), thickness_mm):.1f} %"
        for name, (f, d) in COMPARISON.items()
    )
    console.print(f"as thick, at {energies[0]:g} keV: {others} (handbook densities)")
    console.print("attenuated includes scattering; fluorescence that escapes makes the absorbed energy less")
    if figure is not None:
        from perospin.detectors import attenuation_figure

        write_figure(attenuation_figure(plain, rho, energies[0], thickness_mm), figure)
        console.print(f"wrote {figure}")
