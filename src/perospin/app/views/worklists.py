"""The first half of the page of plates: stocks and compositions in, layout, volumes and a machine's file out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from perospin.app import folders, parts, plots
from perospin.app.plate_plots import plate_width, wells_plot
from perospin.app.uploads import stored
from perospin.digits import counted, figures
from perospin.errors import NavigationError

if TYPE_CHECKING:
    from perospin.navigation import Plate, Stock, Target, Worklist

_TABLE = "a table of compositions"
_OWN = "a file of your own"
_SHOWN = 96


def show() -> None:
    """Draw the section."""
    left, right = st.columns(2)
    stocks_file = left.file_uploader(
        "Stocks: name, solutes, concentration (M), solvent, volume (uL), labware, well",
        type=["csv", "txt", "tsv", "xlsx"], key="stocks",
    )  # fmt: skip
    listed = folders.campaigns()
    source = right.selectbox(
        "What to make", [_TABLE, *listed], key="make",
        help="What is pending in a campaign of this folder, or a table: a column a component, or formulas",
    )  # fmt: skip
    table = None
    if source == _TABLE:
        table = right.file_uploader(
            "Compositions: a column for each component, or a column 'material' with formulas",
            type=["csv", "txt", "tsv", "xlsx"], key="targets",
        )  # fmt: skip
    asked = _asked()
    if stocks_file is None or (source == _TABLE and table is None):
        st.info("Give the stocks and what to make; the plan of the plate stands here then.")
        return
    from perospin.navigation import load_stocks

    stocks = load_stocks(stored([stocks_file])[0])
    plate, racks = _plate()
    if source == _TABLE:
        from perospin.navigation.worklists.targets import load_targets

        targets, stocks = load_targets(stored([table])[0], stocks, asked["concentration_m"])
        choices: dict[str, str] = {}
    else:
        targets, stocks, choices = _pending(listed[source], stocks, asked["concentration_m"])
    work = _planned(targets, stocks, plate, racks, asked)
    if work is not None:
        _layout(work)
        _volumes(work)
        _files(work, asked["robot"], choices)


def _asked() -> dict[str, Any]:
    """Machine, plate and volumes."""
    from perospin.navigation import ROBOTS
    from perospin.navigation.worklists.labware import PLATES
    from perospin.navigation.worklists.layout import LAYOUTS

    with st.container(horizontal=True, vertical_alignment="bottom"):
        robot = st.selectbox(
            "For", list(ROBOTS), index=list(ROBOTS).index("hand"), key="robot", width=470,
            format_func=lambda name: ROBOTS[name].words,
        )  # fmt: skip
        st.selectbox(
            "Plate", [*PLATES, _OWN], index=list(PLATES).index("96"), key="labware", width=250,
            format_func=lambda name: PLATES[name].name if name in PLATES else name,
        )  # fmt: skip
        volume = float(
            st.number_input("Volume a well (µL)", 0.01, 10000.0, 100.0, key="volume", width=170, format="%g")
        )
        molar = st.number_input(
            "Concentration (M)", 1e-6, 20.0, None, key="molar", width=170, format="%g",
            help="Of all components together, or of formula units; undiluted if left out",
        )  # fmt: skip
        replicates = int(st.number_input("Replicates", 1, 96, 1, key="replicates", width=130))
        layout = st.selectbox(
            "Layout", list(LAYOUTS), index=1, key="layout", width=150,
            help="; ".join(f"{name}: {words}" for name, words in LAYOUTS.items()),
        )  # fmt: skip
    if st.session_state["labware"] == _OWN:
        st.file_uploader("Labware: a short JSON file, or a definition by Opentrons", type=["json"], key="labware_file")
    with st.expander("Controls, earlier rounds, dead volume"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            controls = st.text_input(
                "Controls, one after another with a comma", key="controls", max_chars=400, width=360,
                placeholder="reference: FAPbI3=0.5; PEA2PbI4=0.5",
            )  # fmt: skip
            dead = float(
                st.number_input("Dead volume (µL)", 0.0, 10000.0, 20.0, key="dead", width=170, format="%g",
                                help="What can't be drawn from a stock's vessel")
            )  # fmt: skip
            seed = int(st.number_input("Seed", 0, 10**6, 0, key="layout_seed", width=130))
            edge = st.checkbox("Leave the outer wells empty", key="edge")
            mix = st.checkbox("Mix each well at the end", True, key="mix")
        after = st.file_uploader(
            "Maps of earlier rounds on this plate: their wells are full", accept_multiple_files=True, key="after"
        )
    nearest = st.toggle("Make the nearest where a wish can't be made", key="nearest")
    return {
        "robot": robot, "volume_ul": volume, "concentration_m": molar, "replicates": replicates, "layout": layout,
        "controls": [text for text in controls.split(",") if text.strip()], "dead_volume_ul": dead, "seed": seed,
        "leave_edge": edge, "mix": mix, "after": after, "nearest": nearest,
    }  # fmt: skip


def _plate() -> tuple[Plate, dict[str, Plate]]:
    from perospin.navigation.worklists.labware import load_deck

    name = str(st.session_state["labware"])
    if name != _OWN:
        return load_deck(name)
    file = st.session_state.get("labware_file")
    if file is None:
        raise NavigationError("give the labware file, or choose one of the usual plates")
    return load_deck(stored([file])[0])


def _pending(
    folder: Path, stocks: Sequence[Stock], concentration_m: float | None
) -> tuple[list[Target], list[Stock], dict[str, str]]:
    from perospin.navigation import Campaign
    from perospin.navigation.worklists.ions import in_ions
    from perospin.navigation.worklists.suggested import by_formula, pending_targets

    campaign = Campaign.open(folder)
    try:
        used = in_ions(stocks) if by_formula(campaign, stocks) else list(stocks)
        targets, choices = pending_targets(campaign, used, concentration_m)
    finally:
        campaign.close()
    return targets, used, choices


def _planned(
    targets: Sequence[Target],
    stocks: Sequence[Stock],
    plate: Plate,
    racks: Mapping[str, Plate],
    asked: Mapping[str, Any],
) -> Worklist | None:
    """Plan the plate; what can't be made is listed with the nearest that can."""
    from perospin.navigation import ROBOTS, plan_worklist
    from perospin.navigation.worklists.suggested import controls_of, used_wells

    wanted = [*targets, *controls_of(asked["controls"], asked["concentration_m"])]
    used = [well for path in stored(asked["after"]) for well in used_wells(path)]
    try:
        return plan_worklist(
            wanted, stocks, plate, ROBOTS[asked["robot"]].pipettes, asked["volume_ul"], asked["replicates"],
            asked["layout"], used, asked["leave_edge"], asked["dead_volume_ul"], asked["mix"], asked["nearest"],
            asked["seed"], racks,
        )  # fmt: skip
    except NavigationError as error:
        if not error.mistakes:
            raise
        where = str(error.args[0]).partition(error.mistakes[0])[0].rstrip(" ,:")
        st.error(f"{parts.plain_text(where)}: {counted(len(error.mistakes), 'reason')}", icon=":material/error:")
        for mistake in error.mistakes[:_SHOWN]:
            st.caption(parts.plain_text(mistake))
        return None


