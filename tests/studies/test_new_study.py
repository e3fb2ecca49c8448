"""`new_study`: what is chosen from formulas and values, and that what is written can be loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from perospin.errors import DataError
from perospin.studies import Study
from perospin.studies.new_study import new_study
from perospin.studies.result import StudyResult

SPACERS = ("BA", "PEA", "HA", "PA", "OA", "BZA")


def _table(
    folder: Path, formulas: list[str], values: list[float], heading: str = "PL (eV)", error: bool = False
) -> Path:
    path = folder / "t.csv"
    more = (";PL error (eV)", ";0,01") if error else ("", "")
    rows = [f"{f};{v:.4f}".replace(".", ",") + more[1] for f, v in zip(formulas, values, strict=True)]
    path.write_text(f"material;{heading}{more[0]}\n" + "\n".join(rows) + "\n")
    return path


def _layered() -> list[str]:
    return [f"({s}){2}{middle}" for s in SPACERS for middle in ("PbI4", "(MA)Pb2I7")]


def _loaded(folder: Path, text: str) -> Study:
    (folder / "t.toml").write_text(text)
    study = Study.load(folder / "t.toml")
    study.check()
    return study


def test_layers_alone_are_the_baseline_and_spacers_are_held_out(tmp_path: Path) -> None:
    path = _table(tmp_path, _layered(), [2.4 - 0.02 * i for i in range(12)], error=True)
    study = _loaded(tmp_path, new_study(path, "material", "pl_ev", tmp_path))
    part = study.parts[study.default_part]
    assert part.baseline == "composition"
    assert part.columns_of("composition") == ["inverse_n"]
    assert part.scheme(part.verdict.scheme).kind == "leave_one_group_out"
    assert (part.target.transform, part.target.unit, part.data.y_sd) == ("none", "eV", "PL error (eV)")
    data = study.dataset()
    assert data.y_sd is not None
    assert float(data.y_sd[0]) == pytest.approx(0.01)


def test_times_are_learnt_as_logarithms_and_one_composition_has_the_mean_as_baseline(tmp_path: Path) -> None:
    formulas = [f"({s})2PbI4" for s in (*SPACERS, "PeA", "HpA", "NoA")]
    path = _table(tmp_path, formulas, [1.0 + 0.1 * i for i in range(9)], "lifetime (ps)")
    part = next(iter(_loaded(tmp_path, new_study(path, "material", "lifetime", tmp_path)).parts.values()))
    assert (part.baseline, part.target.transform) == ("mean", "log10")


def test_a_model_of_the_verdict_answers_where_nothing_is_declared(tmp_path: Path) -> None:
    text = new_study(_table(tmp_path, _layered(), [2.0 + 0.03 * i for i in range(12)]), "material", "PL", tmp_path)
    before, _, after = text.partition("[predict]")
    part = next(iter(_loaded(tmp_path, before + after[after.index("[variants]") :]).parts.values()))
    assert part.predict is None
    assert part.answers is not None
    assert (part.answers.estimator, part.answers.scheme) == (part.verdict.estimator, part.verdict.scheme)


@pytest.mark.parametrize(
    ("formula", "target", "message"),
    [
        ("formula", "pl", "--formula 'formula' is no column"),
        ("material", "gap", "--target 'gap' is no column"),
        ("material", "pl_mev", "--target 'pl_mev' is no column"),
    ],
)
def test_columns_that_are_not_there_are_named(tmp_path: Path, formula: str, target: str, message: str) -> None:
    path = _table(tmp_path, _layered(), [2.0 + 0.03 * i for i in range(12)])
    with pytest.raises(DataError, match=message):
        new_study(path, formula, target, tmp_path)


def test_too_few_rows_and_equal_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="at least 8"):
        new_study(_table(tmp_path, ["MAPbI3", "CsPbI3"], [1.0, 2.0]), "material", "pl", tmp_path)
    with pytest.raises(DataError, match="nothing to learn"):
        new_study(_table(tmp_path, _layered(), [2.0001] * 12), "material", "pl", tmp_path)


def _films(folder: Path, solvents: tuple[str, ...] = ("DMF", "DMSO", "GBL")) -> Path:
    """Eight materials, each made from several solvents: the solvent decides, with the thickness."""
    lines = ["material,solvent,thickness (nm),pl (eV),note"]
    for i, formula in enumerate(_layered()[:8]):
        for j, solvent in enumerate(solvents):
            lines.append(f"{formula},{solvent},{100 + 40 * j + 7 * i},{2.3 + 0.2 * j + 0.01 * i:.3f},x")
    path = folder / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_material_measured_more_than_once_is_held_out_as_a_whole(tmp_path: Path) -> None:
    study = _loaded(tmp_path, new_study(_films(tmp_path), "material", "pl", tmp_path))
    part = study.parts[study.default_part]
    assert [scheme.label for scheme in part.schemes] == ["leave one material out", "in sample"]
    assert "# Columns that no model reads: solvent, thickness (nm), note" in (tmp_path / "t.toml").read_text()


def test_own_columns_of_words_and_numbers_are_read_and_a_result_of_them_opens_again(tmp_path: Path) -> None:
    text = new_study(_films(tmp_path), "material", "pl", tmp_path, use=("solvent", "thickness"))
    study = _loaded(tmp_path, text)
    part = study.parts[study.default_part]
    assert part.columns_of("gp")[-4:] == ["solvent=DMF", "solvent=DMSO", "solvent=GBL", "thickness (nm)"]
    study.run(tmp_path / "out", progress=False)
    again = next(iter(StudyResult.load(tmp_path / "out").parts.values()))
    assert again.score("gp", "lomo")["r2"] > 0.9
    assert set(again.features["solvent"]) == {0.0, 1.0, 2.0}


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ("solvnt", "--use 'solvnt' is no column; did you mean 'solvent'"),
        ("note", "--use 'note' holds only the word 'x'"),
        ("material", "--use 'material' is the column of --formula"),
    ],
)
def test_a_column_that_tells_nothing_is_refused(tmp_path: Path, use: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        new_study(_films(tmp_path), "material", "pl", tmp_path, use=(use,))
