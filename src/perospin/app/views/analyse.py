"""Analyse: traces in; what is taken for what is shown and put right, then fitted, drawn, compared and recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from perospin.app import parts, plots
from perospin.app.analysis_script import script
from perospin.app.uploads import stored
from perospin.errors import DataError

if TYPE_CHECKING:
    from perospin.measurements import Analysis, Outcome, Trace

_UNITS: Mapping[str, tuple[str, ...]] = {
    "delay": ("ps", "fs", "ns", "us"), "field": ("T", "mT", "G", "Oe"), "frequency": ("Hz", "kHz", "MHz", "GHz"),
    "wavelength": ("nm", "um"), "energy": ("eV", "nm", "meV"), "time": ("s", "ms", "us", "min"),
    "voltage": ("V", "mV"), "temperature": ("K",), "power": ("W", "mW", "uW"), "dose_rate": ("Gy/s", "mGy/s", "uGy/s"),
}  # fmt: skip
_NOTHING = "(none)"


def show() -> None:
    """Draw the page."""
    from perospin.measurements import ANALYSES, guess_analyses

    parts.heading(
        "Analyse", "Drop traces of a measurement: see what is taken for what, put it right, fit it, take it along."
    )
    whole = st.toggle("A whole folder", key="folder")
    files = st.file_uploader(
        "Files of one measurement, or of a series", accept_multiple_files="directory" if whole else True, key="files",
        help="Text, CSV, Excel, HDF5, JCAMP-DX, Bruker ... Nothing in a file is executed; no file leaves this machine.",
    )  # fmt: skip
    given: Sequence[Any] = files
    if st.checkbox("Try it with simulated traces", key="simulated") and not files:
        given = _simulated()
    if not given:
        st.info("For example two files of a pump-probe measurement, one with SC and one with CC in its name.")
        return
    paths = stored(given)
    traces = [_read(path) for path in paths[:40]]
    likely = guess_analyses(traces)
    names = [*likely, *(name for name in ANALYSES if name not in likely)]
    name = st.selectbox(
        "Analysis", names, format_func=lambda key: f"{key}: {ANALYSES[key].words}", key=f"analysis:{_key(paths)}",
        help="Guessed from the headings and the names of the files; all others stand below.",
    )  # fmt: skip
    if not likely:
        st.warning("The headings tell no analysis: choose one, and say which column is what.")
    chosen = _assignment(ANALYSES[name], traces, paths)
    st.subheader("What it is told", anchor=False)
    options = _options(name, _conditions(traces))
    within = _range(name, paths, chosen)
    logarithmic = st.toggle("Logarithmic axis", key="logarithmic")
    _raw(name, paths, chosen, logarithmic)
    key = f"{_key(paths)}:{name}"
    if st.session_state.get("fitting") != key:
        if not st.button("This is right: fit it", type="primary", icon=":material/play_arrow:"):
            return
        st.session_state["fitting"] = key
    outcome = _fit(name, tuple(map(str, paths)), _frozen(chosen), within, _frozen(options))
    _result(name, outcome, logarithmic)
    _record(name, outcome)
    with st.expander("Script that repeats it"):
        st.code(script(name, [path.name for path in paths], chosen, within, options), language="python")
    with st.expander("Sentence for the methods"):
        from perospin.measurements.paper import methods

        st.code(methods(outcome.fit), language=None, wrap_lines=True)


class _Simulated:
    """A simulated trace, as if it had been uploaded."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self._text = name, text

    def getvalue(self) -> bytes:
        return self._text.encode()


@st.cache_resource(show_spinner=False)
def _simulated() -> list[_Simulated]:
    import numpy as np

    from perospin.spectra import simulate_pump_probe

    delay = np.round(np.concatenate([np.arange(-2, 4, 0.1), np.geomspace(4, 60, 90)]), 4)
    made = simulate_pump_probe(delay, lifetime_ps=6.5, noise=0.01, seed=1)
    found = []
    for values, name in zip(made, ("simulated_SC.txt", "simulated_CC.txt"), strict=True):
        rows = "\n".join(f"{x:g}\t{y:.6g}" for x, y in zip(delay, values, strict=True))
        found.append(_Simulated(name, f"# simulated, not measured\nDelay (ps)\tdA (mOD)\n{rows}\n"))
    return found


