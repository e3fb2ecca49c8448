"""`perospin report`: the shipped studies and the page of what to make next, from an installed perospin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run the shipped studies.",
)

STUDIES = ("spin-relaxation", "hoip-band-gap")
NEXT = "what-to-make-next.html"


@app.command()
def report(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")] = Path("report"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress line.")] = False,
) -> None:
    """Run the shipped studies and write their reports; interrupted, the same command goes on.

    Example: perospin report --out report
    """
    from perospin.cli.study.run import run
    from perospin.navigation import Space, screen
    from perospin.navigation.screening.page import page
    from perospin.saving import make_folder, write_text

    make_folder(out)
    for name in STUDIES:
        run(name, out=out / name, quiet=quiet, workers=os.cpu_count() or 1)
    space = Space.from_dict({"name": "materials", "materials": {"spacers": "all", "a_cations": ["MA"]}})
    write_text(out / NEXT, page(screen(space, "spin-relaxation", top=12, progress=not quiet)))
    typer.echo(f"What to make next: {out / NEXT}")
    typer.echo(f"The reports: {' and '.join(str(out / name / 'report.html') for name in STUDIES)}")
