from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import small_study
from perospin.errors import RefusedFileError, StudyError
from perospin.saving import plain, write_text
from perospin.studies.files.result_folder import TABLES
from perospin.studies.result import StudyResult
from perospin.studies.study import Study


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[StudyResult, Path]:
    folder = tmp_path_factory.mktemp("result")
    result = Study.load(small_study.write(folder)).run(progress=False)
    return result, result.save(folder / "out")


def test_what_is_loaded_is_what_was_saved(saved: tuple[StudyResult, Path]) -> None:
    result, folder = saved
    loaded = StudyResult.load(folder)
    ours, theirs = result["small"], loaded["small"]
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(theirs, table), getattr(ours, table), check_dtype=False, check_exact=True)
    assert theirs.spec == ours.spec
    assert theirs.noise == plain(ours.noise)
    for scheme, table in ours.shapley.items():
        np.testing.assert_array_equal(theirs.shapley[scheme].values, table.values)
        assert theirs.shapley[scheme].feature_names == table.feature_names
    assert loaded.raw == result.raw
    assert str(loaded) == str(result)


def test_saving_again_writes_the_same_files(saved: tuple[StudyResult, Path], tmp_path: Path) -> None:
    _, folder = saved
    again = StudyResult.load(folder).save(tmp_path / "again")
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "result.json"):
        assert (again / path.relative_to(folder)).read_bytes() == path.read_bytes(), path.name
    # where the study lies is written as seen from the result, and so differs
    first, second = (json.loads((place / "result.json").read_text()) for place in (folder, again))
    for content in (first, second):
        for key in ("sha256", "base_from_here", "data_from_here"):
            del content[key]
    assert first == second


def test_a_result_holds_text_alone(saved: tuple[StudyResult, Path]) -> None:
    _, folder = saved
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert kinds == {".json", ".csv"}


def test_a_result_prints_no_r2_without_its_scheme(saved: tuple[StudyResult, Path]) -> None:
    result, _ = saved
    lines = [line for line in str(result).splitlines() if "R2" in line]
    assert len(lines) == 2
    assert all("R2 (leave one spacer out)" in line for line in lines)
    assert {"scheme", "scheme_label", "in_sample"} <= set(result["small"].scores.columns)


def test_what_was_not_run_has_no_score(saved: tuple[StudyResult, Path]) -> None:
    part = saved[0]["small"]
    assert part.score("average", "loso") is None
    assert part.gain("rule", "loso") is None
    assert part.predicted("average", "loso").empty


def test_an_unreadable_result_is_one_sentence(saved: tuple[StudyResult, Path], tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"holds no result \(no result.json\)"):
        StudyResult.load(tmp_path)
    (tmp_path / "result.json").write_text("{")
    with pytest.raises(StudyError, match="not valid JSON"):
        StudyResult.load(tmp_path)
    (tmp_path / "result.json").write_text('{"format": 99}')
    with pytest.raises(StudyError, match="has format 99, written by a newer perospin"):
        StudyResult.load(tmp_path)
    content = json.loads((saved[1] / "result.json").read_text())
    (tmp_path / "result.json").write_text(json.dumps(content))
    with pytest.raises(StudyError, match=r"incomplete: .*rows.csv' is missing"):
        StudyResult.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda part, tables: part["provenance"]["variants"].pop("this_run"), "variants.this_run' must be a number"),
        (lambda part, tables: part.update(noise={"sigma": 0.1}), "'noise.pairs' must be a list"),
        (lambda part, tables: tables["sanity"].pop("passed"), "sanity.csv' must be a table with the column 'passed'"),
        (lambda part, tables: tables["rows"].pop("target"), "rows.csv' must be a table with the column 'target'"),
    ],
)
def test_a_result_that_lacks_something_is_refused_when_it_is_opened(
    change: Callable[[Any, Any], object], says: str, tmp_path: Path
) -> None:
    source = Path(__file__).parents[1] / "data" / "results" / "format1"
    shutil.copytree(source, tmp_path / "old")
    content = json.loads((source / "result.json").read_text(encoding="utf-8"))
    folder = tmp_path / "old" / "tables" / "small"
    tables = {path.stem: pd.read_csv(path) for path in folder.glob("*.csv") if path.stat().st_size > 1}
    change(content["parts"]["small"], tables)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (tmp_path / "old" / "result.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(RefusedFileError, match=says):
        StudyResult.load(tmp_path / "old")


def test_a_loaded_result_predicts_as_its_study_does(tmp_path: Path) -> None:
    study = Study.load(small_study.write(tmp_path, small_study.predicting()))
    study.run(tmp_path / "out", progress=False)
    assert Study.of_result(StudyResult.load(tmp_path / "out")).predict("(PEA)2PbI4") == study.predict("(PEA)2PbI4")


def test_plain_turns_everything_into_json() -> None:
    value = {"a": np.float64(1.5), "b": np.array([1, 2]), "c": (np.nan, np.inf), 3: [np.bool_(True)]}
    assert plain(value) == {"a": 1.5, "b": [1, 2], "c": [None, None], "3": [True]}


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two"
    assert [p.name for p in tmp_path.iterdir()] == ["x.txt"]
