"""Explore: the records by filter, ready plots, and any quantity against any other with honest statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from perospin.app import parts, plots

if TYPE_CHECKING:
    import pandas as pd

    from perospin.database import Record
    from perospin.reports.relations.relate import Relation

_ALL = "all"


def show() -> None:
    """Draw the page."""
    parts.heading("Explore", "Measured values from the literature and your own, each with its source.")
    sections = {"Ready plots": _ready, "Any X against any Y": _relate, "Records": _records}
    chosen = st.segmented_control(
        "Section", list(sections), default="Ready plots", required=True, key="section", label_visibility="collapsed"
    )
    sections[str(chosen)]()


def _ready() -> None:
    from perospin.reports.relations.drawing import by_material_figure, relation_figure
    from perospin.reports.relations.ready import READY

    name = st.selectbox("Plot", list(READY), format_func=lambda key: READY[key].title, key="ready")
    ready = READY[name]
    if ready.line:
        st.caption(ready.line)
    if ready.y:
        relation = _relation(ready.x, ready.y, tuple(ready.filters.items()))
        _show_relation(relation, f"ready:{name}", ready.law)
        if len(relation.points):
            st.caption("The figure for a paper:")
            parts.save_figure(lambda: relation_figure(relation, law=ready.law), name)
    else:
        records = [r for r in _selected((ready.x,), tuple(ready.filters.items())) if r.formula]
        _show_values(records, ready.x, f"ready:{name}")
        st.caption("The figure for a paper:")
        parts.save_figure(lambda: by_material_figure(ready.x, records), name)
    st.code(f"perospin data plot {name}", language="bash", wrap_lines=True)


def _relate() -> None:
    from perospin.reports.relations.axes import axes_listed, axis
    from perospin.reports.relations.drawing import relation_figure

    names = list(axes_listed())
    listed = [*names, *(f"g_factor:{carrier}" for carrier in ("electron", "hole", "exciton"))]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        x = st.selectbox("X", listed, index=listed.index("xray_sensitivity"), key="x", width=300)
        y = st.selectbox("Y", listed, index=listed.index("xray_detection_limit"), key="y", width=300)
        low = st.number_input("From (K)", 0.0, 1000.0, None, key="relate_low", width=140)
        high = st.number_input("to (K)", 0.0, 1000.0, None, key="relate_high", width=140)
        theory = st.checkbox("Computed values too", key="relate_theory")
    filters = _filters(low, high, theory)
    relation = _relation(x, y, filters)
    _show_relation(relation, f"relate:{x}:{y}")
    if len(relation.points):
        st.caption("The figure for a paper:")
        parts.save_figure(lambda: relation_figure(relation), f"{axis(x).column}-{axis(y).column}")
    limits = "".join(f" --{word}-temperature {value:g}" for word, value in (("min", low), ("max", high)) if value)
    st.code(f"perospin data relate {x} {y}{limits}{' --theory' if theory else ''}", language="bash", wrap_lines=True)


def _filters(low: float | None, high: float | None, theory: bool) -> tuple[tuple[str, Any], ...]:
    found: list[tuple[str, Any]] = []
    if low is not None or high is not None:
        found.append(("temperature_k", (low, high)))
    if theory:
        found.append(("include_theory", True))
    return tuple(found)


@st.cache_resource(ttl=60, max_entries=100, show_spinner=False)
def _relation(x: str, y: str, filters: tuple[tuple[str, Any], ...]) -> Relation:
    from perospin.reports.relations.relate import relate

    return relate(x, y, **dict(filters))


@st.cache_resource(ttl=60, max_entries=100, show_spinner=False)
def _selected(properties: tuple[str, ...], filters: tuple[tuple[str, Any], ...]) -> list[Record]:
    from perospin.database import select_records

    return select_records(list(properties) or None, **dict(filters))


def _show_relation(relation: Relation, key: str, law: str = "") -> None:
    from perospin.reports.relations.drawing import law_curve

    told = relation.verdict
    if relation.correlation.tells:
        st.success(parts.plain_text(told[:1].upper() + told[1:]), icon=":material/trending_up:")
    else:
        st.info(parts.plain_text(told[:1].upper() + told[1:]), icon=":material/help:")
    points = relation.points
    if not len(points):
        return
    curve = None
    if law:
        curve = law_curve(law, 0.9 * float(points["x"].min()), 1.1 * float(points["x"].max()))
    picked = st.plotly_chart(
        plots.relation_plot(relation, curve), key=key, on_select="rerun", selection_mode="points", config=plots.CONFIG,
        alt=f"{relation.y.words} against {relation.x.words}: {told}",
    )  # fmt: skip
    _open_picked(picked)
    for note in relation.notes:
        st.caption(parts.plain_text(note[:1].upper() + note[1:] + "."))
    frame = points[["formula", "x", "y", "records", "words", "url"]].rename(
        columns={"x": relation.x.label, "y": relation.y.label, "url": "source"}
    )
    _table(frame, f"{key}:table")
    parts.downloads(key, {f"{relation.x.column}-{relation.y.column}.csv": (parts.as_csv(points), "text/csv")})


def _open_picked(picked: Any) -> None:
    """Say what a chosen point is, with a button to its source."""
    chosen = getattr(getattr(picked, "selection", None), "points", None) or []
    for point in chosen[:3]:
        words, url = [*(point.get("customdata") or []), "", ""][:2]
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(parts.plain_text(str(words)))
            if url:
                st.link_button("Open the source", str(url), icon=":material/open_in_new:")
    if not chosen:
        st.caption("Choose a point to see what it is and to open its source; the table below links every one.")


def _show_values(records: list[Record], name: str, key: str) -> None:
    from perospin.reports.relations.axes import axis

    if not records:
        st.info("No record passes these filters.")
        return
    picked = st.plotly_chart(
        plots.values_plot(records, axis(name).label), key=key, on_select="rerun", selection_mode="points",
        config=plots.CONFIG, alt=f"{len(records)} values of {axis(name).words} by material",
    )  # fmt: skip
    _open_picked(picked)
    _table(_frame(records), f"{key}:table")
    parts.downloads(key, {f"{axis(name).column}.csv": (_records_csv(records), "text/csv")})


def _frame(records: list[Record]) -> pd.DataFrame:
    import pandas as pd

    from perospin.reports.relations.axes import source_of

    bounds = {"value": "", "upper": "<", "lower": ">", "up_to": "up to"}
    return pd.DataFrame(
        {
            "material": [r.formula or r.material for r in records],
            "property": [r.property for r in records],
            "": [bounds[r.limit] for r in records],
            "value": [r.value for r in records],
            "±": [r.uncertainty for r in records],
            "unit": [r.unit for r in records],
            "T (K)": [r.conditions.temperature_k for r in records],
            "B (T)": [r.conditions.field_t for r in records],
            "technique": [r.conditions.technique for r in records],
            "carrier": [r.conditions.carrier for r in records],
            "form": [r.conditions.form for r in records],
            "who": [r.source.label for r in records],
            "source": [source_of(r) or None for r in records],
            "note": [r.note for r in records],
        }
    )


def _table(frame: pd.DataFrame, key: str) -> None:
    numbers = {str(name): st.column_config.NumberColumn(format="%.4g") for name in frame.select_dtypes("float")}
    st.dataframe(
        frame, hide_index=True, key=key, alt="The records behind the figure, with links to their sources",
        column_config={**numbers, "source": st.column_config.LinkColumn("source", display_text="open")},
    )  # fmt: skip


def _records_csv(records: list[Record]) -> str:
    from perospin.database import to_frame

    return parts.as_csv(to_frame(records).reset_index())


def _records() -> None:
    from perospin.database import CURATED, PROPERTIES, curated_records

    held = {record.property for record in curated_records()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.multiselect(
            "Properties", [name for name in PROPERTIES if name in held], key="properties", width=330,
            placeholder="all",
        )  # fmt: skip
        material = st.text_input("Material", key="find_material", width=200, max_chars=200, placeholder="(PEA)2PbI4")
        technique = st.text_input("Technique", key="find_technique", width=150, max_chars=60)
        carrier = st.selectbox("Carrier", [_ALL, "electron", "hole", "exciton"], key="find_carrier", width=130)
        table = st.selectbox("Table", [_ALL, "user", *CURATED], key="find_table", width=190)
        low = st.number_input("From (K)", 0.0, 1000.0, None, key="find_low", width=130)
        high = st.number_input("to (K)", 0.0, 1000.0, None, key="find_high", width=130)
        theory = st.checkbox("Computed values too", key="find_theory")
        unknown = st.checkbox("Uncertain compositions too", key="find_unknown")
    given = dict(_filters(low, high, theory))
    given |= {"material": material.strip()} if material.strip() else {}
    given |= {"technique": technique.strip()} if technique.strip() else {}
    given |= {"carrier": carrier} if carrier != _ALL else {}
    given |= {"table": table} if table != _ALL else {}
    given |= {"include_unknown": True} if unknown else {}
    records = _selected(tuple(chosen), tuple(given.items()))
    st.caption(f"{len(records)} record{'s' * (len(records) != 1)} of {len({r.source.label for r in records})} sources")
    if not records:
        return
    _table(_frame(records), "records")
    parts.downloads("records", {"records.csv": (_records_csv(records), "text/csv")})
    if len(chosen) == 1:
        with_formula = [record for record in records if record.formula]
        if with_formula:
            _show_values(with_formula, chosen[0], "records:values")
