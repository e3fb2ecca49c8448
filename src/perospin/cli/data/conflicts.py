"""``perospin data conflicts``: where sources differ, and what the records then say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perospin.cli.data.options import JsonOption, MaterialOption, PropertyOption, StoreOption, app
from perospin.cli.data.printing import _plural
from perospin.digits import figures, percent
from perospin.text import readable_json, shorten, visible

if TYPE_CHECKING:
    from perospin.database.sharing import Conflict, Coverage, Setting

_WIDTH = 118


@app.command()
def conflicts(
    property: PropertyOption = None,
    material: MaterialOption = None,
    single: Annotated[bool, typer.Option("--single", help="Also materials of which one source alone speaks.")] = False,
    rule: Annotated[bool, typer.Option("--rule", help="Print the rule in full.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show where sources differ: spread, conditions that differ, a recommended value and its interval.

    Example: perospin data conflicts --property tau_spin
    """
    from perospin.database import select_records
    from perospin.database.sharing import RULE, coverage
    from perospin.database.sharing import conflicts as find

    everything = select_records(store=store)
    asked = select_records(property, material, store=store) if property or material else everything
    found, tested = find(asked, everything, single), coverage(everything)
    if as_json:
        said = {"rule": RULE, "coverage": tested.to_dict(), "conflicts": [conflict.to_dict() for conflict in found]}
        typer.echo(readable_json(said))
        return
    for conflict in found:
        _print(conflict)
    if not found:
        typer.echo("no two sources speak of the same material and property; --single shows what one says")
    typer.echo(f"{_plural(len(found), 'pair')} of material and property\n")
    for sentence in RULE.split(". ") if rule else ():
        typer.echo(sentence.rstrip(".") + ".")
    if not rule:
        typer.echo("recommended: the median of the sources under like conditions; [ ]: where another source's value is")
        typer.echo("expected with 90 %; --rule prints the rule in full")
    _print_coverage(tested)


def _print(conflict: Conflict) -> None:
    unit = "" if conflict.unit == "1" else f" {conflict.unit}"
    ratio = conflict.high / conflict.low if conflict.low > 0 else 0.0
    times = f", {figures(ratio, 3)} times" if ratio > 1.05 else ""
    head = f"{shorten(conflict.material, 60)}, {conflict.property}: "
    span = f"{figures(conflict.low, 3)} to {figures(conflict.high, 3)}{unit}{times}"
    typer.echo(visible(f"{head}{_plural(len(conflict.records), 'value')}, {span}"))
    for name, values in conflict.differing.items():
        typer.echo(visible(shorten(f"    differ in {name}: {', '.join(values)}", _WIDTH)))
    for setting in conflict.settings:
        _print_setting(setting, unit)
    typer.echo("")


def _print_setting(setting: Setting, unit: str) -> None:
    words = (
        "temperature_k",
        "field_t",
        "size_nm",
        "carrier",
        "lifetime_convention",
        "direction",
        "handedness",
        "phase",
    )
    where = ", ".join(setting.conditions[name] for name in words if name in setting.conditions) or "nothing stated"
    if setting.recommended is None:
        typer.echo(visible(shorten(f"  {where}: {setting.basis}", _WIDTH)))
        return
    interval = "no interval"
    if setting.interval is not None:
        interval = f"[{figures(setting.interval[0], 2)}, {figures(setting.interval[1], 2)}]"
    typer.echo(visible(shorten(f"  {where}: {figures(setting.recommended, 3)}{unit} {interval}", _WIDTH)))
    said = "; ".join(f"{figures(value, 3)} ({name})" for name, value in setting.sources.items())
    typer.echo(visible(shorten(f"    {said}", _WIDTH)))


def _print_coverage(tested: Coverage) -> None:
    inside, n = sum(tested.inside.values()), sum(tested.tested.values())
    if not n:
        typer.echo("too few sources repeat a measurement to test the interval")
        return
    parts = ", ".join(f"{kind} {tested.inside[kind]} of {count}" for kind, count in tested.tested.items())
    typer.echo(
        f"held-out test: the value of a source left out lay in the 90 % interval made without it {inside} of {n} times "
        f"({percent(tested.share)})\n{parts}; too few repeats to test {_plural(tested.untested, 'source')}"
    )
