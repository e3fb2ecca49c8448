"""The study `lifetimes`: its records, its scores, its predictions."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perospin.cli import main
from perospin.database import Conditions, Record, Source
from perospin.errors import DataError, FormulaError
from perospin.reports import cite
from perospin.studies import Predictor, Study, StudyResult
from perospin.studies.lifetimes import QUANTITIES, question, technique_class
from perospin.studies.lifetimes.table import _once, _temperature, read


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return read(user=False)[0]


# -- the records ---------------------------------------------------------------------------------------------


def test_the_table_holds_all_records_of_known_composition(rows: pd.DataFrame) -> None:
    assert set(rows["quantity"]) == set(QUANTITIES)
    assert len(rows) > 80
    assert rows["source"].nunique() > 15
    assert set(rows["limit"]) == {"value", "at least", "at most"}
    notes = read(user=False)[1]
    assert any("without a certain composition" in note for note in notes)
    assert any("no shipped table describes" in note for note in notes)


def test_limits_keep_their_side(rows: pd.DataFrame) -> None:
    by_id = rows.set_index("record_id")["limit"]
    assert by_id["spin_lifetimes_3d_nc-024"] == "at least"  # 30 ns
    assert by_id["spin_lifetimes_layered-002"] == "at most"  # up to 25 us
    assert by_id["spin_lifetimes_papers-008"] == "value"


def test_a_value_that_stands_in_two_tables_is_taken_once(rows: pd.DataFrame) -> None:
    assert (rows["formula"] == "(APD)PbI4").sum() == 1
    assert (rows["formula"] == "(PEA)2(MA)Pb2I7").sum() == 2  # two sources, two values


def record(value: float = 5.0, note: str = "", record_id: str = "x-1", **conditions: Any) -> Record:
    source = Source(doi="10.1234/abc")
    made = Record.measured("MAPbI3", "tau_spin", value, "ps", source, conditions=Conditions(**conditions), note=note)
    return made.with_id(record_id)


def test_no_temperature_is_made_up() -> None:
    stated = _temperature(record(temperature_k=10.0))
    cold = _temperature(record(note="cryogenic, exact T not in the abstract"))
    unknown = _temperature(record(note="cannot be assumed room temperature"))
    ambient = _temperature(record(record_id="spin52-007"))
    assert stated == (pytest.approx(np.log10(10 / 295)), 0.0)
    assert 0.0 < ambient[1] < cold[1] < unknown[1]
    assert cold[0] < unknown[0] < ambient[0] == 0.0


def test_twins_go_and_different_conditions_stay() -> None:
    full = record(5.0, record_id="a", temperature_k=10.0, carrier="electron", technique="CPTA")
    assert [r.record_id for r in _once([full, record(5.05, record_id="b")])[0]] == ["a"]
    for other in (record(6.0, record_id="b"), record(5.0, record_id="b", temperature_k=300.0)):
        assert len(_once([full, other])[0]) == 2


def test_techniques_have_classes() -> None:
    assert technique_class("TRKR") == "pump-probe"
    assert technique_class("Hanle") == "Hanle"
    assert technique_class("ODMR") == "resident spins"
    assert technique_class("") == technique_class("scanning_photovoltage") == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantity": "T9"}, "unknown quantity 'T9'"),
        ({"carrier": "muon"}, "unknown carrier 'muon'"),
        ({"technique": "guess"}, "unknown technique 'guess'"),
        ({"form": "brick"}, "unknown form 'brick'"),
        ({"temperature_k": 0.0}, "temperature_k is 0"),
        ({"temperature_k": float("nan")}, "temperature_k is nan"),
        ({"field_t": -1.0}, "field_t is -1"),
    ],
)
def test_an_impossible_question_is_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        question(**options)


# -- the study -----------------------------------------------------------------------------------------------


def scores_alone() -> Study:
    """The study without what takes long."""
    study = Study.load("lifetimes")
    part = study.parts["lifetimes"]
    checks = part.checks.model_copy(update={"coverage": None, "n_shuffles": 0, "n_bootstrap": 50})
    return dataclasses.replace(study, parts={"lifetimes": part.model_copy(update={"checks": checks, "explain": None})})


OF_THE_LAST_VERSION = {
    "spin52-007": 4.011893,
    "spin_lifetimes_3d_nc-011": 2.269492e8,
    "spin_lifetimes_layered-003": 7.037433,
    "spin_lifetimes_papers-002": 0.4427136,
}
"""Held-out predictions (ps) of "material and conditions", leave one material out, before the study had this engine."""


@pytest.mark.slow
def test_what_the_page_says_holds(rows: pd.DataFrame, tmp_path: Path) -> None:
    """The figures of docs/conditions.md; new records will move them: then run the study and write the page anew."""
    page = (Path(__file__).parents[2] / "docs" / "conditions.md").read_text(encoding="utf-8")
    counted = (len(rows), rows["formula"].nunique(), rows["source"].nunique())
    assert "{} records of {} materials from {} sources".format(*counted) in page
    result = scores_alone().run(tmp_path, progress=False)
    part = result["lifetimes"]
    for scheme in part.spec.scheme_keys():
        table = page[page.index(f"| {part.scheme_label(scheme)} |") :]
        for entry in part.spec.estimators:
            cells = re.search(rf"^\| \**{entry.title}[^|]*\|([^|]+)\|([^|]+)\|([^|]+)\|", table, re.MULTILINE)
            assert cells is not None
            stated = [float(cell.strip(" *")) for cell in cells.groups()]
            score = part.score(entry.name, scheme)
            assert score is not None
            assert stated == pytest.approx([score["r2"], score["mse"] ** 0.5, score["typical_factor"]], abs=0.06)
    # limits are never scored
    limits = set(rows.loc[rows["limit"] != "value", "record_id"])
    assert len(limits) == 5
    assert not limits & set(part.predictions["row"])
    assert set(part.scores["n_scored"]) == {len(rows) - 5}
    held = part.predictions.query("estimator == 'both' and scheme == 'material'").set_index("row")["y_pred"]
    for row, value_ps in OF_THE_LAST_VERSION.items():
        assert 10.0 ** held[row] == pytest.approx(value_ps, rel=2e-5)
    by = part.by_quantity.set_index(["estimator", "scheme", "quantity"])
    assert by.loc[("both", "material", "T2_star"), "typical_factor"] == pytest.approx(1.866, abs=0.01)
    assert by.loc[("both", "material", "T1"), "n_scored"] == 6
    again = StudyResult.load(tmp_path)["lifetimes"]
    pd.testing.assert_frame_equal(again.by_quantity, part.by_quantity)
    text = cite(result)
    assert "Minka2001Expectation" in text
    assert "Henderson1975Prediction" in text
    assert text.count("Li2025SpinRelaxation,") == 1
    assert "Grigoryev 2021; the records state no DOI" in text


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Study.load("lifetimes").predictor()


def test_colder_is_longer_and_what_is_left_open_is_wider(predictor: Predictor) -> None:
    cold, warm, open_ = (
        predictor.predict("CsPbBr3", conditions={"quantity": "T2_star", **asked})
        for asked in ({"temperature_k": 5.0}, {"temperature_k": 300.0}, {})
    )
    assert cold.value > 5 * warm.value
    assert np.log(open_.high / open_.low) > np.log(cold.high / cold.low)
    assert cold.low < cold.value < cold.high
    assert any("no temperature was asked for" in caution for caution in open_.cautions)
    assert cold.asked == {"quantity": "T2_star", "temperature_k": 5.0}
    assert cold.quantity == "T2_star"
    assert cold.base + sum(cold.contributions.values()) == pytest.approx(np.log10(cold.value))


def test_the_answer_is_that_of_the_last_version(predictor: Predictor) -> None:
    found = predictor.predict("MAPbI3", conditions={"quantity": "T2_star", "temperature_k": 4.0})
    assert [found.value, found.low, found.high] == pytest.approx([4250.0, 222.0, 82e3], rel=0.02)
    assert (found.typical_factor, found.n_scored) == (pytest.approx(1.87, abs=0.01), 11)


def test_what_the_records_cannot_support_is_said(predictor: Predictor) -> None:
    found = predictor.predict("(PEA)2SnCl4", conditions={"quantity": "T2", "temperature_k": 4.0, "field_t": 1.0})
    text = " / ".join(found.cautions)
    assert "only 2 materials have a stated T2: the value rests on other quantities" in text
    assert "no layered material has a stated T2" in text
    assert "records state a magnetic field" in text
    hot = predictor.predict("MAPbI3", conditions={"temperature_k": 900.0})
    assert "K lies outside the temperatures that records state" in " ".join(hot.cautions)
    fluoride = predictor.predict("CsPbF3", conditions={"temperature_k": 300.0})
    assert "halide F is in no record" in " ".join(fluoride.cautions)


def test_known_records_stand_beside_a_prediction(predictor: Predictor) -> None:
    found = predictor.predict("MAPbI3", conditions={"quantity": "T1", "temperature_k": 4.0})
    assert {r["quantity"] for r in found.on_record} == {"tau_spin", "T1", "T2_star"}
    assert found.n_scored == 6
    assert json.loads(json.dumps(found.to_dict()))["formula"] == "MAPbI3"
    with pytest.raises(FormulaError):
        predictor.predict("MAPbI")


def test_a_model_file_gives_the_same_answer(predictor: Predictor, tmp_path: Path) -> None:
    opened = Predictor.load(predictor.save(tmp_path / "lifetimes.npz"))
    asked = {"quantity": "T1", "carrier": "electron"}
    assert opened.predict("CsPbI3", conditions=asked) == predictor.predict("CsPbI3", conditions=asked)


def test_the_command_predicts_at_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as stop:
            main(["predict", *arguments])
        return int(stop.value.code or 0)

    assert run("MAPbI3", "--quantity", "T1", "--temperature", "4") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "T1" in text
    assert "leave one material out" in text
    assert "on record: T1 30 ns" in text
    assert run("MAPbI3", "--quantity", "T9") == 2
    assert "unknown quantity 'T9'" in capsys.readouterr().err
    assert run("MAPbI3", "--temperature", "4", "--study", "hoip-band-gap") == 2
    assert "leave out one or the other" in capsys.readouterr().err


def test_the_old_command_says_the_new_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []
    monkeypatch.setattr("perospin.cli.study.run.run", lambda name, **_: asked.append(name))
    with pytest.raises(SystemExit):
        main(["study", "conditions", "--quiet"])
    assert asked == ["lifetimes"]
    assert "perospin study run lifetimes" in capsys.readouterr().err


def test_the_old_predictor_works_for_one_more_version(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    from perospin.studies import LifetimePredictor

    monkeypatch.setattr(Study, "predictor", lambda self: predictor)
    with pytest.warns(DeprecationWarning, match=r"Study\.load\('lifetimes'\)"):
        old = LifetimePredictor.fit()
    assert old.predict("MAPbI3", "T1", temperature_k=4.0).quantity == "T1"
