"""``perospin plate``: the spectra of a plate as numbers, a page, and what a campaign is told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perospin.digits import counted
from perospin.errors import NavigationError

if TYPE_CHECKING:
    from perospin.navigation.plates.line_cuts import PlateCuts

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Turn plate readers' files into numbers of each well.",
)


@app.command()
def plate(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="Exports of a plate reader, of one plate.")],
    map_file: Annotated[
        Path, typer.Option("--map", help="What is in each well: map.csv of a worklist, or a table of your own.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the page, the record and the results.")],
    value: Annotated[
        list[str] | None,
        typer.Option("--value", help="'gap (eV)=peak energy': the campaign's objective and what it is here."),
    ] = None,
    lines: Annotated[
        str | None,
        typer.Option(
            "--lines",
            help="Phases whose shares are wanted: 'n=1:2.36, n=2:2.17, 3D:1.6' (eV), or a table with the columns "
            "phase, energy (eV), source. Default: what the database knows of the map's components.",
        ),
    ] = None,
    diffraction: Annotated[
        Path | None,
        typer.Option("--diffraction", help="Folder of line cuts of the same wells, each named by its well: A1.xy."),
    ] = None,
    first: Annotated[
        str | None,
        typer.Option("--first", help="Spacing of n = 1 in A, or its formula: 16.4, '(PEA)2PbI4'. Gives layer numbers."),
    ] = None,
) -> None:
    """Read all wells, fit them, and write the page and the table for 'perospin campaign tell'.

    Example: perospin plate plate.txt --map work/map.csv --value "gap (eV)=peak energy" --out plate
    """
    import numpy as np

    from perospin.measurements.reading.plates import read_plate
    from perospin.navigation.plates.lines import load_lines, read_lines
    from perospin.navigation.plates.maps import load_map
    from perospin.navigation.plates.plate import analyse_plate
    from perospin.navigation.plates.told import record, result_rows
    from perospin.reports.plates.write import plate_page
    from perospin.saving import make_folder, whole_file, write_json, write_rows

    reads = [read for file in files for read in read_plate(file)]
    # a name without a colon is a file, even one that isn't there
    own = None if not lines else read_lines(lines) if ":" in lines and not Path(lines).is_file() else load_lines(lines)
    result = analyse_plate(reads, load_map(map_file), own, _cuts(diffraction, first))
    rows = result_rows(result, _values(value or []))
    place = make_folder(out)
    write_rows(place / "results.csv", rows[0], rows)
    write_json(place / "record.json", record(result))
    with whole_file(place / "spectra.npz") as part:
        np.savez_compressed(part, wells=np.array(result.wells), energy_ev=result.energy_ev, spectra=result.spectra)
    page = plate_page(result, place, ", ".join(file.name for file in files[:3]))
    flagged = sum(bool(flags) for flags in result.flags)
    typer.echo(f"{counted(len(result.wells), 'well')}, {flagged} flagged")
    for well, flags in zip(result.wells, result.flags, strict=True):
        if flags:
            typer.echo(f"look out: {well} {'; '.join(flags)}", err=True)
    for one in result.warnings:
        typer.echo(f"look out: {one}", err=True)
    typer.echo(f"{page}\n{place / 'results.csv'}")


def _values(given: list[str]) -> dict[str, str]:
    made = {}
    for text in given:
        objective, sign, feature = text.partition("=")
        if not sign or not objective.strip() or not feature.strip():
            raise NavigationError(f"'{text[:60]}' is no value; write 'gap (eV)=peak energy'")
        made[objective.strip()] = feature.strip()
    return made


def _cuts(folder: Path | None, first: str | None) -> PlateCuts | None:
    from perospin.navigation.plates.line_cuts import PlateCuts, cuts_of_wells, first_spacing

    if folder is None:
        if first is not None:
            raise NavigationError("--first is for layers by diffraction; name the folder of cuts by --diffraction")
        return None
    spacing, halide, _ = first_spacing(first) if first is not None else (None, None, "")
    return PlateCuts(cuts_of_wells(folder), spacing, halide or "I")