@st.cache_resource(max_entries=200, show_spinner=False)
def _read_trace(path: str) -> Trace:
    from perospin.measurements import read_trace

    return read_trace(path)


def _read(path: Path) -> Trace:
    return _read_trace(str(path))


def _key(paths: Sequence[Path]) -> str:
    return "|".join(f"{path.parent.name[:8]}/{path.name}" for path in paths)


def _conditions(traces: Sequence[Trace]) -> dict[str, float]:
    first = dict(traces[0].conditions)
    return {name: value for name, value in first.items() if all(t.conditions.get(name) == value for t in traces)}


# -- what is taken for what -------------------------------------------------------------------------------------------


def _assignment(entry: Analysis, traces: Sequence[Trace], paths: Sequence[Path]) -> dict[str, Any]:
    """Show what is taken for what, to be put right; keywords for the reader."""
    from perospin.measurements.one_call import takes_series

    st.subheader("What is taken for what", anchor=False)
    found: dict[str, Any] = {}
    several = len(traces) > 1 and not takes_series(entry.name)
    if several:
        found["channels"] = _files_as(entry, traces)
    elif len(traces) > 1:
        st.caption(f"{len(traces)} files are a series; the columns of the first one stand here.")
    if entry.x and not several:
        columns = _columns_as(entry, traces[0])
        if columns is not None:
            found["columns"] = columns
    found["x_unit"] = _unit(entry, traces[0])
    with st.expander("The numbers as they were read"):
        shown = traces[0].to_frame()
        st.dataframe(shown.head(200), alt=f"The first rows of {traces[0].source}")
        if traces[0].conditions:
            told = ", ".join(f"{name} = {value:g}" for name, value in traces[0].conditions.items())
            st.caption(f"Name and header tell: {parts.plain_text(told)}")
        for sentence in traces[0].warnings:
            st.caption(parts.plain_text(sentence))
    return {name: value for name, value in found.items() if value is not None}


def _files_as(entry: Analysis, traces: Sequence[Trace]) -> list[str]:
    from perospin.measurements.reading.gathering import assigned

    channels = [role for role in (*entry.roles, *entry.optional) if role != "sigma"]
    if len(traces) > len(channels):
        raise DataError(f"{len(traces)} files were given, but '{entry.name}' has {len(channels)} channels")
    told = assigned([trace.source for trace in traces], channels)
    start = told or channels[: len(traces)]
    with st.container(horizontal=True):
        chosen = [
            st.selectbox(
                trace.source, channels, index=channels.index(role), key=f"file:{entry.name}:{trace.source}", width=260
            )
            for trace, role in zip(traces, start, strict=True)
        ]
    st.caption("Told by the names of the files." if told else "The names don't tell it: taken in the order given.")
    return chosen


def _columns_as(entry: Analysis, trace: Trace) -> list[str] | None:
    """Which column is which; None where the reader finds the same by itself."""
    from perospin.measurements.guessing import taken_as

    guessed = taken_as(entry.name, trace)
    heads = [
        f"{i}: {label.name}" + (f" ({label.unit})" if label.unit else "") for i, label in enumerate(trace.labels, 1)
    ]
    roles = [entry.x, *entry.roles, *entry.optional]
    chosen: dict[str, str] = {}
    with st.container(horizontal=True):
        for role in roles:
            needed = role == entry.x or role in entry.roles
            at = trace.names.index(guessed[role]) if role in guessed else None
            choices = heads if needed else [_NOTHING, *heads]
            index = (0 if not needed else None) if at is None else at + (not needed)
            label = {"sigma": "errors"}.get(role, role.replace("_", " "))
            picked = st.selectbox(
                label,
                choices,
                index=index,
                key=f"column:{entry.name}:{trace.source}:{trace.sha256[:8]}:{role}",
                width=230,
            )
            if picked is not None and picked != _NOTHING:
                chosen[role] = picked.partition(":")[0]
    st.caption("Taken from the headings; change what is wrong.")
    before = {role: str(trace.names.index(name) + 1) for role, name in guessed.items()}
    if chosen == before:
        return None
    order = [role for role in roles if role in chosen]
    lacking = [role for role in (entry.x, *entry.roles) if role not in chosen]
    if lacking:
        if guessed.get(entry.x) and not set(before) - {entry.x}:
            return None  # a polarisation from two intensities: the reader knows it
        raise DataError(f"say which column is the {lacking[0].replace('_', ' ')}")
    # columns are named in the order of the roles: one that is left out in between can't be told
    gap = next((role for i, role in enumerate(order) if role != roles[i]), None)
    if gap is not None and gap != "sigma":
        raise DataError(f"choose a column for every role before {gap}")
    if gap == "sigma":
        raise DataError("errors need the second channel too; or name their column 'error' in the file")
    return [chosen[role] for role in order]


