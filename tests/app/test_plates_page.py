"""Plates: a worklist and a plate of spectra, as the library plans and reads them; mistakes in one sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("streamlit")

from streamlit.testing.v1 import AppTest

from perospin.app import folders
from perospin.navigation import Campaign

sys.path.insert(0, str(Path(__file__).parent))
from plate_files import SPACE, STOCKS, TARGETS, WELLS, plate_file, plate_map


def page() -> None:
    from perospin.app.parts import guarded
    from perospin.app.views.plates import show

    with guarded():
        show()


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(folders.VARIABLE, str(tmp_path))
    return AppTest.from_function(page, default_timeout=120).run()


def give(shown: AppTest, key: str, name: str, content: bytes) -> AppTest:
    return shown.file_uploader(key=key).upload(name, content).run()


def planned(shown: AppTest) -> pd.DataFrame:
    return next(one.value for one in shown.dataframe if "replicate" in one.value)


def test_a_table_becomes_a_layout_and_a_machines_file(shown: AppTest) -> None:
    give(shown, "stocks", "stocks.csv", STOCKS.encode())
    give(shown, "targets", "targets.csv", TARGETS.encode())
    shown.selectbox(key="robot").set_value("tecan-fluent-csv")
    shown.number_input(key="replicates").set_value(2)
    shown.text_input(key="controls").set_value("reference: FAPbI3=1").run()
    assert not shown.exception
    assert not shown.error, shown.error[0].value
    frame = planned(shown)
    assert len(frame) == 20
    assert (frame["role"] == "control").sum() == 2
    sample = frame[frame["role"] == "sample"]
    np.testing.assert_allclose(sample["meant FAPbI3"], sample["made FAPbI3"], atol=0.01)
    # 0.5 M and 1 M: the volumes beside the composition make it
    amounts = 0.5 * frame["PEA (uL)"] + frame["FA (uL)"]
    np.testing.assert_allclose(frame["FA (uL)"] / amounts, frame["made FAPbI3"], atol=1e-9)
    assert set(sample["anneal (C)"]) == {100.0 + i for i in range(9)}
    assert {"worklist.csv", "map.csv"} <= {one.label for one in shown.get("download_button")}


def test_formulas_are_mixed_from_ions(shown: AppTest) -> None:
    salts = "".join(f"{s},{s},1.5,DMF,4000,rack,A{i}\n" for i, s in enumerate(("PEAI", "MAI", "PbI2"), 1))
    give(shown, "stocks", "stocks.csv", (STOCKS.splitlines()[0] + "\n" + salts).encode())
    give(shown, "targets", "targets.csv", b"material\n(PEA)2PbI4\n(PEA)2(MA)Pb2I7\n")
    assert not shown.error, shown.error[0].value
    frame = planned(shown).set_index("name")
    double = frame.loc["(PEA)2(MA)Pb2I7"]
    assert double["PbI2 (uL)"] / double["MAI (uL)"] == pytest.approx(2.0, rel=0.02)


def test_what_cannot_be_made_is_told_with_the_nearest(shown: AppTest) -> None:
    give(shown, "stocks", "stocks.csv", STOCKS.encode())
    give(shown, "targets", "targets.csv", b"name,FAPbI3,PEA2PbI4\nu,0.001,0.999\nv,0.999,0.001\nw,0.5,0.5\n")
    shown.number_input(key="molar").set_value(3.0).run()
    assert not shown.exception
    assert len(shown.error) == 1
    told = [one.value.replace("\\", "") for one in shown.caption if "can't be made" in one.value.replace("\\", "")]
    assert len(told) == 3
    assert all("the nearest is" in one for one in told)
    shown.toggle(key="nearest").set_value(True).run()
    assert not shown.error
    assert len(planned(shown)) == 3


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"name,CsPbI3\na,1\n", "says no composition"),
        (b"name,FAPbI3\na,x\nb,y\n", "is no number"),
        (b"name,FAPbI3,role\na,1,blank\n", "a role is sample or control"),
        (b"name,FAPbI3\na,-1\n", "must be 0 or more"),
        (b"name,FAPbI3\n", "nothing to make"),
        (bytes(range(256)), ""),
    ],
)
def test_a_table_that_cannot_be_read_is_one_sentence(shown: AppTest, table: bytes, said: str) -> None:
    give(shown, "stocks", "stocks.csv", STOCKS.encode())
    give(shown, "targets", "targets.csv", table)
    assert not shown.exception
    assert len(shown.error) == 1
    assert said in shown.error[0].value.replace("\\", "")


def test_a_campaign_to_a_plate_and_back(shown: AppTest, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(SPACE)
    campaign = Campaign.new(tmp_path / "films", tmp_path / "space.toml", "max pl (eV)")
    pending = [one.material for one in campaign.suggest(3)]
    campaign.close()
    shown.run()
    shown.selectbox(key="make").set_value("films").run()
    give(shown, "stocks", "stocks.csv", STOCKS.encode())
    assert not shown.error, shown.error[0].value
    assert sorted(planned(shown)["name"]) == sorted(pending)
    shown.segmented_control(key="plate_section").set_value("Spectra of a plate").run()
    give(shown, "reads", "plate.txt", plate_file())
    give(shown, "plate_map", "map.csv", plate_map())
    shown.selectbox(key="told_campaign").set_value("films").run()
    assert not shown.error, shown.error[0].value
    assert shown.selectbox(key="is:pl (eV)").value == "peak energy (eV)"


def test_a_plate_of_spectra(shown: AppTest) -> None:
    shown.segmented_control(key="plate_section").set_value("Spectra of a plate").run()
    give(shown, "reads", "plate.txt", plate_file())
    give(shown, "plate_map", "map.csv", plate_map())
    assert not shown.exception
    assert not shown.error, shown.error[0].value
    assert {one.label: one.value for one in shown.metric} == {"wells": "24", "flagged": "1", "empty": "1"}
    shown.selectbox(key="well").set_value("C4").run()
    numbers = next(one.value for one in shown.dataframe if "number" in one.value).set_index("number")
    assert numbers.loc["peak energy (eV)", "value"] == pytest.approx(1.6 + 0.03 * WELLS.index("C4"), abs=0.005)
    shown.selectbox(key="well").set_value("D6").run()
    assert "empty" in [one.value for one in shown.warning]
    assert {"results.csv", "record.json", "plate.html"} <= {one.label for one in shown.get("download_button")}
    shown.text_input(key="phase_lines").set_value("n=1:red").run()
    assert "is no line" in shown.error[0].value.replace("\\", "")


@pytest.mark.parametrize("content", [b"", bytes(range(256)) * 20, b"well,name\nA1,x\n"])
def test_garbage_plates_are_one_sentence(shown: AppTest, content: bytes) -> None:
    shown.segmented_control(key="plate_section").set_value("Spectra of a plate").run()
    give(shown, "reads", "plate.txt", content)
    give(shown, "plate_map", "map.csv", plate_map())
    assert not shown.exception
    assert len(shown.error) == 1