def _layout(work: Worklist) -> None:
    strokes = counted(len(work.transfers), "stroke")
    st.subheader(f"{counted(len(work.fills), 'well')}, {strokes}", anchor=False)
    for sentence in work.cautions:
        st.warning(parts.plain_text(parts.on_a_page(sentence)), icon=":material/warning:")
    components = sorted({name for fill in work.fills for name in fill.made.shares})
    extra = ["concentration (M)", "volume (µL)"]
    coloured = st.segmented_control(
        "Colour",
        [*components, *extra],
        default=components[0] if components else extra[1],
        required=True,
        key="coloured",
    )

    def value(made: Any) -> float:
        if coloured == extra[0]:
            return float(made.concentration_m)
        return float(made.volume_ul) if coloured == extra[1] else float(made.shares.get(str(coloured), 0.0))

    values = {fill.well: value(fill.made) for fill in work.fills}
    words = {
        fill.well: f"{fill.target.name}<br>"
        + ", ".join(f"{name} {share:.3g}" for name, share in fill.made.shares.items())
        + f"<br>{fill.made.concentration_m:.3g} M, {fill.made.volume_ul:.4g} µL"
        for fill in work.fills
    }
    st.container(width=plate_width(work.plate.columns)).plotly_chart(
        wells_plot(values, (work.plate.rows, work.plate.columns), str(coloured), words), key="layout_plot",
        config=plots.CONFIG, alt=f"The plate, coloured by {coloured}; the table below has all wells",
    )  # fmt: skip


def _volumes(work: Worklist) -> None:
    import pandas as pd

    from perospin.navigation.worklists.plan import map_rows, stock_totals

    with st.expander("Volumes and compositions of all wells", expanded=True):
        rows = [{name: None if cell == "" else cell for name, cell in row.items()} for row in map_rows(work)]
        frame = pd.DataFrame(rows)
        numbers = {str(name): st.column_config.NumberColumn(format="%.4g") for name in frame.select_dtypes("float")}
        st.dataframe(frame, hide_index=True, column_config=numbers, alt="What each well was meant to hold, and holds")
    totals = stock_totals(work)
    there: dict[str, float] = {}
    for stock in work.stocks:
        there[stock.name] = there.get(stock.name, 0.0) + stock.volume_ul
    told = "; ".join(f"{name} {figures(total, 4)} of {figures(there[name], 4)} µL" for name, total in totals.items())
    st.caption(parts.plain_text(f"Drawn of the stocks: {told}."))


def _files(work: Worklist, robot: str, choices: Mapping[str, str]) -> None:
    from perospin.navigation.worklists.suggested import write_worklist

    with tempfile.TemporaryDirectory(prefix="perospin-worklist-") as made:
        written = write_worklist(work, robot, made, choices)
        files: dict[str, tuple[bytes | str, str]] = {
            path.name: (path.read_bytes(), "text/csv" if path.suffix == ".csv" else "text/plain") for path in written
        }
    parts.downloads(f"worklist:{robot}", files, named=True)
    st.caption("Keep map.csv: 'Spectra of a plate' reads what is in each well from it.")
