"""A study or a table of the user's own, in Study and Predict; own spacers in Screen."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("streamlit")

from streamlit.testing.v1 import AppTest

from perospin.app import folders
from perospin.app.uploads import together
from perospin.errors import PerospinError
from perospin.jobs import work
from perospin.jobs.study_files import load_own_study
from perospin.studies.new_study import new_study

sys.path.insert(0, str(Path(__file__).parent))
from test_other_pages import button, opened, until_done

TABLE = Path(__file__).parents[2] / "examples" / "materials.csv"


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(folders.VARIABLE, str(tmp_path))
    monkeypatch.setattr(work, "works_folder", lambda: tmp_path / ".works")
    return tmp_path


def study_text() -> str:
    return new_study(TABLE, "material", "spin lifetime", TABLE.parent, "mine")


def choose(shown: AppTest, key: str) -> AppTest:
    shown.selectbox(key=f"{key}:formula").set_value("material")
    shown.selectbox(key=f"{key}:target").set_value("spin lifetime (ps)").run()
    assert not shown.error, shown.error[0].value
    return shown


def test_a_table_becomes_a_study(tmp_path: Path) -> None:
    shown = opened("study")
    shown.selectbox(key="study").set_value("a study or a table of your own").run()
    shown.file_uploader[0].upload(TABLE.name, TABLE.read_bytes()).run()
    choose(shown, "own_study")
    assert "Run the study" in [one.label for one in shown.button]
    assert "my-study.toml" in [one.label for one in shown.get("download_button")]


def test_a_study_file_needs_its_table() -> None:
    shown = opened("study")
    shown.selectbox(key="study").set_value("a study or a table of your own").run()
    shown.file_uploader[0].upload("mine.toml", study_text().encode()).run()
    assert "give that file too" in shown.error[0].value
    shown = opened("study")
    shown.selectbox(key="study").set_value("a study or a table of your own").run()
    files = shown.file_uploader[0].upload("mine.toml", study_text().encode())
    files.upload(TABLE.name, TABLE.read_bytes()).run()
    assert not shown.error, shown.error[0].value
    assert "Run the study" in [one.label for one in shown.button]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('csv = "materials.csv"', 'csv = "/etc/passwd"', "give that file too"),
        ('csv = "materials.csv"', 'csv = "../materials.csv"', "give that file too"),
        ('csv = "materials.csv"', 'store = {store = "sqlite:////tmp/x", property = "T1"}', "a store of its own"),
        ("format = 1", "format = 99", "format"),
        ("format = 1", "format = [", "TOML"),
    ],
)
def test_a_study_file_reads_nothing_but_what_came_with_it(old: str, new: str, said: str) -> None:
    text = study_text()
    assert old in text
    with pytest.raises(PerospinError, match=said):
        load_own_study(together({"mine.toml": text.replace(old, new).encode(), TABLE.name: TABLE.read_bytes()}))


@pytest.mark.slow
def test_an_own_table_predicts() -> None:
    shown = opened("predict")
    shown.selectbox(key="quantity").set_value("own").run()
    shown.file_uploader[0].upload(TABLE.name, TABLE.read_bytes()).run()
    choose(shown, "predict_study")
    button(shown, "Fit it")
    until_done(shown, lambda one: one.metric)
    assert not shown.error
    assert shown.metric[0].label == "spin lifetime"
    assert "--study my-study.toml" in shown.code[-1].value


@pytest.mark.slow
def test_an_own_study_runs_and_shows_its_verdict() -> None:
    shown = opened("study")
    shown.selectbox(key="study").set_value("a study or a table of your own").run()
    shown.file_uploader[0].upload(TABLE.name, TABLE.read_bytes()).run()
    choose(shown, "own_study")
    button(shown, "Run the study")
    until_done(shown, lambda one: one.dataframe, 300.0)
    assert not shown.error
    assert "leave one spacer out" in set(shown.dataframe[0].value["scheme_label"])


def test_own_spacers_are_read_for_a_screening() -> None:
    shown = opened("screen")
    shown.text_area(key="own_spacers").set_value("MYI=C=CCC[NH3+]\nBXA=BrCCCC[NH3+]").run()
    assert not shown.error, shown.error[0].value
    assert any("2 read; known: MYI = BEA" in one.value.replace("\\", "") for one in shown.caption)
    shown.text_area(key="own_spacers").set_value("nonsense").run()
    assert "NAME=SMILES" in shown.error[0].value


@pytest.mark.slow
def test_an_own_spacer_is_screened() -> None:
    shown = opened("screen")
    shown.text_area(key="own_spacers").set_value("MYI=C=CCC[NH3+]").run()
    shown.checkbox(key="own_alone").set_value(True).run()
    button(shown, "Screen")
    until_done(shown, lambda one: one.dataframe)
    assert list(shown.dataframe[0].value["material"]) == ["(BEA)2PbI4"]
