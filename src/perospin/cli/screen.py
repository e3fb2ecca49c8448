"""``perospin screen``: which materials of a space to make next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.cli.own_ions import library_with
from perospin.cli.paragraphs import say
from perospin.digits import number
from perospin.errors import DataError
from perospin.saving import write_json, write_text

if TYPE_CHECKING:
    from perospin.chemistry import IonLibrary
    from perospin.navigation import Screening

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Screen a space of materials with a study.",
)

_EXPLAINED = 3
"""Materials whose pushes the terminal shows; the table and the page have all."""


@app.command()
def screen(
    space: Annotated[Path | None, typer.Argument(help="Space file (.toml); or give the options below.")] = None,
    spacers: Annotated[str | None, typer.Option(help="'all', or symbols such as PEA,BA.")] = None,
    a_cation: Annotated[str, typer.Option("--a", help="Cations of the cages for n = 2 and more: MA,FA.")] = "MA",
    metal: Annotated[str, typer.Option(help="Metals: Pb or Pb,Sn.")] = "Pb",
    halide: Annotated[str, typer.Option(help="Halides: I or I,Br.")] = "I",
    layers: Annotated[str, typer.Option(help="Layer numbers: 1 or 1,2,3.")] = "1",
    ion: Annotated[
        list[str] | None, typer.Option("--ion", help="A cation of your own, NAME=SMILES; repeatable.")
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option("--objective", help="min or max, alone or with a descriptor: 'min molar_mass_g_mol'."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 20,
    rank: Annotated[str, typer.Option(help="bound (pessimistic end), chance (to beat) or value.")] = "bound",
    beat: Annotated[str | None, typer.Option(help="Material to beat; the best measured one by default.")] = None,
    diverse: Annotated[bool, typer.Option("--diverse", help="A list whose members differ.")] = False,
    study: Annotated[str, typer.Option(help="Shipped study or study file.")] = "spin-relaxation",
    part: Annotated[str | None, typer.Option(help="Part of the study.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a large screening that was stopped.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads; all processors by default.")] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="Dask scheduler (address or file) whose workers screen.")
    ] = None,
    limit_min: Annotated[
        float, typer.Option(min=0.1, help="Minutes for each new cation's descriptors; slower ones are left out.")
    ] = 10.0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write the table (.csv, .parquet or .json).")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with the molecules drawn.")] = None,
) -> None:
    """Predict every material of a space and rank them, in domain first.

    Example: perospin screen --spacers all --metal Pb --halide I --layers 1
    """
    from perospin import navigation

    if (space is None) == (spacers is None):
        raise DataError("give either a space file or --spacers, for example: perospin screen --spacers all")
    for path, endings in ((out, (".csv", ".parquet", ".json")), (html, (".html",))):
        if path is not None and path.suffix.lower() not in endings:
            raise DataError(f"'{path}' must end in {' or '.join(endings)}")
        if path is not None and not path.absolute().parent.is_dir():
            raise DataError(f"can't write '{path}': there is no folder '{path.parent}'")
    if resume and out is None:
        raise DataError("--resume needs the --out of the screening that was stopped: its state lies beside that file")
    state = None if out is None else out.with_name(f"{out.name}.screening")
    library = library_with(ion)
    opened = (
        navigation.Space.load(space, library)
        if space is not None
        else _space(spacers or "", a_cation, metal, halide, layers, _own(ion, a_cation, library), library)
    )
    typer.echo(f"{opened.size:,} {'material' if opened.size == 1 else 'materials'} in the space", err=True)
    for sentence in opened.told():
        typer.echo(sentence, err=True)
    found = navigation.screen(
        opened, study, objectives=tuple(objective or ("min",)), top=top, rank=rank, beat=beat, diverse=diverse,
        part=part, progress=True, state=state, resume=resume, workers=workers, scheduler=scheduler,
        limit_s=60 * limit_min,
    )  # fmt: skip
    _print(found)
    if out is not None:
        _write(found, out)
        if state is not None:
            state.unlink(missing_ok=True)
        typer.echo(f"table in {out}", err=True)
    if html is not None:
        from perospin.navigation.screening.page import page

        write_text(html, page(found))
        typer.echo(f"page in {html}", err=True)


def _own(ion: list[str] | None, a_cation: str, library: IonLibrary) -> dict[str, str]:
    """Give the spacers of ``--ion``: all that --a doesn't name."""
    cages = {one.strip() for one in a_cation.split(",")}
    names = {text.partition("=")[0].strip() for text in ion or ()} - cages
    return {name: str(library.get(name).smiles) for name in sorted(names)}


def _space(spacers: str, a_cation: str, metal: str, halide: str, layers: str, own: dict[str, str], library: Any) -> Any:
    from perospin.navigation import Space

    numbers = []
    for text in layers.split(","):
        if not text.strip().isdigit():
            raise DataError(f"--layers '{layers}' must be whole numbers such as 1 or 1,2,3")
        numbers.append(int(text))
    listed = {"a_cations": a_cation, "metals": metal, "halides": halide}
    materials: dict[str, Any] = {name: [one.strip() for one in text.split(",")] for name, text in listed.items()}
    listed_spacers = [one.strip() for one in spacers.split(",") if one.strip() not in own]
    chosen = "all" if spacers.strip() == "all" else listed_spacers
    told = {**materials, "spacers": chosen, "layers": numbers, "smiles": own}
    return Space.from_dict({"name": "materials", "materials": told}, library)


def _print(found: Screening) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    what, unit = found.headline
    table = Table(box=None, pad_edge=False)
    table.add_column("", justify="right")
    table.add_column("material", overflow="fold")
    table.add_column(f"{what} ({unit})", justify="right")
    table.add_column(f"{100 * found.level:g} % interval", justify="right")
    table.add_column("beats ref.", justify="right")
    table.add_column("")
    for row in found.table.to_dict("records"):
        value, low, high = found.shown(row)
        remarks = [*(["measured"] if row["known"] else []), *([] if row["in_domain"] else ["out of domain"])]
        table.add_row(
            str(row["rank"]), escape(row["formula"]), number(value), f"{number(low)} to {number(high)}",
            f"{number(100 * row['chance_to_beat'], 0)} %", ", ".join(remarks),
        )  # fmt: skip
    console.print(table)
    for place, row in enumerate(found.table.to_dict("records")[:_EXPLAINED]):
        if pushed := "; ".join(found.pushes(place)):
            say(console, f"Pushes on {escape(row['formula'])}: {escape(pushed)}.", indent=0)
    for sentence in (f"{found.told_apart}.", *found.notes()):
        say(console, escape(sentence), indent=0)


def _write(found: Screening, path: Path) -> None:
    if path.suffix.lower() == ".json":
        finite = found.table.replace([float("inf"), -float("inf")], float("nan"))  # JSON knows neither
        told = finite.astype(object).where(finite.notna(), None)
        write_json(path, {"notes": [f"{found.told_apart}.", *found.notes()], "rows": told.to_dict("records")})
        return
    from perospin.descriptors.writing import TableWriter

    with TableWriter(path) as out:
        out.write(found.table.set_index("formula"))
