"""Screen: which materials of a space to make next, ranked honestly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from perospin.app import parts
from perospin.app.waiting import wait_for
from perospin.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from perospin.jobs.work import Work


def show() -> None:
    """Draw the page."""
    from perospin.navigation.screening.screen import RANKINGS

    parts.heading("Screen", "Predict every material of a space, and see which to make next.")
    question = _question(list(RANKINGS))
    found = wait_for(
        "screen", question, "A screening takes seconds to a minute; it goes on in the background.", "Screen"
    )
    if found is not None:
        _result(found)


def _question(rankings: list[str]) -> dict[str, Any]:
    from perospin.chemistry import IonLibrary

    library = IonLibrary.default()
    spacers = sorted({ion.symbol for ion in library.cations if ion.role == "spacer"}, key=str.lower)
    cages = sorted({ion.symbol for ion in library.cations if ion.role == "a_site"}, key=str.lower)
    chosen = st.multiselect("Spacers", spacers, key="spacers", placeholder="all that are described")
    with st.expander("Spacers of your own"):
        own = _own()
        alone = st.checkbox("These alone", key="own_alone", disabled=not own)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metals = st.multiselect("Metals", ["Pb", "Sn", "Ge"], ["Pb"], key="metals", width=180)
        halides = st.multiselect("Halides", ["I", "Br", "Cl"], ["I"], key="halides", width=190)
        layers = st.multiselect("Layers n", list(range(1, 7)), [1], key="layers", width=190)
        cage = st.multiselect("A cations, from n = 2 on", cages, ["MA"], key="cages", width=230)
        goal = st.selectbox(
            "Wanted", ["long spin lifetime", "short spin lifetime"], key="goal", width=200,
        )  # fmt: skip
        top = int(st.number_input("How many", 1, 500, 20, key="top", width=140))
        rank = st.selectbox(
            "Ranked",
            rankings,
            key="rank",
            width=200,
            help="bound: pessimistic end; chance: to beat the reference; value",
        )
        beat = st.text_input("To beat", key="beat", placeholder="the best measured", width=190, max_chars=100)
        diverse = st.checkbox("A list whose members differ", key="diverse")
    for what, given in (("metal", metals), ("halide", halides), ("layer number", layers), ("A cation", cage)):
        if not given:
            raise DataError(f"choose at least one {what}")
    space = {
        "name": "materials",
        "materials": {
            "spacers": [] if own and alone else chosen or "all", "smiles": own, "a_cations": cage, "metals": metals,
            "halides": halides, "layers": layers,
        },
    }  # fmt: skip
    return {
        "space": space, "objective": "min" if goal.startswith("long") else "max", "top": top, "rank": rank,
        "beat": beat.strip(), "diverse": diverse,
    }  # fmt: skip


def _own() -> dict[str, str]:
    """Spacers as ``NAME=SMILES``, one a line."""
    from perospin.chemistry import IonLibrary
    from perospin.chemistry.user_ions import read_argument

    typed = st.text_area(
        "One a line, NAME=SMILES with the charge", key="own_spacers", height=110, max_chars=10_000,
        placeholder="MYI=C=CCC[NH3+]\nTPAm=C1CSCCN1CCC[NH3+]",
    )  # fmt: skip
    lines = [line.strip() for line in typed.splitlines() if line.strip()]
    if not lines:
        st.caption("What the model reads of them is computed first, in minutes a cation, and kept.")
        return {}
    ions = dict(read_argument(line) for line in lines)
    library = IonLibrary.of(lines)
    known = [f"{name} = {library.get(name).symbol}" for name in ions if library.get(name).symbol != name]
    st.caption(parts.plain_text(f"{len(ions)} read" + (f"; known: {', '.join(known)}" if known else "")))
    return ions


def _result(found: Work) -> None:
    import pandas as pd

    told = json.loads((found.results / "screening.json").read_text(encoding="utf-8"))
    table = pd.read_json(found.results / "table.json", orient="split")
    st.info(parts.plain_text(told["told_apart"][:1].upper() + told["told_apart"][1:] + "."))
    what, unit = told["headline"]
    shown = _shown(table, what, unit, told["level"])
    st.dataframe(
        shown, hide_index=True, alt="The ranked materials",
        column_config={
            f"{what} ({unit})": st.column_config.NumberColumn(format="%.3g"),
            "from": st.column_config.NumberColumn(format="%.3g"),
            "to": st.column_config.NumberColumn(format="%.3g"),
            "beats ref.": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="percent"),
        },
    )  # fmt: skip
    for note in told["notes"]:
        st.caption(parts.plain_text(note))
    parts.downloads(
        "screening",
        {
            "screening.csv": (parts.as_csv(table), "text/csv"),
            "screening.html": ((found.results / "page.html").read_bytes(), "text/html"),
        },
    )


def _shown(table: pd.DataFrame, what: str, unit: str, level: float) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "": table["rank"],
            "material": table["formula"],
            f"{what} ({unit})": table["shown"],
            "from": table["shown_low"],
            "to": table["shown_high"],
            "beats ref.": table["chance_to_beat"],
            "in domain": table["in_domain"],
            "measured": table["known"],
            "what moves it": table.get("pushes", ""),
            "why out of domain": table["reasons"],
        }
    )