def _unit(entry: Analysis, trace: Trace) -> str | None:
    from perospin.measurements.guessing import taken_as
    from perospin.measurements.reading.words.roles import get_role

    units = _UNITS.get(entry.x)
    if not units:
        return None
    name = taken_as(entry.name, trace).get(entry.x)
    label = trace.labels[trace.names.index(name)] if name else None
    stated = get_role(entry.x).unit_of(label) if label is not None else ""
    if stated:
        st.caption(f"{entry.x.replace('_', ' ').capitalize()} in {stated}, as the file says.")
        return None
    picked = st.selectbox(
        f"Unit of the {entry.x}", units, key=f"unit:{entry.name}:{trace.source}", width=230,
        help="The file doesn't say it.",
    )  # fmt: skip
    return str(picked)


# -- what the analysis is told ----------------------------------------------------------------------------------------


def _words(name: str) -> str:
    """Put the name of an option into words, its unit in brackets: ``irf_fwhm_ps`` is ``irf fwhm (ps)``."""
    stem, _, unit = name.rpartition("_")
    units = {"ps": "ps", "t": "T", "nm": "nm", "um": "µm", "mm": "mm", "mm2": "mm²", "v": "V", "ghz": "GHz", "ev": "eV",
             "ms": "mS", "ohm": "ohm", "k": "K"}  # fmt: skip
    if stem and unit in units and name != "least_v":
        return f"{stem.replace('_', ' ')} ({units[unit]})"
    return name.replace("_", " ")


def _options(name: str, conditions: Mapping[str, float]) -> dict[str, Any]:
    from perospin.measurements import options_of

    found: dict[str, Any] = {}
    listed = options_of(name)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for option in listed:
            key = f"option:{name}:{option.name}"
            label = _words(option.name) + (" *" if option.needed else "")
            known = conditions.get(option.name)
            if option.kind == "switch":
                found[option.name] = st.checkbox(label, bool(option.default), key=key)
            elif option.kind == "choice":
                choices = [option.default, *(one for one in option.choices if one != option.default)]
                found[option.name] = st.selectbox(
                    label, choices, key=key, format_func=lambda one: "automatic" if one is None else str(one), width=170
                )
            elif option.kind == "whole":
                found[option.name] = st.number_input(label, 1, 5, option.default, key=key, width=190)
            elif option.kind == "number":
                start = option.default if option.default is not None else known
                found[option.name] = st.number_input(label, value=start, key=key, width=190, format="%g")
            else:
                low = st.number_input(f"{label}, from", value=None, key=f"{key}:low", width=190, format="%g")
                high = st.number_input("to", value=None, key=f"{key}:high", width=150, format="%g")
                found[option.name] = None if low is None or high is None else (float(low), float(high))
        intervals = st.selectbox("intervals", ["covariance", "profile"], key=f"option:{name}:intervals", width=170)
        robust = st.checkbox("robust", key=f"option:{name}:robust", help="Lessen the weight of outliers (Huber)")
    if any(option.needed for option in listed):
        st.caption("* needed, unless the names of the files tell it")
    kept = {option.name: option.default for option in listed}
    given = {key: value for key, value in found.items() if value != kept[key]}
    given |= {} if intervals == "covariance" else {"intervals": intervals}
    return given | ({"robust": True} if robust else {})


