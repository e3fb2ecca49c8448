"""``perospin crystal stability``: energies between relaxed crystals, and why there are no others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perospin.cli.crystal.group import app
from perospin.cli.own_ions import library_with
from perospin.digits import counted, signed
from perospin.errors import DataError


@app.command("stability")
def stability_command(
    folders: Annotated[list[Path], typer.Argument(help="Folders that `perospin crystal relax` wrote.")],
    ion: Annotated[
        list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The reactions as CSV.")] = None,
) -> None:
    """Compare energies of relaxed crystals: packings of a material, and reactions within a series.

    Example: perospin crystal stability relaxed_n1 relaxed_n2 relaxed_n3

    A reaction splits a layered perovskite into thinner and thicker ones of the same series, or into n = 1 and the 3D
    perovskite. All crystals must be relaxed by one engine. Energies are at 0 K, without vibrations.
    """
    from rich.console import Console

    from perospin.cli.paragraphs import show_rows
    from perospin.descriptors.structure.relaxing import NOT_TOLD, rank_starts, reactions, read_results
    from perospin.saving import write_csv

    library = library_with(ion)
    ranked = rank_starts(read_results(folders), library)
    if ranked["rank"].isna().all():
        raise DataError("no crystal in these folders converged: relax them with more --steps first")
    materials = ranked.loc[ranked["rank"].notna()]
    for (material, engine), rows in materials.groupby(["material", "engine"], sort=False):
        distinct = rows[rows["same_as"] == ""].sort_values("rank")
        above = ", ".join(f"{mev:.0f}" for mev in distinct["energy_above_lowest_mev"].head(6))
        typer.echo(
            f"{material} ({engine}): {counted(len(distinct), 'minimum', 'minima')}, meV per {rows['unit'].iloc[0]} "
            f"above the lowest: {above}{', ...' if len(distinct) > 6 else ''}"
        )
    _tell_packing_error(sorted(set(materials["engine"])))
    found = reactions(ranked, library)
    if found.empty:
        typer.echo(
            "no reaction: give crystals of three numbers of sheets of one series, or of two and their 3D perovskite, "
            "relaxed by one engine"
        )
    else:
        lines = [
            [str(row["reaction"]), signed(row["energy_mev_per_metal"], 0), str(row["engine"])]
            for row in found.to_dict("records")
        ]
        show_rows(
            Console(highlight=False), ["reaction", "meV per metal", "engine"], lines, whole=range(1, 3), right=[1]
        )
        typer.echo("  positive: the left side lies lower, at 0 K and without vibrations")
        _tell_reaction_error()
    typer.echo(NOT_TOLD)
    if out is not None:
        write_csv(found, out)
        typer.echo(f"table: {out}")


def _tell_packing_error(engines: list[str]) -> None:
    from perospin.descriptors.structure.relaxing import packing_error
    from perospin.descriptors.structure.relaxing.trust_table import SAME_MEV

    for engine in engines:
        error = packing_error(engine)
        if not error.n_materials:
            typer.echo(f"how far {engine} errs between packings isn't known here")
            continue
        known = counted(error.n_materials, "known material")
        if not error.n_lower:
            told = (
                f"for none of {known} a start of another packing lies more than {SAME_MEV:.0f} meV per spacer below "
                "the crystal: no larger error was seen"
            )
        else:
            told = (
                f"for {error.n_lower} of {known} a start of another packing lies below the crystal, by up to "
                f"{error.largest_mev:.0f} meV per spacer; smaller differences tell nothing"
            )
        typer.echo(f"{engine} between packings: {told}")


def _tell_reaction_error() -> None:
    from perospin.descriptors.structure.relaxing import reaction_spread

    number, apart = reaction_spread()
    typer.echo(
        f"  the error isn't known: no measured energy of such a reaction is at hand. Two engines are {apart:.0f} meV "
        f"per metal apart (rms over {counted(number, 'reaction')}); the error is hardly smaller"
    )
