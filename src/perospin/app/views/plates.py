"""Plates: a worklist for a machine or a person, and a plate of spectra as numbers of each well."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from perospin.app import folders, parts, plots
from perospin.app.plate_plots import plate_width, spectrum_plot, wells_plot
from perospin.app.uploads import stored
from perospin.app.views import worklists
from perospin.digits import counted, figures

if TYPE_CHECKING:
    import pandas as pd

    from perospin.navigation import PlateResult

_NO_CAMPAIGN = "none"


def show() -> None:
    """Draw the page."""
    parts.heading("Plates", "What to make, as a worklist for a robot or a person; plates of spectra, as numbers.")
    sections = {"Worklist": worklists.show, "Spectra of a plate": _spectra}
    chosen = st.segmented_control(
        "Section", list(sections), default="Worklist", required=True, key="plate_section", label_visibility="collapsed"
    )
    sections[str(chosen)]()


def _spectra() -> None:
    left, right = st.columns(2)
    reads = left.file_uploader(
        "Exports of a plate reader, of one plate", accept_multiple_files=True, key="reads",
        help="BioTek, Agilent, BMG, Tecan, SpectraMax, or plain tables; any encoding, decimal commas",
    )  # fmt: skip
    map_file = right.file_uploader(
        "Map of the plate: map.csv of a worklist, or a table with a column 'well'", key="plate_map",
        type=["csv", "txt", "tsv", "xlsx"],
    )  # fmt: skip
    lines = st.text_input(
        "Lines of phases whose shares are wanted (eV)", key="phase_lines", max_chars=300,
        placeholder="n=1:2.36, n=2:2.17, 3D:1.6",
    )  # fmt: skip
    if not reads or map_file is None:
        st.info("Give the spectra and the map; heat maps, fits and a table for the campaign stand here then.")
        return
    result = _analysed(tuple(map(str, stored(reads))), str(stored([map_file])[0]), lines.strip())
    flagged = sum(bool(flags) for flags in result.flags)
    with st.container(horizontal=True):
        st.metric("wells", len(result.wells), width=130)
        st.metric("flagged", flagged, width=130)
        st.metric("empty", sum("empty" in flags for flags in result.flags), width=130)
    for sentence in result.warnings:
        st.warning(parts.plain_text(sentence), icon=":material/warning:")
    _map(result)
    _well(result)
    _all(result)
    _take_along(result)


@st.cache_resource(max_entries=10, show_spinner="Fitting all wells ...")
def _analysed(reads: tuple[str, ...], map_path: str, lines: str) -> PlateResult:
    from perospin.measurements.reading.plates import read_plate
    from perospin.navigation import analyse_plate, load_map
    from perospin.navigation.plates.lines import read_lines

    return analyse_plate(
        [read for path in reads for read in read_plate(path)], load_map(map_path), read_lines(lines) if lines else None
    )


def _map(result: PlateResult) -> None:
    """Heat map of one number; choosing a well shows its spectrum."""
    from perospin.navigation.worklists.labware import shape_of

    name = st.selectbox("Shown", [one.label for one in result.features], key="feature", width=260)
    feature = result.feature(str(name))
    if st.session_state.get("well") not in result.wells:
        st.session_state["well"] = result.wells[0]
    values = dict(zip(result.wells, feature.values.tolist(), strict=True))
    words = {
        well: f"{result.map.name(well)}<br>{feature.label} {figures(values[well], 4)}"
        + ("<br>" + "; ".join(flags) if flags else "")
        for well, flags in zip(result.wells, result.flags, strict=True)
    }
    crossed = [well for well, flags in zip(result.wells, result.flags, strict=True) if flags]
    shape = shape_of(result.wells)
    st.container(width=plate_width(shape[1])).plotly_chart(
        wells_plot(values, shape, feature.label, words, crossed, st.session_state["well"]),
        key="plate_plot", on_select=_choose, selection_mode="points", config=plots.CONFIG,
        alt=f"{feature.label} over the plate; {counted(len(crossed), 'well')} flagged",
    )  # fmt: skip
    st.caption("Choose a well to see its spectrum. A cross marks a flagged one; grey has no number.")


def _choose() -> None:
    picked = st.session_state["plate_plot"]
    for point in picked["selection"]["points"]:
        well = point.get("customdata")
        st.session_state["well"] = str(well[0] if isinstance(well, list) else well)
        return


def _well(result: PlateResult) -> None:
    import pandas as pd

    well = str(st.selectbox("Well", result.wells, key="well", width=160))
    place = result.wells.index(well)
    name = result.map.name(well)
    st.subheader(parts.plain_text(f"{well}: {name}" if name != well else well), anchor=False)
    for flag in result.flags[place]:
        st.warning(parts.plain_text(flag), icon=":material/flag:")
    others = [one for one in result.wells if one != well and result.map.name(one) == name]
    st.plotly_chart(
        spectrum_plot(result, well, others), key="spectrum", config=plots.CONFIG,
        alt=f"Spectrum of {well}" + (" with its fit" if result.peaks is not None else ""),
    )  # fmt: skip
    st.dataframe(
        pd.DataFrame(
            {
                "number": [one.label for one in result.features],
                "value": [float(one.values[place]) for one in result.features],
                "±": [float(one.errors[place]) for one in result.features],
            }
        ),
        hide_index=True, alt=f"Numbers of {well}", width=480,
        column_config={"value": st.column_config.NumberColumn(format="%.5g"),
                       "±": st.column_config.NumberColumn(format="%.2g")},
    )  # fmt: skip
    shares = result.map.composition([well])[0]
    made = [f"{head.removeprefix('made ')} {share:.3g}" for head, share in zip(result.map.made, shares, strict=True)]
    if made:
        st.caption(parts.plain_text(f"Made: {', '.join(made)}"))


def _all(result: PlateResult) -> None:
    with st.expander("All wells"):
        frame = _frame(result)
        numbers = {str(name): st.column_config.NumberColumn(format="%.4g") for name in frame.select_dtypes("float")}
        st.dataframe(frame, hide_index=True, column_config=numbers, alt="All wells with their numbers and flags")


def _frame(result: PlateResult) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame({"well": result.wells, "name": [result.map.name(well) for well in result.wells]})
    for one in result.features:
        frame[one.label], frame[one.error_label] = one.values, one.errors
    return frame.assign(flags=["; ".join(flags) for flags in result.flags])


def _take_along(result: PlateResult) -> None:
    """Results for a campaign, record and page."""
    from perospin.navigation.plates.told import record, result_rows

    st.subheader("Take it along", anchor=False)
    listed = folders.campaigns()
    name = st.selectbox(
        "Columns for the campaign", [_NO_CAMPAIGN, *listed], key="told_campaign", width=300,
        help="Its objectives head the columns of results.csv; without one all numbers do",
    )  # fmt: skip
    values = _objectives(listed[name], result) if name in listed else {}
    import pandas as pd

    rows = pd.DataFrame(result_rows(result, values))
    told = json.dumps(record(result), indent=1, ensure_ascii=False)
    parts.downloads(
        "plate",
        {
            "results.csv": (parts.as_csv(rows), "text/csv"),
            "record.json": (told, "application/json"),
            "plate.html": (partial(_kept_page, told, result), "text/html"),
        },
        named=True,
    )
    st.caption(
        "The page 'Campaign' and `perospin campaign tell` take results.csv. Empty wells are told as failed; other "
        "flagged wells are not told."
    )


def _objectives(folder: Path, result: PlateResult) -> Mapping[str, str]:
    """Ask what each objective of a campaign is on this plate."""
    from perospin.navigation import Campaign

    campaign = Campaign.open(folder)
    labels = [one.label for one in campaign.objectives]
    campaign.close()
    features = [one.label for one in result.features]
    with st.container(horizontal=True):
        return {
            label: str(st.selectbox(parts.plain_text(label), features, key=f"is:{label}", width=260))
            for label in labels
        }


@st.cache_resource(max_entries=10, show_spinner=False)
def _kept_page(record: str, _result: PlateResult) -> bytes:
    from perospin.reports.plates.write import plate_page

    with tempfile.TemporaryDirectory(prefix="perospin-plate-") as made:
        return plate_page(_result, made, ", ".join(name for name, _ in _result.sources[:3])).read_bytes()
