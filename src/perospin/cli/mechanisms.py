"""`perospin mechanisms`: rate laws by name, and which mechanism a table of lifetimes speaks for."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.errors import DataError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Spin relaxation laws, and which mechanism limits your spins.",
)


def _console(error: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=error, highlight=False)


@app.command("list")
def list_laws(
    search: Annotated[str, typer.Argument(help="Part of a name, title or heading.")] = "",
) -> None:
    """List the laws: name, formula, what they give, status and source.

    READ: the formula was read in its source; DERIVED: derived and checked numerically; TEXTBOOK: standard form, the
    primary source was not opened.
    """
    from rich.markup import escape
    from rich.table import Table

    from perospin.mechanisms import LAWS

    wanted = search.casefold()
    found = [law for law in LAWS.values() if wanted in f"{law.name} {law.title} {law.group}".casefold()]
    if not found:
        raise DataError(f"no law matches '{search}'; see `perospin mechanisms list` for all")
    console = _console()
    for group in dict.fromkeys(law.group for law in found):
        table = Table(title=group, title_justify="left", header_style="bold", box=None, pad_edge=False)
        for column in ("name", "gives", "formula", "status"):
            table.add_column(column, overflow="fold", no_wrap=column == "name")
        for law in found:
            if law.group == group:
                table.add_row(*(escape(cell) for cell in (law.name, law.title, law.formula, law.status)))
        console.print(table)
        console.print()
    console.print("What a law needs, and an example: perospin mechanisms rate NAME")


def _needs(name: str) -> str:
    from perospin.mechanisms import get_law

    law = get_law(name)
    lines = [
        f"{law.name}: {law.title}",
        f"  {law.formula}   [{law.unit}]   {law.status}, {law.source}",
        "  parameters:",
    ]
    for item in law.parameters:
        unit = f" [{item.quantity.unit}]" if item.quantity and item.quantity.unit != "1" else ""
        meaning = item.quantity.meaning if item.quantity else " or ".join(item.choices)
        default = "" if item.required else f" (default {'left out' if item.default is None else item.default})"
        lines.append(f"    {item.short}{unit}: {meaning or 'a number'}{default}")
    return "\n".join(lines)


def _pairs(param: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in param:
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise DataError(f"--param '{text:.40}' must be NAME=VALUE, e.g. --param temperature='300 K'")
        if name.strip() in pairs:
            raise DataError(f"{name.strip()} is given twice")
        pairs[name.strip()] = value.strip()
    return pairs


@app.command()
def rate(
    name: Annotated[str, typer.Argument(help="Name of a law, see `perospin mechanisms list`.")],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="NAME=VALUE, with a unit: temperature='300 K'. Repeatable."),
    ] = None,
) -> None:
    """Evaluate one law; without --param, say what it needs.

    Example: a Rashba coefficient of 0.05 eV Angstrom at room temperature, momentum lost every 5 fs:

    perospin mechanisms rate dyakonov_perel --param temperature="300 K" --param rashba="0.05 eV*Angstrom" --param
    momentum_scattering_time="5 fs" --param mass="0.2 m0"

    prints 0.15674 1/ps and the lifetime, 6.38 ps.
    """
    from perospin.mechanisms import get_law

    law = get_law(name)
    if not param:
        typer.echo(_needs(law.name))
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = law.evaluate(_pairs(param))
    for warning in caught:
        typer.echo(f"note: {warning.message}", err=True)
    unit = "" if law.unit == "1" else f" {law.unit}"
    typer.echo(f"{law.name}: {value:.6g}{unit}")
    if law.unit == "1/ps" and value > 0:
        typer.echo(f"lifetime: {_time(1.0 / value)}")


def _time(lifetime_ps: Any) -> str:
    for scale, unit in ((1e12, "s"), (1e9, "ms"), (1e6, "us"), (1e3, "ns"), (1.0, "ps")):
        if lifetime_ps >= scale:
            return f"{lifetime_ps / scale:.4g} {unit}"
    return f"{lifetime_ps * 1e3:.4g} fs"
