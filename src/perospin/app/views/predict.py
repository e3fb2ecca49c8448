"""Predict: formulas in, rate and lifetime out, with interval, domain, reasons and the nearest measured materials."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from perospin.app import parts, plots
from perospin.app.uploads import together
from perospin.app.views.own_study import ask_study
from perospin.app.waiting import wait_for
from perospin.jobs.study_files import load_own_study

if TYPE_CHECKING:
    import pandas as pd

    from perospin.chemistry import IonLibrary
    from perospin.studies import Prediction, Study

MOST = 6
"""How many materials stand side by side."""

QUANTITIES = {
    "ambient": "spin relaxation at ambient conditions, circular pump-probe",
    "tau_spin": "tau_spin at the conditions below",
    "T1": "T1 at the conditions below",
    "T2": "T2 at the conditions below",
    "T2_star": "T2* at the conditions below",
    "own": "what a study or a table of your own is about",
}


class _NotKept(Exception):  # no error: it carries the word that a cation must be computed
    """A cation is not in the cache yet."""


def show() -> None:
    """Draw the page."""
    parts.heading(
        "Predict", "Rate and lifetime of spin relaxation for a formula, with its interval, domain and reasons."
    )
    if "formulas" not in st.session_state:
        st.session_state["formulas"] = st.query_params.get("formulas", "(3AMP)PbI4")
    typed = st.text_area(
        "Formulas, one a line", key="formulas", height=110, max_chars=2000,
        help=f"Up to {MOST} side by side: (PEA)2PbI4, (3AMP)(MA)Pb2I7, CsPbBr3 ...",
    )  # fmt: skip
    with st.expander("A cation of your own"):
        ions = _own_ions()
    with st.expander("Put a formula together"), parts.guarded():
        _compose(ions)
    with st.expander("Another quantity, other conditions, or a study of your own"):
        asked = _asked()
        own_study = None
        if st.session_state["quantity"] == "own":
            with parts.guarded():
                own_study = _own_study()
            if own_study is None:
                return
    formulas = [line.strip() for line in typed.splitlines() if line.strip()]
    st.query_params["formulas"] = "\n".join(formulas)
    if len(formulas) > MOST:
        st.warning(f"Only the first {MOST} of {len(formulas)} formulas are shown; `perospin predict` takes any number.")
        formulas = formulas[:MOST]
    found: list[Prediction] = []
    columns = st.columns(min(max(len(formulas), 1), 3))
    for place, formula in enumerate(formulas):
        with columns[place % len(columns)], parts.guarded():
            prediction = _predict(formula, ions, asked, own_study)
            if prediction is not None:
                _card(prediction, ions, alone=len(formulas) == 1)
                found.append(prediction)
    if found:
        text = "\n".join(prediction.report() for prediction in found)
        st.subheader("Take it along")
        parts.downloads("predictions", {"predictions.csv": (parts.as_csv(_table(found)), "text/csv"),
                                        "predictions.txt": (text, "text/plain")})  # fmt: skip
        with st.expander("Copy as text"):
            st.code(text, language=None, wrap_lines=True)
        with st.expander("The same on the command line"):
            st.code(_command(formulas, ions, asked, own_study), language="bash", wrap_lines=True)


def _own_ions() -> tuple[str, ...]:
    """Cations of the user's own as ``NAME=SMILES``, drawn as they are typed."""
    from perospin.chemistry import IonLibrary
    from perospin.chemistry.drawing import molecule_svg

    left, right = st.columns(2)
    name = left.text_input("Short name", key="own_name", max_chars=24, placeholder="TPAm")
    smiles = left.text_input(
        "SMILES of the cation", key="own_smiles", max_chars=300, placeholder="C1CSCCN1CCC[NH3+]", live=True
    )
    if not (name.strip() and smiles.strip()):
        left.caption("Give both; the name can then stand in a formula.")
        return ()
    text = f"{name.strip()}={smiles.strip()}"
    found: tuple[str, ...] = ()
    with parts.guarded():
        ion = IonLibrary.of([text]).get(name.strip())
        right.html(molecule_svg(str(ion.smiles), ion.symbol, 300, 170))
        right.caption(f"{ion.symbol}: charge {ion.charge:+d}" + ("" if ion.symbol == name.strip() else ", known"))
        found = (text,)
    return found


def _compose(own: tuple[str, ...]) -> None:
    from perospin.chemistry import IonLibrary, Perovskite

    library = IonLibrary.of(list(own) or None)
    names = sorted({ion.symbol for ion in library.cations if ion.role == "spacer"}, key=str.lower)
    names += [text.partition("=")[0] for text in own if text.partition("=")[0] not in names]
    a_site = sorted({ion.symbol for ion in library.cations if ion.role == "a_site"}, key=str.lower)
    with st.container(horizontal=True):
        spacer = st.selectbox("Spacer", names, index=names.index("PEA"), key="make_spacer", width=170)
        metal = st.selectbox("Metal", ["Pb", "Sn", "Ge"], key="make_metal", width=110)
        halide = st.selectbox("Halide", ["I", "Br", "Cl"], key="make_halide", width=110)
        layers = int(st.number_input("Layers n", 1, 10, 1, key="make_layers", width=130))
        cage = st.selectbox("A cation", a_site, index=a_site.index("MA"), key="make_a", width=130, disabled=layers == 1)
    material = Perovskite.layered(spacer, metal, halide, layers, cage, library)
    st.caption(parts.plain_text(material.describe()))

    def add() -> None:
        lines = [line for line in str(st.session_state["formulas"]).splitlines() if line.strip()]
        if material.formula not in lines:
            st.session_state["formulas"] = "\n".join([*lines, material.formula])

    st.button("Add it to the list", on_click=add, icon=":material/add:")


