"""What a campaign waits for, as targets of a worklist; and the worklist in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perospin.digits import figures
from perospin.errors import NavigationError
from perospin.navigation.campaign.belief import Known
from perospin.navigation.worklists.ions import ions_of
from perospin.navigation.worklists.plan import Worklist, map_rows
from perospin.navigation.worklists.recipes import Target, are_shares
from perospin.navigation.worklists.robots import robot
from perospin.navigation.worklists.stocks import Stock
from perospin.text import shorten

if TYPE_CHECKING:
    from perospin.navigation.campaign.campaign import Campaign
    from perospin.navigation.space.space import Candidate

__all__ = ["by_formula", "controls_of", "pending_targets", "used_wells", "write_worklist"]

_CONCENTRATION = ("concentration (m)", "concentration_m")


def pending_targets(
    campaign: Campaign, stocks: Sequence[Stock], concentration_m: float | None = None
) -> tuple[list[Target], dict[str, str]]:
    """Turn pending suggestions into targets.

    Choices that name a component of a stock are shares, ``mix:FAPbI3`` too. Without any, a choice ``material`` is a
    formula that is mixed from the ions of the stocks (see `by_formula`). A choice ``concentration_m`` sets the
    concentration; all others are conditions, which the map of the plate carries along.

    Returns
    -------
    targets : list of Target
    choices : dict of str to str
        Name of the campaign's choice for each component.

    Raises
    ------
    NavigationError
        If nothing is pending, or the shares of a suggestion don't sum to 1 (or 100).
    """
    waiting = Known.of(campaign.events, campaign.space).pending
    if not waiting:
        raise NavigationError("nothing is pending in this campaign; ask for materials with 'perospin campaign suggest'")
    held = {name for stock in stocks for name in stock.solutes}
    choices = {
        choice.split(":", 1)[-1]: choice
        for choice, value in waiting[0].choices.items()
        if choice.split(":", 1)[-1] in held and not isinstance(value, str)
    }
    # a component of the mixture that no stock holds must not be lost
    mixtures = {choice.split(":", 1)[0] for choice in choices.values() if ":" in choice}
    for choice in waiting[0].choices:
        if choice.split(":", 1)[0] in mixtures and ":" in choice:
            choices.setdefault(choice.split(":", 1)[1], choice)
    if not choices and "material" in waiting[0].choices:
        return _formulas(waiting, concentration_m), {}
    if not choices:
        raise NavigationError(
            f"no choice of this campaign is a component of a stock: it chooses {', '.join(waiting[0].choices)}; the "
            f"stocks hold {', '.join(sorted(held))}"
        )
    targets = []
    for one in waiting:
        shares = {component: float(one.choices[choice]) for component, choice in choices.items()}
        if not are_shares(shares.values()):
            total = figures(sum(shares.values()))
            raise NavigationError(
                f"the shares of '{shorten(one.name, 60)}' sum to {total}, not 1 or 100: {', '.join(shares)}; "
                "head each component's column with the name that the stocks give it"
            )
        rest = {name: value for name, value in one.choices.items() if name not in choices.values()}
        asked = next((float(value) for name, value in rest.items() if name.casefold() in _CONCENTRATION), None)
        targets.append(Target(one.name, shares, asked or concentration_m, conditions=rest))
    return targets, choices


def by_formula(campaign: Campaign, stocks: Sequence[Stock]) -> bool:
    """Whether suggestions are formulas that must be mixed from the ions of the stocks."""
    first = next(iter(campaign.space.candidates())).choices
    held = {name for stock in stocks for name in stock.solutes}
    return "material" in first and not any(choice.split(":", 1)[-1] in held for choice in first)


def _formulas(waiting: Sequence[Candidate], concentration_m: float | None) -> list[Target]:
    """Turn formulas into amounts of ions; a concentration is one of formula units, and becomes one of all ions."""
    targets = []
    for one in waiting:
        ions = ions_of(str(one.choices["material"]))
        rest = {name: value for name, value in one.choices.items() if name != "material"}
        asked = next((float(value) for name, value in rest.items() if name.casefold() in _CONCENTRATION), None)
        molar = asked or concentration_m
        total = None if molar is None else molar * sum(ions.values())
        targets.append(Target(one.name, ions, total, conditions=rest))
    return targets


def controls_of(given: Sequence[str], concentration_m: float | None = None) -> list[Target]:
    """Read controls, such as ``reference: FAPbI3=1; PEA2PbI4=1``.

    Raises
    ------
    NavigationError
    """
    made = []
    for text in given:
        name, _, parts = text.rpartition(":")
        shares: dict[str, float] = {}
        for part in parts.split(";"):
            component, _, share = part.partition("=")
            try:
                shares[component.strip()] = float(share or "1")
            except ValueError:
                raise NavigationError(
                    f"'{shorten(text, 60)}' is no control; write 'reference: FAPbI3=0.5; PEA2PbI4=0.5'"
                ) from None
        made.append(Target(name.strip() or parts.strip(), shares, concentration_m, role="control"))
    return made


def used_wells(path: Path | str) -> list[str]:
    """Wells that an earlier map of the same plate lists.

    Raises
    ------
    NavigationError
    """
    from perospin.sheets.table import open_table

    table = open_table(path)
    heads = [head.casefold() for head in table.headings]
    if "well" not in heads:
        raise NavigationError(f"'{table.name}' is no map of a plate; it has no column 'well'")
    place = heads.index("well")
    return [cells[place].strip() for _, cells in table.rows if len(cells) > place and cells[place].strip()]


def write_worklist(work: Worklist, name: str, folder: Path | str, choices: Mapping[str, str]) -> list[Path]:
    """Write a machine's files, the map of the plate, and what to look out for.

    Parameters
    ----------
    work : Worklist
    name : str
        Of the machine.
    folder : path
    choices : dict of str to str
        Name of the campaign's choice for each component: the map is headed with it.

    Returns
    -------
    list of Path
    """
    from perospin.saving import make_folder, write_bytes, write_rows, write_text

    texts = robot(name).emit(work)  # before anything is written
    place = make_folder(folder)
    renamed = [{_renamed(heading, choices): value for heading, value in row.items()} for row in map_rows(work)]
    written = []
    for file, text in texts.items():
        write_bytes(place / file, text.encode("latin-1" if name == "tecan-evo" else "utf-8"))
        written.append(place / file)
    write_rows(place / "map.csv", renamed[0], renamed)
    written.append(place / "map.csv")
    if work.cautions:
        write_text(place / "look_out.txt", "".join(f"- {one}\n" for one in work.cautions))
        written.append(place / "look_out.txt")
    return written


def _renamed(heading: str, choices: Mapping[str, str]) -> str:
    word, _, component = heading.partition(" ")
    return f"{word} {choices[component]}" if word in ("meant", "made") and component in choices else heading
