"""Results of studies on the terminal."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from perospin.studies.result import PartResult, StudyResult
    from perospin.studies.side_by_side import SideBySide


def _summary(result: StudyResult) -> None:
    """Print, for each part, the verdict and the R2 of every estimator, each with its scheme.

    Schemes stand in the columns as letters and are spelt out above: their names side by side would leave the
    estimators no room on a terminal of 80 columns.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from perospin.digits import number
    from perospin.reports.verdict import reach

    console = Console(highlight=False)
    for label, reason in result.provenance.get("not_modelled", {}).items():
        console.print(f"[bold]{escape(label)}[/bold]: not modelled. {escape(reason[:1].upper() + reason[1:])}.")
    for part in result.parts.values():
        spec = part.spec
        schemes = [s.key for s in spec.schemes if s.key in set(part.scores["scheme"])]
        letters = dict(zip(schemes, ascii_lowercase, strict=False))
        console.print(f"\n[bold]{escape(spec.label or part.name)}[/bold]: {escape(reach(part).headline)}")
        console.print("R² by scheme:")
        for scheme, letter in letters.items():
            console.print(f"  [bold]{letter}[/bold]  {escape(part.scheme_label(scheme))}")
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("R²")
        for letter in letters.values():
            table.add_column(letter, justify="right", no_wrap=True)
        names = [n for n in spec.estimator_names() if n in set(part.scores["estimator"])]
        for name in sorted(names, key=lambda n: n != spec.baseline):
            scores = [part.told_score(name, scheme) for scheme in letters]
            style = "bold" if name == spec.verdict.estimator else None
            table.add_row(
                escape(spec.title_of(name)) + (" [dim](not blind)[/dim]" if spec.known_beforehand(name) else ""),
                *("" if score is None else number(score["r2"]) for score in scores),
                style=style,
            )
        console.print(table)
        _by_quantity(console, part)
        _cautions(console, part)


def _cautions(console: Console, part: PartResult) -> None:
    """Print what must be known about a part before its scores are believed, and how much was tried."""
    from rich.markup import escape
    from rich.padding import Padding

    from perospin.reports.text import variants_text

    if part.cautions:
        console.print("[bold]Before you believe this:[/bold]")
    for caution in part.cautions:
        console.print(Padding(escape(f"• {caution.text}"), (0, 0, 0, 2)))
    console.print(escape(variants_text(part)))


def _print_comparison(console: Console, comparison: SideBySide, a: str, b: str) -> None:
    """Print one pair of parts: what differs, then one small table for each scheme."""
    from rich.markup import escape
    from rich.padding import Padding
    from rich.table import Table

    from perospin.digits import number, percent, signed

    console.print(f"\n[bold]A[/bold] {escape(comparison.a)} [dim]({escape(a)})[/dim]")
    console.print(f"[bold]B[/bold] {escape(comparison.b)} [dim]({escape(b)})[/dim]")
    for text in comparison.differences:
        console.print(Padding(escape(f"• {text}"), (0, 0, 0, 2)))
    if not comparison.differences:
        console.print("  Same data, settings and versions.")
    if comparison.scores.empty:
        console.print("  No estimator and scheme in common.")
        return
    if not comparison.same_rows:
        console.print("  Rows or targets differ, so the scores below answer different questions and have no interval.")
    console.print(f"R² of {escape(comparison.space)}; B − A with its {percent(comparison.level)} interval")
    for _, rows in comparison.scores.groupby("scheme", sort=False):
        fitted = " (in sample: says nothing about new materials)" if rows["in_sample"].iloc[0] else ""
        console.print(f"\n[bold]{escape(str(rows['scheme_label'].iloc[0]))}[/bold]{fitted}")
        same = rows[rows["identical"]]
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("")
        for column in ("A", "B", "B − A", "interval"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in rows[~rows["identical"]].to_dict("records"):
            known = row["low"] == row["low"]
            sure = known and (row["low"] > 0 or row["high"] < 0)
            table.add_row(
                escape(str(row["label"])),
                number(row["r2_a"]),
                number(row["r2_b"]),
                signed(row["gain"]),
                f"{signed(row['low'])} to {signed(row['high'])}" if known else "",
                style="bold" if sure else None,
            )
        if table.row_count:
            console.print(table)
        if len(same):
            listed = ", ".join(f"{row['label']} {number(row['r2_a'])}" for row in same.to_dict("records"))
            console.print(f"identical to the last digit: {escape(listed)}")


def _by_quantity(console: Console, part: PartResult) -> None:
    """Print the typical factor of each quantity, where one table holds several, by scheme."""
    from rich.markup import escape
    from rich.table import Table

    from perospin.digits import figures

    for scheme, rows in part.by_quantity.groupby("scheme", sort=False) if len(part.by_quantity) else ():
        quantities = list(dict.fromkeys(rows["quantity"]))
        label = f"Typical factor of each quantity, {part.scheme_label(str(scheme))}:"
        table = Table(box=None, pad_edge=False, header_style="bold", title=escape(label), title_justify="left")
        table.add_column("", no_wrap=True)
        for quantity in quantities:
            table.add_column(escape(quantity), justify="right", no_wrap=True)
        for name, mine in rows.groupby("estimator", sort=False):
            by = {row["quantity"]: row for row in mine.to_dict("records")}
            table.add_row(
                escape(part.spec.title_of(str(name))), *(figures(by[q]["typical_factor"], 3) for q in quantities)
            )
        counts = rows.drop_duplicates("quantity").set_index("quantity")
        table.add_row(
            "values (materials)",
            *(f"{counts.loc[q, 'n_scored']} ({counts.loc[q, 'n_materials']})" for q in quantities),
        )
        console.print(table)


def _show_part(console: Console, study: object, name: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    from perospin.studies.study import Study

    assert isinstance(study, Study)
    part = study.parts[name]
    records = f"records of {part.data.records}" if part.data.records else part.data.store and "record store"
    data = part.data.table or part.data.csv or records or "your own table (--data)"
    unit = f" ({part.target.unit})" if part.target.unit else ""
    console.print(f"\n[bold]Part {escape(name)}[/bold]: {data}; target {part.target.quantity}{unit}", highlight=False)
    console.print(
        f"Transform {part.target.transform}, seed {part.seed}, {part.variants.tried} models tried beforehand.",
        highlight=False,
    )
    table = Table(header_style="bold")
    for column in ("estimator", "kind", "columns"):
        table.add_column(column, overflow="fold")
    for entry in part.estimators:
        mark = " (baseline)" if entry.name == part.baseline else ""
        table.add_row(escape(entry.title + mark), entry.kind, escape(", ".join(part.columns_of(entry.name))))
    for grid in part.grids:
        count = sum(1 for _ in grid.candidates())
        table.add_row(
            escape(grid.title),
            f"{grid.spec.get('kind')}, one of {count}",
            escape(", ".join(part.columns_of(grid.name))),
        )
    console.print(table)
    console.print("Validation: " + "; ".join(s.label or s.key for s in part.schemes), highlight=False)