def _range(name: str, paths: Sequence[Path], chosen: Mapping[str, Any]) -> tuple[float, float] | None:
    """Range of the abscissa that is fitted, dragged on a slider; None for all of it."""
    from perospin.measurements import ANALYSES

    entry = ANALYSES[name]
    try:
        x = _measured(name, tuple(map(str, paths)), _frozen(chosen)).x
    except (DataError, KeyError):
        return None
    import numpy as np

    from perospin.measurements.reading.words.roles import get_role

    finite = x[np.isfinite(x)]
    if not len(finite) or finite.min() == finite.max():
        return None
    low, high = float(finite.min()), float(finite.max())
    picked = st.slider(
        f"Range that is fitted ({get_role(entry.x).unit or entry.x})", low, high, (low, high),
        step=(high - low) / 500, key=f"range:{name}:{_key(paths)}", format="%.4g",
    )  # fmt: skip
    return None if picked == (low, high) else (float(picked[0]), float(picked[1]))


def _frozen(given: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in sorted(given.items()))


@st.cache_resource(max_entries=60, show_spinner=False)
def _measured(name: str, paths: tuple[str, ...], chosen: tuple[tuple[str, Any], ...]) -> Any:
    from perospin.measurements import read_files
    from perospin.measurements.one_call import takes_series

    return read_files(name, paths[:1] if takes_series(name) else paths, **dict(chosen))


@st.cache_resource(max_entries=60, show_spinner="Fitting ...")
def _fit(
    name: str,
    paths: tuple[str, ...],
    chosen: tuple[tuple[str, Any], ...],
    within: tuple[float, float] | None,
    options: tuple[tuple[str, Any], ...],
) -> Outcome:
    from perospin.measurements import fit_files

    missed: list[str] = []
    outcome = fit_files(name, paths, within=within, tell=missed.append, **dict(chosen), **dict(options))
    if missed:
        from dataclasses import replace

        outcome = replace(outcome, notes=(*outcome.notes, *missed))
    return outcome


def _raw(name: str, paths: Sequence[Path], chosen: Mapping[str, Any], logarithmic: bool) -> None:
    from perospin.measurements import ANALYSES
    from perospin.measurements.reading.words.roles import get_role

    entry = ANALYSES[name]
    if not entry.x:
        return
    measured = _measured(name, tuple(map(str, paths)), _frozen(chosen))
    unit = get_role(entry.x).unit
    label = entry.x.replace("_", " ") + (f" ({unit})" if unit else "")
    channels = {role: values for role, values in measured.channels.items() if role != "sigma"}
    used = "sigma" in measured.channels
    st.caption("The errors of the file are used." if used else "No errors in the file: the scatter gives them.")
    with st.expander("The channels before the fit"):
        st.plotly_chart(
            plots.raw_plot(measured.x, channels, label, logarithmic), key="raw", config=plots.CONFIG,
            alt=f"{', '.join(channels)} against {label}",
        )  # fmt: skip
    for note in measured.notes:
        st.caption(parts.plain_text(parts.on_a_page(note)))


# -- the result -------------------------------------------------------------------------------------------------------


def _result(name: str, outcome: Outcome, logarithmic: bool) -> None:
    from perospin.measurements.paper import curves, headline

    fit = outcome.fit
    value, _, convention = headline(fit).partition(" (1/e")
    st.header(parts.plain_text(value), anchor=False)
    if convention:
        st.caption(parts.plain_text(f"(1/e{convention}"))
    for sentence in fit.warnings:
        st.warning(parts.plain_text(parts.on_a_page(sentence)), icon=":material/warning:")
    figure = plots.fit_plot(fit, logarithmic)
    if figure is not None:
        st.plotly_chart(figure, key="fitted", config=plots.CONFIG, alt=f"Data, fit and residuals: {headline(fit)}")
    with st.expander("All values", expanded=figure is None):
        st.dataframe(fit.table, hide_index=True, alt="All values of the fit with their uncertainties")
        st.code(fit.report(), language=None)
    if outcome.parts:
        _parts_of(outcome)
    if st.toggle("Show the figure in journal width (SVG, PDF)", figure is None, key="paper"):
        more: dict[str, Any] = {"log_delay": True} if fit.drawing == "pump-probe" and logarithmic else {}
        parts.show_figure(partial(fit.plot, **more), f"fit-{name}", headline(fit), width=430)
    files: dict[str, tuple[bytes | str, str]] = {f"fit-{name}.json": (fit.to_json(), "application/json")}
    if not fit.data.empty:
        files = {f"curves-{name}.csv": (parts.as_csv(curves(fit)), "text/csv"), **files}
    files[f"report-{name}.txt"] = (fit.report() + "\n", "text/plain")
    parts.downloads("fit", files)


