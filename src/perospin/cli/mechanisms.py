"""`perospin mechanisms`: rate laws by name, and which mechanism a table of lifetimes speaks for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perospin.cli.paragraphs import JsonOption, print_json
from perospin.errors import DataError
from perospin.progress import progress_line
from perospin.saving import write_figure

if TYPE_CHECKING:
    from rich.console import Console

    from perospin.mechanisms import MechanismResult, Observations

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Spin relaxation laws, and which mechanism limits your spins.",
)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


@app.command("list")
def list_laws(
    search: Annotated[str, typer.Argument(help="Part of a name, title or heading.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List the laws: name, formula, what they give, status and source.

    READ: the formula was read in its source; DERIVED: derived and checked numerically; TEXTBOOK: standard form, the
    primary source was not opened.

    Example: perospin mechanisms list
    """
    from rich.markup import escape
    from rich.table import Table

    from perospin.mechanisms import LAWS

    wanted = search.casefold()
    found = [law for law in LAWS.values() if wanted in f"{law.name} {law.title} {law.group}".casefold()]
    if not found:
        raise DataError(f"no law matches '{search}'; see `perospin mechanisms list` for all")
    if as_json:
        keys = ("name", "title", "group", "formula", "unit", "status", "source")
        print_json([{key: str(getattr(law, key)) for key in keys} for law in found])
        return
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
        default = "" if item.required else f" (default {'left out' if item.default is None else item.default})"
        lines.append(f"    {item.short}{unit}: {item.words}{default}")
    if law.ranges:
        lines += ["  holds for:", *(f"    {item.words}" for item in law.ranges)]
    return "\n".join([*lines, "  example:", f"    {law.example}"])


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
    as_json: JsonOption = False,
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
    if as_json:
        lifetime = (0.5 if law.flips else 1.0) / value if law.unit == "1/ps" and value > 0 else None
        _print_value(law.name, value, law.unit, lifetime, caught)
        return
    for warning in caught:
        typer.echo(f"note: {warning.message}", err=True)
    unit = "" if law.unit == "1" else f" {law.unit}"
    typer.echo(f"{law.name}: {value:.6g}{unit}")
    if law.unit == "1/ps" and value > 0:
        if law.flips:
            typer.echo(f"lifetime of the polarisation, which decays at twice the flip rate: {_time(0.5 / value)}")
        else:
            typer.echo(f"lifetime: {_time(1.0 / value)}")


def _print_value(name: str, value: Any, unit: str, lifetime_ps: Any, caught: Sequence[Any]) -> None:
    told = {"law": name, "value": value, "unit": unit, "lifetime_ps": lifetime_ps}
    print_json({**told, "notes": [str(warning.message) for warning in caught]})


@app.command()
def integral(
    name: Annotated[str, typer.Argument(help="dyakonov_perel or elliott_yafet.")],
    table: Annotated[Path, typer.Argument(help="CSV file of two columns: energy with its unit, and the function.")],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", help="NAME=VALUE, with a unit: temperature='300 K'. Repeatable."),
    ] = None,
    exponent: Annotated[
        float, typer.Option("--scattering-exponent", help="r of tau_p ~ (energy/kT)^r, dyakonov_perel.")
    ] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a law as an integral over your own spectrum or density of states.

    elliott_yafet: the table is the spin-flip Eliashberg function against the phonon energy (Eq. 2 of
    10.1039/d5sc07406a); it needs temperature. dyakonov_perel: the table is the density of states, any unit, against the
    energy (Eq. 1); it needs temperature, rashba (of an isotropic field), momentum_scattering_time and mass.

    Example: perospin mechanisms integral elliott_yafet a2f.csv -p temperature="300 K"
    """
    from perospin.mechanisms.tabulated import tabulated_rate

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = tabulated_rate(name, table, _pairs(param or []), exponent)
    if as_json:
        _print_value(name, value, "1/ps", 1.0 / value if value > 0 else None, caught)
        return
    for warning in caught:
        typer.echo(f"note: {warning.message}", err=True)
    typer.echo(f"{name}: {value:.6g} 1/ps")
    if value > 0:
        typer.echo(f"lifetime: {_time(1.0 / value)}")


def _time(lifetime_ps: Any) -> str:
    from perospin.units import convert, readable_unit

    unit = readable_unit(lifetime_ps, "ps")
    return f"{convert(lifetime_ps, 'ps', unit):.4g} {unit}"


def _constants(known: list[str] | None) -> dict[str, float]:
    from perospin.mechanisms import QUANTITIES
    from perospin.mechanisms.quantities import read_value

    by_name = {key: quantity for quantity in QUANTITIES.values() for key in (quantity.name, quantity.short)}
    constants = {}
    for name, text in _pairs(known or []).items():
        if name not in by_name:
            raise DataError(f"unknown constant '{name:.40}': e.g. --known nuclear_field='12 mT'")
        constants[by_name[name].name] = read_value(by_name[name], text)
    return constants


def _check_targets(out: Path | None, plot: Path | None) -> None:
    """Refuse what can't be written before anything is computed."""
    if out is not None and out.exists() and not out.is_dir():
        raise DataError(f"can't write to '{out}': it is a file, not a folder")
    if out is not None and not out.parent.is_dir():
        raise DataError(f"can't write to '{out}': there is no folder '{out.parent}'")
    if plot is not None:
        if plot.suffix.lower() not in {".png", ".pdf", ".svg"}:
            raise DataError(f"the figure '{plot}' must end in .png, .pdf or .svg")
        if not plot.parent.is_dir():
            raise DataError(f"can't write '{plot}': there is no folder '{plot.parent}'")


