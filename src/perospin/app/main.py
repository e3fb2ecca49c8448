"""What Streamlit runs: the list of pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from perospin.app.parts import guarded
from perospin.app.views import PAGES

# the sign of a page would be fetched from a server outside, so none has one; this one is a file of ours
st.set_page_config(page_title="perospin", page_icon=Path(__file__).with_name("icon.png"), layout="wide")
pages = [st.Page(page.show, title=page.title, url_path=page.name, default=page is PAGES[0]) for page in PAGES]
chosen = st.navigation(pages, position="top")
with guarded():
    chosen.run()