def _asked() -> dict[str, Any]:
    """Conditions for the model of lifetimes; empty for the study at ambient conditions."""
    quantity = st.selectbox("Quantity", list(QUANTITIES), format_func=QUANTITIES.__getitem__, key="quantity")
    if quantity in ("ambient", "own"):
        return {}
    with st.container(horizontal=True):
        temperature = st.number_input("Temperature (K)", 0.01, 1000.0, None, key="temperature", width=170)
        field = st.number_input("Field (T)", 0.0, 100.0, None, key="field", width=150)
        carrier = st.selectbox("Carrier", ["", "electron", "hole", "exciton"], key="carrier", width=150)
        technique = st.selectbox("Technique", ["", "pump-probe", "Hanle", "resident spins"], key="technique", width=170)
        form = st.selectbox("Form", ["", "single crystal", "film", "nanocrystal"], key="form", width=170)
    st.caption("What is left open widens the interval. The answer comes from all records of lifetimes.")
    asked = {"quantity": quantity, "temperature_k": temperature, "field_t": field, "carrier": carrier,
             "technique": technique, "form": form}  # fmt: skip
    return {name: value for name, value in asked.items() if value not in (None, "")}


def _own_study() -> _OwnStudy | None:
    """Ask for a study of the user's own, and fit what predicts it; None until it is there."""
    found = ask_study("predict_study")
    if found is None:
        return None
    study, files = found
    study.check_describes()
    words = "What predicts must be fitted first, once: seconds to minutes."
    if wait_for("fit", {"study": study.name}, words, "Fit it", files) is None:
        return None
    return _OwnStudy(tuple(sorted((name, content) for name, content in files.items())), study.name)


@dataclass(frozen=True)
class _OwnStudy:
    """Files of a study that was uploaded, and its name."""

    files: tuple[tuple[str, bytes], ...]
    name: str


def _study(asked: bool, own: _OwnStudy | None) -> Study:
    from perospin.studies import Study

    if own is not None:
        return load_own_study(together(dict(own.files)))
    return Study.load("lifetimes" if asked else "spin-relaxation")


@st.cache_resource(max_entries=300, show_spinner="Predicting ...")
def _answer(
    formula: str, own: tuple[str, ...], asked: tuple[tuple[str, Any], ...], own_study: _OwnStudy | None
) -> Prediction:
    from perospin.chemistry import Perovskite

    library = _library(own)
    study = _study(bool(asked), own_study)
    material = Perovskite.parse(formula, library)

    def refuse(symbol: str) -> None:
        raise _NotKept(symbol)

    return study.predictor().predict(material, library if own else None, refuse, dict(asked))


def _library(own: tuple[str, ...]) -> IonLibrary:
    from perospin.chemistry import IonLibrary

    return IonLibrary.of(list(own) or None)


def _predict(
    formula: str, own: tuple[str, ...], asked: dict[str, Any], own_study: _OwnStudy | None
) -> Prediction | None:
    try:
        return _answer(formula, own, tuple(asked.items()), own_study)
    except _NotKept as told:
        study = _study(bool(asked), own_study).name
        question = {"formula": formula, "ions": list(own), "study": study, "conditions": asked}
        name = str(told).partition(" (")[0]
        files = dict(own_study.files) if own_study is not None else None
        wait_for("cations", question, f"A cation must be computed first, once: {told}.", f"Compute {name}", files)
        return None


def _card(prediction: Prediction, own: tuple[str, ...], alone: bool) -> None:
    from perospin.studies.predicting.words import why

    left, right = st.columns(2, gap="large") if alone else (st.container(), st.container())
    with left:
        _value(prediction)
        _nearest(prediction)
        _structure(prediction.formula, own)
        with st.expander("How the interval was made, and the model"):
            st.caption(f"The interval is made {parts.plain_text(prediction.interval_in_words)}.")
            st.caption(parts.plain_text(prediction.spread_in_words))
            st.caption(
                parts.plain_text(
                    f"{prediction.conditions or 'conditions as asked'}. Model: {prediction.estimator}; study "
                    f"{prediction.study}, part {prediction.part}; {prediction.n_scored} held-out values."
                )
            )
    name = "".join(sign for sign in prediction.title if sign.isalnum() or sign in "()-")
    with right:
        if prediction.contributions:
            st.plotly_chart(
                plots.waterfall_plot(prediction), key=f"why:{prediction.formula}", config=plots.CONFIG,
                alt=f"Why: {why(prediction)}",
            )  # fmt: skip
            st.caption(parts.plain_text(f"Why: {why(prediction)}"))
            parts.save_figure(prediction.plot, f"waterfall-{name}")


