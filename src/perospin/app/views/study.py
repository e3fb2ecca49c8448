"""Study: run one, read its verdict and report, compare two results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from perospin.app import folders, parts
from perospin.app.views.own_study import ask_study
from perospin.app.waiting import wait_for

if TYPE_CHECKING:
    from perospin.studies import StudyResult

_OWN = "a study or a table of your own"


def show() -> None:
    """Draw the page."""
    parts.heading("Study", "From a table to a validated model: run it, read its verdict, compare two.")
    sections = {"Run": _run, "Read": _read, "Compare": _compare}
    chosen = st.segmented_control(
        "Section", list(sections), default="Run", required=True, key="study_section", label_visibility="collapsed"
    )
    sections[str(chosen)]()


def _run() -> None:
    from perospin.studies import Study
    from perospin.studies.declaration.reading import shipped_studies

    names = list(shipped_studies())
    name = st.selectbox("Study", [*names, _OWN], index=names.index("spin-relaxation"), key="study")
    files: dict[str, bytes] = {}
    if name == _OWN:
        found_own = ask_study("own_study")
        if found_own is None:
            return
        study, files = found_own
    else:
        study = Study.load(name)
    st.caption(parts.plain_text(study.title))
    st.write(parts.plain_text(study.description.replace("\n", " ")[:600]))
    chosen = st.multiselect("Parts", list(study.parts), key="study_parts", placeholder="all")
    question = {"study": study.name, "parts": chosen}
    found = wait_for(
        "study", question, "A study takes minutes. It goes on in the background, and what is finished is kept.",
        "Run the study", files or None,
    )  # fmt: skip
    if found is not None:
        _show(found.results)


def _read() -> None:
    listed = folders.results()
    if not listed:
        st.info("There is no result in the folder in which the app was started; `perospin study run` writes them.")
        return
    name = st.selectbox("Result", list(listed), key="result")
    _show(listed[name])


def _compare() -> None:
    listed = folders.results()
    if len(listed) < 2:
        st.info("Two results are needed in the folder in which the app was started.")
        return
    left, right = st.columns(2)
    first = left.selectbox("A", list(listed), key="a")
    second = right.selectbox("B", list(listed), index=1, key="b")
    from perospin.studies.side_by_side import compare_results

    with st.spinner("Comparing ..."):
        found = compare_results(_result(str(listed[first])), _result(str(listed[second])))
    for one in found:
        st.subheader(parts.plain_text(f"{one.a} and {one.b}"), anchor=False)
        for sentence in one.differences:
            st.caption(parts.plain_text(sentence))
        if len(one.scores):
            st.dataframe(
                one.scores, hide_index=True, alt="Scores of both results",
                column_config={name: st.column_config.NumberColumn(format="%.3f")
                               for name in ("r2_a", "r2_b", "gain", "low", "high")},
            )  # fmt: skip
            st.caption(
                parts.plain_text(
                    f"R² of {one.space}; gain is B minus A with its {100 * one.level:.0f} % interval, where the rows "
                    "are the same."
                )
            )
            parts.downloads(f"compare:{one.a}:{one.b}", {"scores.csv": (parts.as_csv(one.scores), "text/csv")})


@st.cache_resource(max_entries=20, show_spinner="Opening ...")
def _result(folder: str) -> StudyResult:
    from perospin.studies import StudyResult

    return StudyResult.load(folder)


def _show(folder: Path) -> None:
    """Verdict, scores and files of a result."""
    from perospin.reports import cite, model_card
    from perospin.reports.verdict import reach

    result = _result(str(folder))
    st.subheader(parts.plain_text(result.title), anchor=False)
    for part in result.parts.values():
        told = reach(part)
        st.info(parts.plain_text(f"{part.spec.label or part.name}: {told.headline}"))
        _scores(part)
    report = folder / "report.html"
    files: dict[str, tuple[bytes | str, str]] = {}
    if report.is_file():
        files["report.html"] = (report.read_bytes(), "text/html")
    files["card.md"] = (model_card(result), "text/markdown")
    files["references.bib"] = (cite(result), "application/x-bibtex")
    parts.downloads(f"result:{folder.name}", files)
    drawn = {path.stem.replace("-", " ").replace("_", " "): path for path in sorted((folder / "figures").glob("*.png"))}
    if drawn:
        chosen = st.selectbox("Figure", list(drawn), index=None, key=f"figure:{folder.name}", placeholder="which one?")
        if chosen is not None:
            st.image(drawn[chosen].read_bytes(), alt=chosen)


def _scores(part: Any) -> None:
    shown = part.scores[["estimator", "scheme_label", "in_sample", "n_scored", "r2", "typical_factor"]].copy()
    shown["estimator"] = [part.spec.title_of(name) for name in shown["estimator"]]
    st.dataframe(
        shown, hide_index=True, alt=f"Scores of {part.name}",
        column_config={
            "r2": st.column_config.NumberColumn("R² (of this scheme)", format="%.2f"),
            "typical_factor": st.column_config.NumberColumn("typical factor", format="%.2f"),
            "estimator": "model",
            "scheme_label": "scheme",
            "n_scored": "scored",
            "in_sample": st.column_config.CheckboxColumn("in sample", help="Scored on its own training rows"),
        },
    )  # fmt: skip