def _parts_of(outcome: Outcome) -> None:
    import pandas as pd

    rows = []
    for file, fit in outcome.parts.items():
        row: dict[str, Any] = {"file": file}
        row |= {name: str(fit[name]) for name in list(dict.fromkeys([*fit.records, *fit.names]))[:4]}
        rows.append(row | {"doubts": "; ".join(fit.warnings)})
    with st.expander(f"The {len(rows)} single fits"):
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Main values of the single fits")


def _record(name: str, outcome: Outcome) -> None:
    """Literature values of the same material, and a record of this one."""
    from perospin.measurements.outcome import conditions_of, records_of

    st.subheader("Compare and keep", anchor=False)
    with st.container(horizontal=True):
        material = st.text_input("Material", key="material", placeholder="(PEA)2PbI4", width=240, max_chars=200)
        source = st.text_input("Measured by", key="source", placeholder="a name, a DOI", width=240, max_chars=200)
        told = st.text_input(
            "Conditions", key="conditions", placeholder="temperature=295 K, form=film", width=320, max_chars=300
        )
    if not material.strip():
        st.caption("With a material, its literature values stand here, and the value can become a record.")
        return
    given = conditions_of([part for part in told.split(",") if part.strip()])
    records, skipped = records_of(outcome, material.strip(), source.strip() or "me", given)
    for sentence in skipped:
        st.caption(parts.plain_text(sentence))
    for record in records[:1]:
        _strip(record)
    if not records:
        return
    text = json.dumps([record.to_dict() for record in records], indent=1, ensure_ascii=False)
    parts.downloads("record", {f"record-{name}.json": (text, "application/json")})
    if st.button("Add to my records", icon=":material/save:", disabled=not source.strip(), help="Needs 'Measured by'"):
        from perospin.database import Store
        from perospin.database.sharing import attach
        from perospin.measurements.outcome import files_of

        with Store.open() as store:
            ids = store.add(records)
            attach(store, ids, files_of(outcome.fit))
            st.success(f"{len(ids)} record{'s' * (len(ids) != 1)} added. `perospin data list --table user` shows them.")


def _strip(record: Any) -> None:
    import pandas as pd

    from perospin.database import PROPERTIES, select_records
    from perospin.reports.relations.axes import source_of, words_of

    known = select_records(record.property, record.formula or record.material)
    unit = PROPERTIES[record.property].unit
    if not known:
        st.caption(f"No {record.property} of {parts.plain_text(record.formula or record.material)} is on record.")
        return
    values = pd.DataFrame(
        {
            "value": [one.value for one in known],
            "words": [words_of(one) for one in known],
            "url": [source_of(one) for one in known],
        }
    )
    spread = record.uncertainty or float("nan")
    st.plotly_chart(
        plots.strip_plot(
            values, (record.value, record.value - spread, record.value + spread),
            f"{record.property} ({unit})" if unit != "1" else record.property,
        ),
        key="strip", config=plots.CONFIG, alt=f"{len(known)} literature values of {record.property} and this one",
    )  # fmt: skip
    st.dataframe(
        values.rename(columns={"words": "literature", "url": "source"}), hide_index=True,
        alt="Literature values with their sources",
        column_config={
            "source": st.column_config.LinkColumn("source", display_text="open"),
            "value": st.column_config.NumberColumn(f"{record.property} ({unit})", format="%.4g"),
        },
    )  # fmt: skip
