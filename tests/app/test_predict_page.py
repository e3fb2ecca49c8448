"""The page Predict: what it shows follows what is asked, and equal to what the library says."""

from __future__ import annotations

import pytest

pytest.importorskip("streamlit")

from streamlit.testing.v1 import AppTest

import perospin as ps
from perospin.studies.predicting.words import headlines


def page() -> None:
    from perospin.app.views import predict

    predict.show()


@pytest.fixture
def opened() -> AppTest:
    return AppTest.from_function(page, default_timeout=120).run()


def test_shows_what_the_study_predicts(opened: AppTest) -> None:
    expected = headlines(ps.Study.load("spin-relaxation").predict("(3AMP)PbI4"))
    assert [(m.label, m.value) for m in opened.metric] == [(what, value) for what, value, _ in expected]
    assert not opened.error
    assert not opened.exception


def test_several_stand_side_by_side_and_a_wrong_one_is_one_sentence(opened: AppTest) -> None:
    opened.text_area(key="formulas").set_value("(PEA)2PbI4\n(FOO)2PbI4\n(BA)2PbI4").run()
    assert len(opened.metric) == 4
    assert len(opened.error) == 1
    assert "FOO" in opened.error[0].value
    assert "A cation of your own" in opened.error[0].value
    assert not opened.exception
    assert "perospin predict '(PEA)2PbI4'" in opened.code[-1].value
    assert opened.code[0].value.count("spin lifetime") >= 2


def test_a_formula_is_put_together(opened: AppTest) -> None:
    opened.number_input(key="make_layers").set_value(2).run()
    next(button for button in opened.button if button.label == "Add it to the list").click().run()
    assert opened.text_area(key="formulas").value.splitlines() == ["(3AMP)PbI4", "(PEA)2(MA)Pb2I7"]
    assert not opened.error


def test_conditions_ask_the_lifetimes(opened: AppTest) -> None:
    opened.text_area(key="formulas").set_value("CsPbBr3").run()
    opened.selectbox(key="quantity").set_value("T1").run()
    opened.number_input(key="temperature").set_value(5.0).run()
    assert [m.label for m in opened.metric] == ["T1"]
    expected = ps.Study.load("lifetimes").predict("CsPbBr3", quantity="T1", temperature_k=5.0)
    assert opened.metric[0].value == headlines(expected)[0][1]
    assert "--temperature 5.0" in opened.code[-1].value


def test_an_unknown_cation_waits_for_its_computation(opened: AppTest) -> None:
    opened.text_input(key="own_name").set_value("Odd").run()
    opened.text_input(key="own_smiles").set_value("C1CSCCN1CCC(CC2CC2)CC[NH3+]").run()
    opened.text_area(key="formulas").set_value("(Odd)2PbI4").run()
    assert not opened.error
    assert not opened.metric
    assert any(button.label == "Compute Odd" for button in opened.button)


@pytest.mark.parametrize("smiles", ["CCO", "x((", "C" * 300, "[NH3+]C$eval(1)"])
def test_a_wrong_smiles_is_one_sentence(opened: AppTest, smiles: str) -> None:
    opened.text_input(key="own_name").set_value("Foo").run()
    opened.text_input(key="own_smiles").set_value(smiles).run()
    assert not opened.exception
    assert len(opened.error) >= 1 or smiles == "C" * 300
