"""Show a piece of long work on a page: a button to start it, then its progress and a button to cancel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from perospin.app.parts import plain_text
from perospin.jobs import work

__all__ = ["wait_for"]


def wait_for(
    task: str, parameters: Mapping[str, Any], words: str, label: str, files: Mapping[str, bytes] | None = None
) -> work.Work | None:
    """Return the work once it is done; until then show how far it is.

    Parameters
    ----------
    task, parameters, files
        As `perospin.jobs.work.start` takes them.
    words : str
        What it is, and about how long it takes.
    label : str
        Of the button that starts it.
    """
    found = work.of(task, parameters, files)
    state = found.state
    if state == "done":
        return found
    if state == "running":
        _follow(found)
        return None
    if state == "failed":
        st.error(plain_text(found.error), icon=":material/error:")
    elif state == "cancelled":
        st.info("Cancelled. What was finished is kept; start again to go on.")
    else:
        st.info(plain_text(words), icon=":material/hourglass_empty:")
    if st.button(label if state == "new" else f"{label} again", key=f"start:{found.folder.name}", type="primary"):
        work.start(task, parameters, files)
        st.rerun()
    return None


@st.fragment(run_every=1.0)
def _follow(found: work.Work) -> None:
    if found.state != "running":
        st.rerun(scope="app")
    what, done, in_all = found.progress
    text = f"{plain_text(what)} ({found.seconds:.0f} s)"
    if in_all:
        st.progress(min(done / in_all, 1.0), f"{text}: {done} of {in_all}")
    else:
        st.progress(0.0, text)
    st.caption("It goes on if you close or reload this page.")
    if st.button("Cancel", key=f"cancel:{found.folder.name}"):
        found.cancel()
        st.rerun(scope="app")
