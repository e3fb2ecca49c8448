"""``perospin crystal build``: starts of a layered perovskite as POSCAR and CIF files."""

from __future__ import annotations

import shlex
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from perospin.cli.crystal.beside import expected_words
from perospin.cli.crystal.group import app
from perospin.cli.own_ions import library_with
from perospin.digits import counted, figures


@app.command("build")
def build_command(
    formula: Annotated[str, typer.Argument(help="A layered perovskite, n = 1 to 3, e.g. '(BA)2PbI4'.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")],
    starts: Annotated[int, typer.Option("--starts", help="How many starts.")] = 24,
    ion: Annotated[
        list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same files.")] = 0,
    packings: Annotated[
        int, typer.Option("--packings", help="How many poses are packed; the best distinct ones become starts.")
    ] = 600,
) -> None:
    """Build starts of a crystal that nobody has grown: packed, not relaxed.

    Example: perospin crystal build "(BA)2PbI4" --starts 24 --out starts

    Octahedra are regular, spacers stretched and folded; symmetry, tilts, poses and shifts are drawn and packed until
    nothing clashes. The best become starts, none packed like another. Each is a POSCAR and a CIF; starts.csv lists them
    all with their variables. A minute or two on two cores.
    """
    from perospin.chemistry import Perovskite
    from perospin.descriptors.structure.building import NOT_AN_ENERGY, build, check_folder, write_starts
    from perospin.studies.predicting.spacing import expected_spacings
    from perospin.studies.structures import spacing_beside

    material = Perovskite.parse(formula, library_with(ion))
    for caution in material.cautions:
        typer.echo(caution, err=True)
    check_folder(out, material.formula, seed)
    beside = spacing_beside(material)
    built = build(material, starts, seed, packings=packings, expected_a=expected_spacings([material])[0], progress=True)
    written = write_starts(built, out, beside)
    ranked = sorted(built, key=lambda start: start.packing_score)
    spacings = [float(start.variables["spacing_a"]) for start in ranked]
    typer.echo(f"{counted(len(built), 'start')} of {material.formula} in {out}, unrelaxed, seed {seed}")
    if len(built) < starts:
        typer.echo(f"  {starts} were asked for; no more are free of clashes and packed differently")
    third = median(spacings[: max(1, len(spacings) // 3)])
    low, high = figures(min(spacings)), figures(max(spacings))
    typer.echo(f"  layer spacing {low} to {high} A; median of the best packed third {figures(third)} A")
    typer.echo(f"  {expected_words(beside)}")
    if remark := built[0].variables["remark"]:
        typer.echo(f"  {remark}")
    typer.echo(f"  table: {written[-1]}")
    typer.echo(NOT_AN_ENERGY)
    own = "".join(f" --ion {shlex.quote(text)}" for text in ion or ())
    typer.echo(f"next: perospin crystal relax {shlex.quote(str(out))}{own} --engine sevennet --out relaxed")
