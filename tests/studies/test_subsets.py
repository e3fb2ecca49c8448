"""Scores with and without named rows, and estimators that are not blind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import small_study
from perospin.errors import StudyError
from perospin.reports import report
from perospin.reports.card import model_card
from perospin.reports.tables import tiles
from perospin.reports.verdict import reach
from perospin.studies.result import PartResult, StudyResult
from perospin.studies.study import Study

NAMED = ["3", "7"]
SUBSET = {"name": "the odd two", "rows": [3, "7"], "why": "They were known to be odd."}


def content(**checks: Any) -> dict[str, Any]:
    found = small_study.raw()
    for section in ("grids", "explain", "claims", "stated"):
        del found[section]
    found["checks"] = {"n_bootstrap": 50, "n_shuffles": 0, "bootstrap_group": "spacer", "subsets": [SUBSET], **checks}
    found["estimators"][1] |= {"blind": False, "not_blind_because": "the law is known to whoever made the numbers"}
    found["variants"] |= {"history": [{"commit": "abc1234", "what": "Two models were scored and dropped."}]}
    found["verdict"]["beside"] = ["rule"]
    return found


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> StudyResult:
    return Study.load(small_study.write(tmp_path_factory.mktemp("subsets"), content())).run(progress=False)


def test_scores_without_named_rows_are_those_of_the_same_predictions(result: StudyResult) -> None:
    part = result["small"]
    for scheme in ("loso", "loo", "in-sample"):
        frame = part.predicted("ridge", scheme)
        error = (frame["y_pred"] - frame["y_true"]) ** 2
        named = frame["row"].astype(str).isin(NAMED)
        found = part.without("the odd two", "ridge", scheme)
        assert found is not None
        assert found["n_rows"] == 2
        assert found["n_others"] == 14
        assert found["sse_rows"] == pytest.approx(error[named].sum())
        assert found["sse_others"] == pytest.approx(error[~named].sum())
        assert found["sse_all"] == pytest.approx(error.sum())
        y = frame["y_true"][~named]
        assert found["r2_without"] == pytest.approx(1 - error[~named].sum() / ((y - y.mean()) ** 2).sum())


def test_a_row_that_is_scored_many_times_counts_once(result: StudyResult) -> None:
    found = result["small"].without("the odd two", "ridge", "12-4")
    assert found is not None
    frame = result["small"].predicted("ridge", "12-4")
    by_row = ((frame["y_pred"] - frame["y_true"]) ** 2).groupby(frame["row"]).mean()
    assert len(frame) > 2 * len(by_row)
    assert found["sse_all"] == pytest.approx(by_row.sum())


@pytest.mark.slow
def test_the_page_and_the_card_name_rows_scheme_blindness_and_history(result: StudyResult, tmp_path: Path) -> None:
    page = report(result, tmp_path).read_text(encoding="utf-8")
    card = model_card(StudyResult.load(tmp_path))
    for text in (page, card):
        assert "The same held-out predictions, scored with and without" in text
        assert "They were known to be odd." in text
        assert "the law is known to whoever made the numbers" in text
        assert "Two models were scored and dropped." in text
        assert "abc1234" in text
        assert "leave one spacer out" in text
    assert "| ridge regression (not blind) |" in card


def test_the_verdict_says_what_is_left_without_the_named_rows(result: StudyResult) -> None:
    part = result["small"]
    told = next(f for f in reach(part).findings if f.text.startswith("Without the odd two"))
    row = part.without("the odd two", "ridge", "loso")
    assert row is not None
    assert f"ridge regression {row['sse_others']:.2f}" in told.text
    assert "leave one spacer out" in told.text


def _with_errors(part: PartResult, others: float) -> PartResult:
    subsets = part.subsets.copy()
    subsets.loc[subsets["estimator"] == "ridge", "sse_others"] = others
    object.__setattr__(changed := type(part)(**vars(part)), "subsets", subsets)
    return changed


def test_a_gain_that_rests_on_named_rows_is_no_praise(result: StudyResult) -> None:
    part = result["small"]
    assert "does better" in reach(part).headline
    assert "only through" not in reach(part).headline
    found = reach(_with_errors(part, 1e6))
    assert "only through 2 of 16 rows (the odd two)" in found.headline
    assert found.tone == "bad"


def test_nothing_below_a_tenth_and_nothing_that_chance_reaches_does_better(result: StudyResult) -> None:
    part = result["small"]
    low = part.scores.assign(r2=part.scores["r2"].where(part.scores["estimator"] == "rule", 0.05))
    low.loc[low["estimator"] == "rule", "r2"] = -0.2
    object.__setattr__(weak := type(part)(**vars(part)), "scores", low)
    assert "says next to nothing (R² 0.05, leave one spacer out" in reach(weak).headline
    scrambles = pd.DataFrame({"estimator": "ridge", "shuffle": range(4), "r2": [0.9, 0.1, 0.95, 0.0], "p": 0.5})
    object.__setattr__(chance := type(part)(**vars(part)), "scrambles", scrambles)
    assert "shuffled target" in reach(chance).headline
    assert reach(chance).tone == "bad"


def test_the_middle_of_the_seeds_stands_for_one_draw(result: StudyResult) -> None:
    part = result["small"]
    seeds = pd.DataFrame(
        {
            "estimator": "ridge",
            "scheme": "loso",
            "scheme_label": "leave one spacer out",
            "seed": range(3),
            "r2": [0.61, 0.75, 0.70],
            "r2_original": [0.5, 0.52, 0.54],
            "typical_factor": [1.3, 1.2, 1.4],
        }
    )
    object.__setattr__(several := type(part)(**vars(part)), "seeds", seeds)
    told = several.told_score("ridge", "loso")
    assert told is not None
    assert (told["r2"], told["r2_original"], told["typical_factor"]) == (0.70, 0.52, 1.3)
    assert "R² 0.70" in reach(several).findings[0].text
    assert "the middle of 3 seeds from 0.61 to 0.75" in reach(several).findings[0].text
    assert "n_seeds" not in (several.told_score("ridge", "loo") or {})
    assert tiles(several)[1]["value"] == "R² 0.70"
    assert "middle of 3 seeds, 0.61 to 0.75" in tiles(several)[1]["scheme"]


def test_subsets_of_the_declared_table_mean_nothing_on_another_one(tmp_path: Path) -> None:
    path = small_study.write(tmp_path, content())
    other = small_study.table()
    other["row"] += 100
    other.to_csv(tmp_path / "other.csv", index=False)
    study = Study.load(path).with_data(tmp_path / "other.csv")
    assert study.parts["small"].checks.subsets == []
    assert Study.load(path).parts["small"].checks.subsets


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"subsets": [{**SUBSET, "rows": ["99"]}]}, "names row '99', which the table lacks"),
        ({"subsets": [{**SUBSET, "rows": list(range(1, 17))}]}, "names every row"),
        ({"subsets": [SUBSET, SUBSET]}, "two of checks.subsets are called 'the odd two'"),
    ],
)
def test_subsets_that_make_no_sense_are_refused(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StudyError, match=sentence):
        Study.load(small_study.write(tmp_path, content(**change))).run(progress=False)


@pytest.mark.parametrize("entry", [{"blind": False}, {"not_blind_because": "it was seen"}])
def test_blindness_and_its_reason_belong_together(tmp_path: Path, entry: dict[str, Any]) -> None:
    declared = small_study.raw()
    declared["estimators"][0] |= entry
    with pytest.raises(StudyError, match="belong together"):
        Study.load(small_study.write(tmp_path, declared))


def test_marks_change_no_number(result: StudyResult, tmp_path: Path) -> None:
    declared = content(subsets=[])
    del declared["estimators"][1]["blind"], declared["estimators"][1]["not_blind_because"]
    plain = Study.load(small_study.write(tmp_path, declared)).run(progress=False)
    assert np.array_equal(plain["small"].scores["r2"], result["small"].scores["r2"])
