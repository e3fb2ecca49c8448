"""Ask for a study of the user's own: its file with the table, or a table from which the file is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from perospin.app import parts
from perospin.app.uploads import contents, stored, together
from perospin.errors import DataError
from perospin.jobs.study_files import load_own_study

if TYPE_CHECKING:
    from perospin.studies import Study

__all__ = ["ask_study"]

TABLES = (".csv", ".txt", ".tsv", ".xlsx")
_MADE = "my-study.toml"


def ask_study(key: str) -> tuple[Study, dict[str, bytes]] | None:
    """Ask for a study file with its table, or for a table from which one is made; None until they are there.

    Returns
    -------
    study : Study
    files : dict of str to bytes
        All that it needs, by name.
    """
    given = st.file_uploader(
        "Your study file (.toml) and its table, or the table alone", accept_multiple_files=True, key=f"{key}:files",
        type=["toml", *(ending[1:] for ending in TABLES)],
    )  # fmt: skip
    if not given:
        st.caption("A table alone needs a column of formulas and one of a property; the study file is made from it.")
        return None
    files: Mapping[str, bytes] = contents(given)
    if not any(name.lower().endswith(".toml") for name in files):
        made = _made(given, key)
        if made is None:
            return None
        files = {**files, _MADE: made.encode()}
        parts.downloads(f"{key}:made", {_MADE: (made, "text/plain")}, named=True)
    return load_own_study(together(files)), dict(files)


def _made(given: Sequence[Any], key: str) -> str | None:
    """Text of a study file for a table with a formula and a property."""
    from perospin.sheets.table import open_table
    from perospin.studies.new_study import new_study

    if len(given) != 1:
        raise DataError("give one table, or a study file with its tables")
    path = stored(given)[0]
    heads = [head for head in open_table(path).headings if head.strip()]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        formula = st.selectbox("Column of formulas", heads, index=None, key=f"{key}:formula", width=230)
        target = st.selectbox("Property to predict", heads, index=None, key=f"{key}:target", width=230)
        more = st.multiselect("Further columns that models read", heads, key=f"{key}:use", width=330)
    if formula is None or target is None:
        return None
    return new_study(path, formula, target, path.parent, Path(_MADE).stem, use=more)
