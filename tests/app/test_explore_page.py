"""The page Explore: the statistics of the library, every record with its source."""

from __future__ import annotations

import pytest

pytest.importorskip("streamlit")

from streamlit.testing.v1 import AppTest

from perospin.database import select_records
from perospin.reports.relations.ready import READY
from perospin.reports.relations.relate import relate


def page() -> None:
    from perospin.app.parts import guarded
    from perospin.app.views import explore

    with guarded():
        explore.show()


@pytest.fixture
def opened() -> AppTest:
    return AppTest.from_function(page, default_timeout=120).run()


def said(opened: AppTest) -> str:
    return " ".join(box.value for box in (*opened.info, *opened.success)).replace("\\", "").lower()


@pytest.mark.parametrize("name", READY)
def test_every_ready_plot_opens(opened: AppTest, name: str) -> None:
    opened.selectbox(key="ready").set_value(name).run()
    assert not opened.exception
    assert not opened.error
    ready = READY[name]
    if ready.y:
        assert relate(ready.x, ready.y, **ready.filters).verdict.lower() in said(opened)


def test_any_against_any(opened: AppTest) -> None:
    opened.segmented_control(key="section").set_value("Any X against any Y").run()
    opened.selectbox(key="x").set_value("band_gap").run()
    opened.selectbox(key="y").set_value("g_factor:hole").run()
    assert relate("band_gap", "g_factor:hole").verdict.lower() in said(opened)
    assert "perospin data relate band_gap g_factor:hole" in opened.code[-1].value


def test_records_are_filtered_and_link_their_source(opened: AppTest) -> None:
    opened.segmented_control(key="section").set_value("Records").run()
    opened.multiselect(key="properties").set_value(["tau_spin"]).run()
    opened.number_input(key="find_high").set_value(20.0).run()
    frame = opened.dataframe[0].value
    assert len(frame) == len(select_records("tau_spin", temperature_k=(None, 20.0)))
    assert frame["source"].str.startswith("http").all()
    opened.text_input(key="find_material").set_value("nothing of the kind").run()
    assert "0 records" in opened.caption[-1].value
    assert not opened.error