@app.command()
def infer(
    table: Annotated[Path, typer.Argument(help="CSV file of lifetimes or rates, and their conditions.")],
    nuts: Annotated[bool, typer.Option("--nuts/--fast", help="Full posteriors, or least squares.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for result.json, summary.txt, rows.csv.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Figure to write: .png, .pdf or .svg.")] = None,
    candidate: Annotated[
        list[str] | None,
        typer.Option("--candidate", "-c", help="Only these mechanisms, or sums as constant+activation. Repeatable."),
    ] = None,
    uncertainty: Annotated[
        float | None, typer.Option("--uncertainty", help="Relative uncertainty of every row, if the table has none.")
    ] = None,
    known: Annotated[
        list[str] | None, typer.Option("--known", help="A measured constant: nuclear_field='12 mT'. Repeatable.")
    ] = None,
    most: Annotated[int, typer.Option("--max-mechanisms", min=1, max=3, help="Largest sum of mechanisms.")] = 2,
    celsius: Annotated[bool, typer.Option("--celsius", help="C in the table means degrees Celsius.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of all random draws.")] = 0,
) -> None:
    """Say which mechanism limits the spins, or that the data can't tell.

    The table has a column lifetime_ps or rate_per_ps (other units: lifetime_ns, 'lifetime (us)'), if possible
    lifetime_uncertainty_ps, and any of temperature_k, density_cm3, field_t, n_layers, momentum_scattering_time_ps,
    exciton_binding_energy_mev.

    Example: perospin mechanisms infer t1.csv --plot t1.png --known nuclear_field="12 mT"
    """
    from perospin.mechanisms import read_observations

    _check_targets(out, plot)
    constants = _constants(known)
    observed = read_observations(table, celsius=celsius)
    result = _infer(observed, nuts, candidate, uncertainty, constants, most, seed)
    typer.echo(result.summary())
    if out is not None:
        result.save(out)
        typer.echo(f"\nSaved in {out}", err=True)
    if plot is not None:
        _save_figure(result, plot)
        typer.echo(f"Figure in {plot}", err=True)


def _infer(
    observed: Observations,
    nuts: bool,
    candidates: list[str] | None,
    uncertainty: float | None,
    constants: dict[str, float],
    most: int,
    seed: int,
) -> MechanismResult:
    from perospin import mechanisms

    with progress_line(nuts) as tell:

        def on_model(name: str, done: int, total: int) -> None:
            if tell is not None:
                tell(f"sampling {name}" if name else "sampled", done, total)

        return mechanisms.infer(
            observed,
            mode="nuts" if nuts else "fast",
            candidates=candidates,
            relative_uncertainty=uncertainty,
            known=constants,
            max_mechanisms=most,
            seed=seed,
            on_model=on_model,
        )


def _save_figure(result: MechanismResult, path: Path) -> None:
    write_figure(result.plot(), path)