def _value(prediction: Prediction) -> None:
    """Headline values, and whether the model knows such materials."""
    from perospin.studies.predicting.words import headlines

    st.subheader(parts.plain_text(prediction.title), anchor=False)
    with st.container(horizontal=True):
        for what, value, interval in headlines(prediction):
            with st.container(width=210):
                st.metric(what, value)
                st.caption(f"{100 * prediction.level:.0f} % interval: {parts.plain_text(interval)}")
    if prediction.in_domain:
        st.success("In domain: the training rows hold materials like this one.", icon=":material/check:")
    for reason in prediction.reasons:
        st.warning(f"Out of domain: {parts.plain_text(reason)}", icon=":material/warning:")
    for sentence in (*prediction.cautions, *prediction.notes):
        st.info(parts.plain_text(sentence))
    if prediction.known:
        st.caption("This material is itself among the training rows.")
    if prediction.alike:
        st.caption(f"The model can't tell it from {parts.plain_text(', '.join(prediction.alike))}.")


def _nearest(prediction: Prediction) -> None:
    if not prediction.nearest and not prediction.on_record:
        return
    import pandas as pd

    other = prediction.reciprocal
    unit = other.unit if other else prediction.unit
    rows = [
        {
            "nearest known": near.formula + ("" if near.certain else " (composition uncertain)"),
            f"{prediction.obtained} ({unit})": 1.0 / near.value if other and near.value else near.value,
            "distance": near.distance,
            "source": parts.source_url(near.source) or None,
        }
        for near in prediction.nearest
    ]
    if rows:
        st.dataframe(
            pd.DataFrame(rows), hide_index=True,
            alt="The nearest known materials with their values, distances and sources",
            column_config={
                "source": st.column_config.LinkColumn("source", display_text="open"),
                f"{prediction.obtained} ({unit})": st.column_config.NumberColumn(format="%.3g"),
                "distance": st.column_config.NumberColumn(
                    format="%.2f", help="In standard deviations of what the model reads; 0 is equal"
                ),
            },
        )  # fmt: skip
    if prediction.on_record:
        st.caption("On record for this material")
        st.dataframe(pd.DataFrame(prediction.on_record), hide_index=True, alt="Records of the same material")


def _structure(formula: str, own: tuple[str, ...]) -> None:
    """Show layer spacing and angle, measured or predicted, by a process of its own: models may have to be fitted."""
    if own or not st.toggle("Structure, measured or expected", key=f"structure:{formula}"):
        return  # the models of crystals read no cation of the user's own
    words = "Crystals are looked up; without one the models of crystals answer. The first time takes minutes."
    done = wait_for("structure", {"formula": formula}, words, "Look it up")
    if done is None:
        return
    found = json.loads((done.results / "structure.json").read_text(encoding="utf-8"))
    for words, name, unit, end in (
        ("Layer spacing", "expected_layer_spacing", "Å", "_a"),
        ("Angle metal-halide-metal", "expected_angle", "°", "_deg"),
    ):
        value = found[f"{name}{end}"]
        if value is None:
            st.caption(parts.plain_text(f"{words}: {found[f'{name}_from']}"))
            continue
        low, high = found[f"{name}_low{end}"], found[f"{name}_high{end}"]
        spread = "" if low == high else f" ({low:.4g} to {high:.4g})"
        st.caption(parts.plain_text(f"{words} {value:.4g} {unit}{spread}: {found[f'{name}_from']}"))


def _table(found: list[Prediction]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for prediction in found:
        row: dict[str, Any] = {
            "formula": prediction.formula, "quantity": prediction.quantity, "unit": prediction.unit,
            "value": prediction.value, "low": prediction.low, "high": prediction.high, "level": prediction.level,
        }  # fmt: skip
        if (other := prediction.reciprocal) is not None:
            row |= {f"{other.quantity} ({other.unit})": other.value, "its low": other.low, "its high": other.high}
        asked = ", ".join(f"{name}={value}" for name, value in prediction.asked.items())
        rows.append(
            row | {
                "in_domain": prediction.in_domain, "reasons": "; ".join(prediction.reasons), "asked": asked,
                "conditions": prediction.conditions, "study": prediction.study, "part": prediction.part,
                "model": prediction.estimator,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _command(formulas: list[str], own: tuple[str, ...], asked: dict[str, Any], own_study: _OwnStudy | None) -> str:
    import shlex

    names = {"temperature_k": "temperature", "field_t": "field"}
    options = [item for text in own for item in ("--ion", text)]
    options += [item for name, value in asked.items() for item in (f"--{names.get(name, name)}", str(value))]
    if own_study is not None:
        options += ["--study", next(name for name, _ in own_study.files if name.lower().endswith(".toml"))]
    return shlex.join(["perospin", "predict", *formulas, *options])
