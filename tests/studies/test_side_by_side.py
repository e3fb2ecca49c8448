from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import small_study
from perospin.errors import StudyError
from perospin.learning import paired_bootstrap
from perospin.studies.declaration.reading import parse_study
from perospin.studies.result import StudyResult
from perospin.studies.running.run import restore
from perospin.studies.side_by_side import compare_results
from perospin.studies.study import Study


def run(folder: Path, **changes: Any) -> StudyResult:
    folder.mkdir(exist_ok=True)
    content = small_study.raw()
    content["checks"] = {"n_bootstrap": 10, "n_shuffles": 0}
    for section in ("explain", "claims", "grids"):
        content.pop(section, None)
    for path, value in changes.items():
        node: Any = content
        steps = [int(step) if step.isdigit() else step for step in path.split("__")]
        for step in steps[:-1]:
            node = node[step]
        node[steps[-1]] = value
    result = Study.load(small_study.write(folder, content)).run(progress=False)
    result.save(folder / "out")
    return StudyResult.load(folder / "out")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return run(tmp_path_factory.mktemp("plain"))


def test_a_result_beside_itself_is_identical(plain: StudyResult) -> None:
    (found,) = compare_results(plain, plain)
    assert found.same_rows
    assert found.differences == ()
    assert found.scores["identical"].all()
    assert (found.scores["gain"] == 0).all()
    assert found.space == "log₁₀ of the made-up rate"


def test_a_changed_setting_is_named_and_its_effect_has_an_interval(plain: StudyResult, tmp_path: Path) -> None:
    other = run(tmp_path / "b", estimators__1__alpha=50.0, seed=4)
    (found,) = compare_results(plain, other, n_boot=400, seed=1)
    assert any(text.startswith("seed: 3 in A, 4 in B") for text in found.differences)
    assert any("estimator ridge: alpha 0.1 in A, 50.0 in B" in text for text in found.differences)
    ridge = found.scores[(found.scores["estimator_a"] == "ridge") & (found.scores["scheme"] == "loso")].iloc[0]
    assert ridge["gain"] < 0
    assert ridge["low"] <= ridge["gain"] <= ridge["high"]
    rule = found.scores[(found.scores["estimator_a"] == "rule") & (found.scores["scheme"] == "loso")].iloc[0]
    assert rule["identical"]
    # the random splits follow the seed, so they can't be paired
    drawn = found.scores[found.scores["scheme"] == "12-4"]
    assert drawn["low"].isna().all()


def test_the_interval_is_that_of_the_paired_bootstrap(plain: StudyResult, tmp_path: Path) -> None:
    other = run(tmp_path / "b", estimators__1__alpha=50.0)
    (found,) = compare_results(plain, other, n_boot=300, seed=5)
    ours = found.scores[(found.scores["estimator_a"] == "ridge") & (found.scores["scheme"] == "loso")].iloc[0]
    header, parts, raw = parse_study(small_study.raw(), "x")
    data = Study(header.name, "", "", parts, "small", raw, base=plain.base).dataset()
    from perospin.studies.running.plan import build_schemes

    scheme = build_schemes(parts["small"], data)["loso"]
    evaluations = [
        restore("ridge", scheme, data.y, result["small"].predicted("ridge", "loso")["y_pred"].to_numpy())
        for result in (other, plain)
    ]
    gain = paired_bootstrap(*evaluations, data.units.labels, 300, 5)
    np.testing.assert_allclose([ours["gain"], ours["low"], ours["high"]], [gain.gain, gain.low, gain.high], atol=1e-9)


def test_other_rows_have_no_interval(plain: StudyResult, tmp_path: Path) -> None:
    other = run(tmp_path / "b", data__where=[{"column": "name", "drop": ["(EOA)2PbI4"]}])
    (found,) = compare_results(plain, other)
    assert not found.same_rows
    assert "Rows only in A: 16; only in B: none." in found.differences
    assert found.scores["low"].isna().all()


def test_another_scale_is_compared_in_the_original_unit(plain: StudyResult, tmp_path: Path) -> None:
    other = run(tmp_path / "b", target__transform="none")
    (found,) = compare_results(plain, other)
    assert found.space == "the made-up rate"
    ridge = found.scores[(found.scores["estimator_a"] == "ridge") & (found.scores["scheme"] == "loo")].iloc[0]
    ours, theirs = plain["small"].score("ridge", "loo"), other["small"].score("ridge", "loo")
    assert ours is not None
    assert theirs is not None
    assert ridge["r2_a"] == pytest.approx(ours["r2_original"])
    assert ridge["r2_b"] == pytest.approx(theirs["r2"])
    assert ridge["low"] <= ridge["gain"] <= ridge["high"]


def test_models_of_the_verdicts_meet_although_their_names_differ(plain: StudyResult, tmp_path: Path) -> None:
    estimators = copy.deepcopy(small_study.RAW["estimators"])
    estimators[1]["name"] = "penalised"
    other = run(tmp_path / "b", estimators=estimators, verdict={"estimator": "penalised", "scheme": "loso"})
    (found,) = compare_results(plain, other)
    both = found.scores[found.scores["estimator_b"] == "penalised"]
    assert set(both["estimator_a"]) == {"ridge"}
    assert both["identical"].all()
    assert any("estimators only in A: ridge; only in B: penalised" in text for text in found.differences)


def test_a_part_that_does_not_exist_is_named(plain: StudyResult) -> None:
    with pytest.raises(StudyError, match="has no part 'other'; its parts are: small"):
        compare_results(plain, plain, "other")
