from __future__ import annotations

import json
from pathlib import Path

import pytest

import small_study
from perospin.cli import main


def _run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return small_study.write(tmp_path, small_study.predicting())


def test_a_prediction_for_people(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("predict", "(PEA)2PbI4", "Cs2AgBiBr6", "--study", study) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "made-up rate" in text
    assert "80 % interval" in text
    assert "in domain" in text
    assert "this material is itself among the training rows" in text
    assert "out of domain: metal Ag, Bi" in text
    assert "nearest known" in text


def test_a_prediction_for_programs(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("predict", "(PEA)2PbI4", "MAPbI3", "--study", study, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [p["formula"] for p in found] == ["(PEA)2PbI4", "MAPbI3"]
    assert {"value", "low", "high", "in_domain", "reasons", "contributions", "nearest", "typical_factor"} <= set(
        found[0]
    )
    assert found[0]["low"] < found[0]["value"] < found[0]["high"]


def test_a_folder_that_a_run_wrote_can_answer(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = study.parent / "out"
    assert _run("study", "run", study, "-o", out, "--quiet") == 0
    assert capsys.readouterr().out.strip() == str(out / "report.html")
    assert _run("predict", "MAPbI3", "--study", out, "--json") == 0
    from_folder = capsys.readouterr().out
    assert _run("predict", "MAPbI3", "--study", study, "--json") == 0
    assert capsys.readouterr().out == from_folder


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["(PEEA)2PbI4"], "PEEA"),
        (["(PEA)3PbI4"], "perospin: "),
        (["MAPbI3", "--study", "nope"], "unknown study 'nope'"),
        (["MAPbI3", "--study", "paper-format"], "takes its descriptors from its table"),
        (["MAPbI3", "--part", "as-published"], "takes its descriptors from its table"),
        (["MAPbI3", "--ion", "nonsense"], "nonsense"),
    ],
)
def test_mistakes_are_one_sentence_and_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run("predict", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1


def test_materials_that_the_model_cannot_tell_apart_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = small_study.predicting()
    content["features"] = {"all": ["inverse_n", "halide_z"]}
    study = small_study.write(tmp_path, content)
    assert _run("predict", "MAPbI3", "MAPbBr3", "--study", study, "--json") == 0
    iodide, bromide = json.loads(capsys.readouterr().out)
    assert iodide["alike"] == ["CsPbI3", "FAPbI3"]
    assert bromide["alike"] == []
    assert _run("predict", "MAPbI3", "--study", study) == 0
    assert "can't tell it from CsPbI3, FAPbI3" in " ".join(capsys.readouterr().out.split())


def test_a_saved_model_answers_as_its_study_does(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model.npz"
    assert _run("study", "save-model", study, "--out", file, "--quiet") == 0
    assert capsys.readouterr().out.strip() == str(file)
    assert _run("predict", "MAPbI3", "--model", file, "--json") == 0
    opened = json.loads(capsys.readouterr().out)[0]
    assert _run("predict", "MAPbI3", "--study", study, "--json") == 0
    fitted = json.loads(capsys.readouterr().out)[0]
    assert opened["value"] == pytest.approx(fitted["value"], rel=1e-12)
    assert opened["low"] == pytest.approx(fitted["low"], rel=1e-12)
    assert opened["nearest"] == fitted["nearest"]


def test_a_model_file_that_is_none_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.npz").write_bytes(b"\x80\x04N.")
    assert _run("predict", "MAPbI3", "--model", tmp_path / "model.npz") == 2
    error = capsys.readouterr().err
    assert "is a Python pickle" in error
    assert len(error.strip().splitlines()) == 1
    assert _run("study", "save-model", "spin-relaxation", "--out", tmp_path / "nowhere" / "m.npz") == 2
    assert "there is no folder" in capsys.readouterr().err
