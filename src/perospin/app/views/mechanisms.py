"""Mechanisms: sliders on the rate laws, and which mechanism a table of lifetimes speaks for."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import streamlit as st

from perospin.app import parts, plots
from perospin.app.uploads import stored
from perospin.app.waiting import wait_for
from perospin.errors import PerospinError

if TYPE_CHECKING:
    from perospin.mechanisms import Law
    from perospin.mechanisms.catalogue import Parameter

_POINTS = 60


def show() -> None:
    """Draw the page."""
    parts.heading("Mechanisms", "What each rate law gives, and which mechanism your data speak for.")
    sections = {"Laws": _laws, "My data": _infer}
    chosen = st.segmented_control(
        "Section", list(sections), default="Laws", required=True, key="mechanism_section", label_visibility="collapsed"
    )
    sections[str(chosen)]()


def _laws() -> None:
    from perospin.mechanisms import LAWS

    names = list(LAWS)
    name = st.selectbox(
        "Law", names, index=names.index("dyakonov_perel"), key="law",
        format_func=lambda key: f"{LAWS[key].group}: {LAWS[key].title}",
    )  # fmt: skip
    law = LAWS[name]
    st.code(f"{law.formula}   [{law.unit}]", language=None, wrap_lines=True)
    st.caption(parts.plain_text(f"{law.status}; {law.source}"))
    start = law.example_values
    values: dict[str, Any] = {}
    varied: list[Parameter] = []
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for item in law.parameters:
            key = f"law:{name}:{item.name}"
            if item.choices:
                values[item.name] = st.selectbox(
                    item.short.replace("_", " "),
                    item.choices,
                    index=item.choices.index(item.default),
                    key=key,
                    width=190,
                )
                continue
            given = start.get(item.name, item.default)
            if isinstance(given, bool) or not isinstance(given, int | float):
                if given is not None:
                    values[item.name] = given
                continue
            if isinstance(item.default, int):
                values[item.name] = int(
                    st.number_input(
                        item.short.replace("_", " "), value=item.default, key=key, help=item.words, width=150
                    )
                )
                continue
            values[item.name] = _slider(item, float(given), key)
            varied.append(item)
    if not varied:
        st.info("This law has nothing to slide.")
        return
    axis = st.selectbox(
        "Against",
        [item.name for item in varied],
        format_func=lambda key: _label(law.parameter(key)),
        key=f"axis:{name}",
    )
    now = _value(law, values)
    _curve(law, values, now, next(item for item in varied if item.name == axis))
    for one in law.ranges:
        st.caption(parts.plain_text(f"Holds for: {one.words}"))
    st.code(law.example, language="bash", wrap_lines=True)


def _label(item: Parameter) -> str:
    unit = f" ({item.quantity.unit})" if item.quantity and item.quantity.unit != "1" else ""
    return item.short.replace("_", " ") + unit


def _slider(item: Parameter, start: float, key: str) -> float:
    """Slide over two decades about the start where it is positive, else type a number."""
    label = _label(item)
    if start > 0:
        powers = [start * 10 ** (step / 20) for step in range(-20, 21)]
        if item.quantity and math.isfinite(item.quantity.high):
            powers = [power for power in powers if power <= item.quantity.high]
        shown = [float(f"{power:.4g}") for power in powers]
        middle = min(shown, key=lambda power: abs(power - start))
        return float(st.select_slider(label, shown, value=middle, key=key, help=item.words, width=260))
    return float(st.number_input(label, value=start, key=key, help=item.words, width=200, format="%g"))


def _value(law: Law, values: dict[str, Any]) -> float:
    """Show the value where the sliders stand, and what to keep in mind."""
    from perospin.units import time_in_words

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        value = float(law.function(**values))
    unit = "" if law.unit == "1" else f" {law.unit}"
    with st.container(horizontal=True):
        st.metric(parts.plain_text(law.title), f"{value:.4g}{unit}", width=330)
        if law.unit == "1/ps" and value > 0:
            lifetime = 0.5 / value if law.flips else 1.0 / value
            st.metric("lifetime of the polarisation", time_in_words(lifetime, 3), width=260)
    for warning in caught:
        st.warning(parts.plain_text(str(warning.message)), icon=":material/warning:")
    return value


def _curve(law: Law, values: dict[str, Any], now: float, item: Parameter) -> None:
    import numpy as np

    centre = values[item.name]
    x = np.geomspace(centre / 10, centre * 10, _POINTS) if centre > 0 else np.linspace(-1.0, 1.0, _POINTS)
    if item.quantity and math.isfinite(item.quantity.high):
        x = x[x <= item.quantity.high]
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for at in x:
            try:
                found.append(float(law.function(**{**values, item.name: float(at)})))
            except PerospinError:
                found.append(math.nan)  # the law does not hold there
    label = _label(item)
    st.plotly_chart(
        plots.law_plot(x, found, label, f"{law.title} ({law.unit})", (centre, now)), key="law_curve",
        config=plots.CONFIG, alt=f"{law.title} against {label}",
    )  # fmt: skip


def _infer() -> None:
    st.caption(
        "A table with lifetime_ps or rate_per_ps, if possible lifetime_uncertainty_ps, and any of temperature_k, "
        "density_cm3, field_t, n_layers, momentum_scattering_time_ps, exciton_binding_energy_mev."
    )
    file = st.file_uploader("Table of lifetimes", key="lifetimes")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        most = int(st.number_input("Largest sum of mechanisms", 1, 3, 2, key="most", width=220))
        spread = st.number_input(
            "Relative uncertainty, if the table has none", 0.001, 2.0, None, key="spread", width=320, format="%g"
        )
    if file is None:
        return
    path = stored([file])[0]
    found = wait_for(
        "infer", {"most": most, "uncertainty": spread}, "The comparison of laws takes up to a minute.",
        "Compare the laws", {path.name: path.read_bytes()},
    )  # fmt: skip
    if found is None:
        return
    from perospin.mechanisms import MechanismResult

    result = MechanismResult.load(found.results)
    st.code(result.summary(), language=None, wrap_lines=True)
    parts.show_figure(result.plot(), "mechanisms", "Data, the laws and their shares", width=760)
    st.dataframe(result.to_frame(), alt="The rows with the shares of the mechanisms")
