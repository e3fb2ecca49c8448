"""``perospin data`` plot, relate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from perospin.cli.data.options import (
    EvidenceOption,
    HighOption,
    JsonOption,
    LowOption,
    MaterialOption,
    SourceOption,
    StoreOption,
    TableOption,
    TechniqueOption,
    TheoryOption,
    app,
)
from perospin.errors import DataError
from perospin.saving import plain, write_figure

_FORMATS = (".png", ".svg", ".pdf")
_OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Figure to write: .png, .svg, .pdf; NAME.png if not given.")
]


def _filters(
    material: str | None,
    table: str | None,
    technique: str | None,
    evidence: str | None,
    source: str | None,
    low: float | None,
    high: float | None,
    theory: bool,
    store: str | None,
) -> dict[str, Any]:
    given = {
        "material": material, "table": table, "technique": technique, "evidence": evidence, "source": source,
        "temperature_k": (low, high) if (low, high) != (None, None) else None, "include_theory": theory, "store": store,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value not in (None, False)}


@app.command()
def plot(
    x: Annotated[str, typer.Argument(metavar="X", help="A property, g_factor:hole, or a ready plot (see below).")],
    y: Annotated[
        str | None, typer.Argument(metavar="[Y]", help="Another quantity; without it all values of X.")
    ] = None,
    out: _OutOption = None,
    material: MaterialOption = None,
    table: TableOption = None,
    technique: TechniqueOption = None,
    evidence: EvidenceOption = None,
    source: SourceOption = None,
    min_temperature: LowOption = None,
    max_temperature: HighOption = None,
    theory: TheoryOption = False,
    store: StoreOption = None,
) -> None:
    """Draw the values of a property by material, or one quantity against another.

    Ready plots: lifetime-room, lifetime-cold, lifetime-layers, g-electron-gap, g-hole-gap, gcd-polarisation,
    gcd-magnetoresistance, rashba-disparity, splitting-disparity, limit-sensitivity.

    Example: perospin data plot tau_spin --min-temperature 250 --out lifetimes.png
    """
    from perospin.reports.relations.drawing import by_material_figure, relation_figure
    from perospin.reports.relations.ready import READY
    from perospin.reports.relations.relate import relate

    path = out if out is not None else Path(f"{x}{f'-{y}' if y else ''}.png".replace(":", "-"))
    if path.suffix.lower() not in _FORMATS:
        raise DataError(f"--out {path}: allowed are {', '.join(_FORMATS)}")
    filters = _filters(material, table, technique, evidence, source, min_temperature, max_temperature, theory, store)
    law = ""
    if x in READY:
        if y is not None:
            raise DataError(f"'{x}' is a ready plot and takes no second quantity")
        ready = READY[x]
        x, y, law, filters = ready.x, ready.y or None, ready.law, {**ready.filters, **filters}
    if y is None:
        figure = by_material_figure(x, **filters)
    else:
        relation = relate(x, y, **filters)
        typer.echo(relation.verdict, err=True)
        figure = relation_figure(relation, law=law)
    write_figure(figure, path, dpi=200)
    typer.echo(str(path))


@app.command("relate")
def relate_command(
    x: Annotated[str, typer.Argument(metavar="X", help="A property, a condition, or a column of known crystals.")],
    y: Annotated[str, typer.Argument(metavar="Y", help="Another one.")],
    level: Annotated[float, typer.Option("--level", help="Probability of the interval.")] = 0.95,
    material: MaterialOption = None,
    table: TableOption = None,
    technique: TechniqueOption = None,
    evidence: EvidenceOption = None,
    source: SourceOption = None,
    min_temperature: LowOption = None,
    max_temperature: HighOption = None,
    theory: TheoryOption = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Say whether two quantities of the records go together, by material, or that one can't tell.

    Example: perospin data relate xray_sensitivity xray_detection_limit
    """
    from perospin.reports.relations.relate import relate

    if not 0.5 <= level < 1.0:
        raise DataError(f"--level {level:g} must lie between 0.5 and 1, e.g. 0.95")
    filters = _filters(material, table, technique, evidence, source, min_temperature, max_temperature, theory, store)
    found = relate(x, y, level=level, **filters)
    if as_json:
        told = found.correlation
        content = {
            "x": found.x.label, "y": found.y.label, "verdict": found.verdict, "materials": found.materials,
            "rank_correlation": told.rho, "low": told.low, "high": told.high, "level": told.level,
            "p_value": told.p_value, "interval": told.how, "notes": list(found.notes),
            "points": found.points.to_dict("records"),
        }  # fmt: skip
        typer.echo(json.dumps(plain(content), indent=1, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from perospin.digits import figures

    console = Console(highlight=False)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("material", found.x.label, found.y.label):
        shown.add_column(escape(name), justify="left" if name == "material" else "right", overflow="fold")
    for row in found.points.itertuples():
        shown.add_row(escape(str(row.formula)), figures(row.x, 4), figures(row.y, 4))
    console.print(shown)
    for sentence in (f"{found.verdict[:1].upper()}{found.verdict[1:]}.", *(f"note: {note}" for note in found.notes)):
        console.print(escape(sentence), soft_wrap=True)
