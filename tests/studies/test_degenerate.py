"""Tables with something wrong: each runs, and each says what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from perospin.errors import DataError, StudyError
from perospin.reports import report
from perospin.studies.caution import Caution
from perospin.studies.declaration.reading import parse_study
from perospin.studies.evidence.cautions import missed_by_all
from perospin.studies.result import PartResult, StudyResult
from perospin.studies.study import Study
from synthetic_tables import synthetic_paper_table

FORMULAS = [f"({a})2Pb{x}4" for a in ("BA", "PEA", "EOA", "iBA", "CMA", "PMA") for x in ("I", "Br", "Cl")]


def table(n: int = 60, noise: float = 0.1, seed: int = 0) -> pd.DataFrame:
    """Rows of a plain law, y = x1 - 2 x2 + noise."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 3)).round(5)
    y = x[:, 0] - 2 * x[:, 1] + noise * rng.standard_normal(n)
    return pd.DataFrame({"x1": x[:, 0], "x2": x[:, 1], "x3": x[:, 2], "y": y.round(6)})


def declaration(folder: Path, frame: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    frame.to_csv(folder / "table.csv", index=False)
    return {
        "format": 1,
        "name": "plain",
        "title": "A plain law",
        "seed": 1,
        "baseline": "mean",
        "data": {"csv": str(folder / "table.csv")},
        "target": {"column": "y", "quantity": "made-up target"},
        "features": {"all": [c for c in frame.columns if c.startswith("x")]},
        "estimators": [
            {"name": "mean", "kind": "mean"},
            {"name": "ridge", "kind": "ridge", "features": "all"},
            {"name": "svr", "kind": "svr", "features": "all"},
        ],
        "schemes": [{"kind": "leave_one_out"}, {"kind": "in_sample"}],
        "checks": {"n_bootstrap": 20, "n_shuffles": 0},
        "variants": {"tried": 2},
        "verdict": {"estimator": "ridge", "scheme": "loo"},
        **changes,
    }


def run(folder: Path, frame: pd.DataFrame, **changes: Any) -> PartResult:
    content = declaration(folder, frame, **changes)
    header, parts, raw = parse_study(content, "plain.toml")
    return Study(header.name, header.title, "", parts, "plain", raw).run(progress=False)["plain"]


def kinds(part: PartResult) -> set[str]:
    return {caution.kind for caution in part.cautions}


def of_kind(part: PartResult, kind: str) -> Caution:
    return next(caution for caution in part.cautions if caution.kind == kind)


def test_a_sound_table_gives_no_caution(tmp_path: Path) -> None:
    assert run(tmp_path, table()).cautions == ()


# -- targets ------------------------------------------------------------------------------------------------


def test_ten_percent_of_shuffled_targets_are_pointed_at(tmp_path: Path) -> None:
    frame = table()
    wrong = np.array([3, 11, 24, 37, 45, 58])
    frame.loc[wrong, "y"] = frame.loc[np.roll(wrong, 1), "y"].to_numpy()
    caution = of_kind(run(tmp_path, frame), "missed_by_every_model")
    named = {int(label) - 1 for label in caution.rows}
    # a target that was exchanged for a similar one can't be told from a right one
    moved = {int(i) for i in wrong if abs(frame.loc[i, "y"] - (frame.loc[i, "x1"] - 2 * frame.loc[i, "x2"])) > 1.0}
    assert len(moved) >= 4
    assert moved <= named <= set(wrong.tolist())
    assert "look at the value" in caution.text


@pytest.mark.slow
def test_targets_shuffled_altogether_are_no_better_than_chance(tmp_path: Path) -> None:
    frame = table(30).assign(y=lambda f: np.random.default_rng(5).permutation(f["y"]))
    part = run(tmp_path, frame, checks={"n_bootstrap": 20, "n_shuffles": 19})
    assert "no_better_than_chance" in kinds(part)
    assert float(part.scrambles["p"].iloc[0]) > 0.05
    sound = run(tmp_path, table(30), checks={"n_bootstrap": 20, "n_shuffles": 19})
    assert "no_better_than_chance" not in kinds(sound)
    assert float(sound.scrambles["p"].iloc[0]) == pytest.approx(1 / 20)


def test_what_the_place_in_a_balanced_table_says_is_no_leak(tmp_path: Path) -> None:
    """Every group has the same twelve rows in the same order: groups exchanged as wholes keep what the place says."""
    rng = np.random.default_rng(2)
    place, group = np.tile(np.arange(12), 10), np.repeat(np.arange(10), 12)
    y = np.sin(place) * 3 + 0.3 * group + 0.1 * rng.standard_normal(120)
    frame = pd.DataFrame({"x1": np.sin(place).round(5), "x2": group / 10, "group": group.astype(str), "y": y.round(6)})
    part = run(
        tmp_path,
        frame,
        data={"csv": str(tmp_path / "table.csv"), "groups": {"kin": "column:group"}},
        schemes=[{"kind": "leave_one_group_out", "name": "logo", "group": "kin"}, {"kind": "in_sample"}],
        checks={"n_bootstrap": 20, "n_shuffles": 5},
        verdict={"estimator": "ridge", "scheme": "logo"},
    )
    assert "learns_from_nothing" not in kinds(part)
    assert part.scrambles["r2"].iloc[0] > 0.8
    assert part.scrambles["r2"].iloc[1:].max() < 0.1


def test_repeated_materials_that_disagree_are_named(tmp_path: Path) -> None:
    frame = table(20)
    frame.insert(0, "formula", (FORMULAS * 2)[:20])
    frame.loc[18, ["x1", "x2", "x3"]] = frame.loc[0, ["x1", "x2", "x3"]]
    frame.loc[18, "y"] = frame.loc[0, "y"] + 8.0
    part = run(tmp_path, frame, data={"csv": str(tmp_path / "table.csv"), "formula": "formula"})
    caution = of_kind(part, "duplicates_disagree")
    assert caution.rows == ("1", "19")
    assert "differ by 8" in caution.text


def test_a_constant_target_is_said(tmp_path: Path) -> None:
    part = run(tmp_path, table(25).assign(y=2.5))
    assert {"constant_target", "no_r2"} <= kinds(part)
    assert "2.5 in every row" in of_kind(part, "constant_target").text


def test_a_row_counts_as_missed_only_if_every_model_misses_it_to_the_same_side() -> None:
    rng = np.random.default_rng(0)
    first, second = (rng.standard_normal(40).clip(-2, 2) for _ in range(2))
    first[[4, 7, 9, 11]] = 9.0
    second[[4, 7, 9, 11]] = [8.0, -8.0, 0.2, 1.9]
    assert missed_by_all([first, first, second]).tolist() == [4, 11]
    assert missed_by_all([first, second, 0.5 * second]).tolist() == [4]
    assert missed_by_all([]).size == 0
    assert missed_by_all([np.zeros(5)]).size == 0


# -- the same material twice --------------------------------------------------------------------------------


def twice() -> pd.DataFrame:
    """Eighteen materials without any law, each measured twice with nearly the same result."""
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((18, 3)), rng.standard_normal(18)
    frame = pd.DataFrame(np.repeat(x, 2, axis=0), columns=["x1", "x2", "x3"])
    frame["y"] = np.repeat(y, 2) + 0.01 * rng.standard_normal(36)
    frame.insert(0, "formula", np.repeat(FORMULAS, 2))
    return frame


NEIGHBOURS = [
    {"name": "mean", "kind": "mean"},
    {"name": "ridge", "kind": "svr", "features": "all", "C": 100.0, "gamma": 5.0, "epsilon": 0.01},
]


def test_rows_of_one_material_are_kept_on_one_side(tmp_path: Path) -> None:
    data = {"csv": str(tmp_path / "table.csv"), "formula": "formula"}
    schemes = [{"kind": "leave_one_out"}, {"kind": "k_fold", "k": 5}]
    part = run(tmp_path, twice(), data=data, schemes=schemes, estimators=NEIGHBOURS)
    assert of_kind(part, "leakage_prevented").rows == tuple(str(i) for i in range(1, 37))
    assert part.leaks["kept_together"].all()
    honest = part.score("ridge", "loo")
    assert honest is not None
    assert honest["r2"] < 0.2
    assert honest["scheme_label"].endswith("each material on one side")


def test_a_study_may_part_them_if_it_says_so_and_the_result_says_what_that_does(tmp_path: Path) -> None:
    data = {"csv": str(tmp_path / "table.csv"), "formula": "formula"}
    frame = pd.concat([twice(), table(20, seed=3)], ignore_index=True)
    frame["formula"] = frame["formula"].fillna("")
    schemes = [{"kind": "leave_one_out", "leakage": "report"}]
    part = run(tmp_path, frame.fillna({"formula": ""}), data=data, schemes=schemes, estimators=NEIGHBOURS)
    caution = of_kind(part, "leakage")
    assert "36 of 56 predictions are of a material that also stands" in caution.text
    leak = part.leaks.iloc[0]
    assert not leak["kept_together"]
    assert leak["model_r2"] > leak["model_r2_without"] + 0.2


def test_equal_descriptors_without_any_formula_are_found_too(tmp_path: Path) -> None:
    frame = table(30)
    frame.loc[29, ["x1", "x2", "x3"]] = frame.loc[4, ["x1", "x2", "x3"]]
    part = run(tmp_path, frame)
    assert of_kind(part, "same_descriptors").rows == ("5", "30")
    kept = of_kind(part, "leakage_prevented")
    assert kept.rows == ("5", "30")
    # one caution says that they aren't known to be one material: the other mustn't say that they are
    assert "same material" not in kept.text
    assert "agree with another row in every descriptor" in kept.text


def test_many_sets_of_equal_descriptors_are_one_sentence(tmp_path: Path) -> None:
    frame = table(30)
    for first, second in ((4, 29), (5, 28), (6, 27), (7, 26)):
        frame.loc[second, ["x1", "x2", "x3"]] = frame.loc[first, ["x1", "x2", "x3"]]
        frame.loc[second, "y"] = frame.loc[first, "y"]
    caution = of_kind(run(tmp_path, frame), "same_descriptors")
    assert "4 sets of rows (8 rows in all)" in caution.text
    assert set(caution.rows) == {"5", "30", "6", "29", "7", "28", "8", "27"}


def test_rows_that_only_look_alike_are_not_called_one_material_when_they_differ(tmp_path: Path) -> None:
    frame = table(30)
    frame.loc[29, ["x1", "x2", "x3"]] = frame.loc[4, ["x1", "x2", "x3"]]
    frame.loc[29, "y"] = frame.loc[4, "y"] + 9.0
    part = run(tmp_path, frame)
    assert "yet they differ by 9" in of_kind(part, "same_descriptors").text
    assert "duplicates_disagree" not in kinds(part)


# -- descriptors --------------------------------------------------------------------------------------------


def test_a_constant_column_is_said(tmp_path: Path) -> None:
    caution = of_kind(run(tmp_path, table().assign(x3=7.0)), "constant_column")
    assert caution.columns == ("x3",)


def test_missing_values_are_counted_and_an_empty_column_is_named(tmp_path: Path) -> None:
    frame = table()
    frame.loc[[2, 5], "x1"] = np.nan
    part = run(tmp_path, frame.assign(x3=np.nan))
    holes = of_kind(part, "missing_values")
    assert (holes.columns, holes.rows) == (("x1",), ("3", "6"))
    assert "Descriptor values are missing (x1: 2)" in holes.text
    assert of_kind(part, "empty_column").columns == ("x3",)
    score = part.score("ridge", "loo")
    assert score is not None
    assert np.isfinite(score["r2"])


def test_a_missing_target_is_refused_with_its_place(tmp_path: Path) -> None:
    frame = table(30)
    frame.loc[4, "y"] = np.nan
    with pytest.raises(DataError, match="row 5, column 'y': the cell is empty"):
        run(tmp_path, frame)


def test_collinear_columns_are_named_in_pairs_and_in_sums(tmp_path: Path) -> None:
    frame = table()
    frame.insert(3, "x4", 3 * frame["x1"] + 1)
    pair = of_kind(run(tmp_path, frame), "collinear_columns")
    assert set(pair.columns) == {"x1", "x4"}
    assert "r = 1.000" in pair.text
    frame["x4"] = frame["x1"] + frame["x2"] + frame["x3"]
    assert "add up to another" in of_kind(run(tmp_path, frame), "collinear_columns").text


def test_more_columns_than_rows_are_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = table(12)
    for i in range(4, 14):
        frame.insert(3, f"x{i}", rng.standard_normal(12))
    assert {"more_columns_than_rows", "few_rows"} <= kinds(run(tmp_path, frame))


# -- few rows -----------------------------------------------------------------------------------------------


def test_three_rows_run_and_say_that_they_say_nothing(tmp_path: Path) -> None:
    schemes = [{"kind": "leave_one_out"}, {"kind": "k_fold", "k": 5}, {"kind": "in_sample"}]
    part = run(tmp_path, table(3), schemes=schemes)
    assert "only 3 rows" in of_kind(part, "few_rows").text
    assert "5 folds are not possible with 3 rows" in of_kind(part, "skipped_scheme").text
    assert part.score("ridge", "5-fold") is None


def test_a_scheme_that_the_verdict_needs_is_not_left_out(tmp_path: Path) -> None:
    schemes = [{"kind": "leave_one_out"}, {"kind": "k_fold", "k": 5}]
    with pytest.raises(StudyError, match="5 folds are not possible with 3 rows"):
        run(tmp_path, table(3), schemes=schemes, verdict={"estimator": "ridge", "scheme": "5-fold"})


def test_groups_that_are_too_few_or_too_many_are_said(tmp_path: Path) -> None:
    frame = table(24)
    frame.insert(0, "lab", ["A"] * 14 + ["B"] * 10)
    frame.insert(0, "sample", range(24))
    data = {"csv": str(tmp_path / "table.csv"), "groups": {"lab": "column:lab", "sample": "column:sample"}}
    schemes = [
        {"kind": "leave_one_out"},
        {"kind": "leave_one_group_out", "group": "lab"},
        {"kind": "leave_one_group_out", "group": "sample"},
    ]
    texts = [c.text for c in run(tmp_path, frame, data=data, schemes=schemes).cautions if c.kind == "groups"]
    assert any("2 groups, the largest with 14 of 24 rows" in text for text in texts)
    assert any("plain leave-one-out" in text for text in texts)


def test_groups_of_one_row_are_counted(tmp_path: Path) -> None:
    frame = table(24)
    frame.insert(0, "lab", [*(["A"] * 6 + ["B"] * 6), *(f"alone {i}" for i in range(12))])
    data = {"csv": str(tmp_path / "table.csv"), "groups": {"lab": "column:lab"}}
    schemes = [{"kind": "leave_one_out"}, {"kind": "leave_one_group_out", "group": "lab"}]
    caution = of_kind(run(tmp_path, frame, data=data, schemes=schemes), "groups")
    assert "12 of 14 groups" in caution.text
    assert "12 of 24 rows it is plain leave-one-out" in caution.text


# -- twice the same -----------------------------------------------------------------------------------------


def everything(folder: Path) -> dict[str, Any]:
    """A declaration that uses every check and every scheme that is drawn by lot."""
    frame = table(26)
    frame.insert(0, "year", [2000 + i // 4 for i in range(26)])
    data = {"csv": str(folder / "table.csv"), "time": "year", "weight": "w", "y_sd": "sd"}
    frame["w"], frame["sd"] = 1.0 + np.arange(26) % 3, 0.05 + 0.01 * (np.arange(26) % 5)
    return declaration(
        folder,
        frame,
        data=data,
        estimators=[
            {"name": "mean", "kind": "mean"},
            {"name": "ridge", "kind": "ridge", "features": "all", "tune": {"alpha": {"low": 0.01, "high": 10.0}}}
            | {"tune_budget": 3, "tune_folds": 2},
            {"name": "forest", "kind": "random_forest", "n_estimators": 5, "features": "all"},
        ],
        schemes=[
            {"kind": "leave_one_out"},
            {"kind": "leave_cluster_out"},
            {"kind": "forward_in_time", "n_blocks": 2},
            {"kind": "repeated_k_fold", "k": 3, "n_repeats": 2},
            {"kind": "repeated_holdout", "n_test": 5, "n_repeats": 4},
            {"kind": "in_sample"},
        ],
        checks={
            "n_bootstrap": 50,
            "n_shuffles": 3,
            "shuffle_estimator": "forest",
            "learning_curve": {"estimators": ["forest"], "sizes": [6, 9, 12, 15], "n_repeats": 3},
            "seeds": {"estimators": ["forest"], "scheme": "2x3-fold", "n_seeds": 3},
            "coverage": {"estimators": ["forest"], "scheme": "leave-cluster-out", "levels": [0.5]},
        },
        explain={"estimator": "forest", "scheme": "loo"},
    )


@pytest.mark.slow
def test_two_runs_with_one_seed_are_identical_and_survive_saving(tmp_path: Path) -> None:
    header, parts, raw = parse_study(everything(tmp_path), "plain.toml")
    study = Study(header.name, header.title, "", parts, "plain", raw)
    results = [study.run(progress=False) for _ in range(2)]
    first, again = (result["plain"] for result in results)
    loaded = StudyResult.load(results[0].save(tmp_path / "out"))["plain"]
    for name in (
        "scores", "predictions", "gains", "pairs", "scrambles", "learning_curve", "curve_fits", "seeds", "importance",
        "directions_found", "curves", "single_curves", "coverage", "nested_intervals",
    ):  # fmt: skip
        frames = [getattr(part, name).drop(columns="seconds", errors="ignore") for part in (first, again, loaded)]
        assert len(frames[0]), name
        pd.testing.assert_frame_equal(frames[0], frames[1])
        pd.testing.assert_frame_equal(frames[0], frames[2], check_dtype=False)
    assert first.cautions == again.cautions == loaded.cautions
    for scheme, table in first.shapley.items():
        assert np.array_equal(table.values, again.shapley[scheme].values)
        assert np.array_equal(table.values, loaded.shapley[scheme].values)
    assert first.provenance["variants"] == again.provenance["variants"]
    assert first.seeds["r2"].nunique() > 1
    methods = first.pairs.groupby("scheme")["method"].first().to_dict()
    assert methods == {
        "loo": "paired bootstrap",
        "2x3-fold": "corrected resampled t-test",
        "repeated-5": "corrected resampled t-test",
    }
    other = dict(raw, seed=2)
    header, parts, raw = parse_study(other, "plain.toml")
    third = Study(header.name, header.title, "", parts, "plain", raw).run(progress=False)["plain"]
    assert not third.scores["r2"].equals(first.scores["r2"])


def test_weights_and_uncertainties_reach_the_estimators_and_are_refused_where_they_would_say_nothing(
    tmp_path: Path,
) -> None:
    frame = table(20)
    frame["w"] = [1.0] * 10 + [1e-6] * 10
    frame.loc[10:, "y"] = 50.0
    schemes = [{"kind": "in_sample"}, {"kind": "leave_one_out"}]
    ridge = [{"name": "mean", "kind": "mean"}, {"name": "ridge", "kind": "ridge", "features": "all", "alpha": 1e-6}]
    data = {"csv": str(tmp_path / "table.csv"), "weight": "w"}
    part = run(tmp_path, frame, data=data, estimators=ridge, schemes=schemes)
    kept = part.predicted("ridge", "in-sample")
    # rows that count for nothing pull nothing
    assert np.abs(kept["y_pred"] - kept["y_true"])[:10].max() < 0.5
    frame["w"] = 0.0
    with pytest.raises(DataError, match="a weight of 0; weights must be greater than 0"):
        run(tmp_path, frame, data=data, estimators=ridge, schemes=schemes)
    frame["w"] = -1.0
    data = {"csv": str(tmp_path / "table.csv"), "y_sd": "w"}
    with pytest.raises(DataError, match="an uncertainty of -1 is below 0"):
        run(tmp_path, frame, data=data, estimators=ridge, schemes=schemes)


# -- every shipped estimator --------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_estimator_of_the_shipped_study_survives_a_table_with_everything_wrong(tmp_path: Path) -> None:
    frame = synthetic_paper_table().iloc[:14].reset_index(drop=True)
    frame["dipole_debye"] = 3.0
    frame["homo_ev"] = frame["lumo_ev"] - 10.0
    frame.loc[[2, 5], "electronegativity"] = np.nan
    frame.loc[13, frame.columns.drop("rate_per_ps")] = frame.loc[0, frame.columns.drop("rate_per_ps")]
    frame.loc[13, "rate_per_ps"] = 400 * frame.loc[0, "rate_per_ps"]
    part = shipped(tmp_path, frame)
    assert {
        "few_rows",
        "leakage_prevented",
        "duplicates_disagree",
        "constant_column",
        "missing_values",
        "collinear_columns",
    } <= kinds(part)
    assert part.scores["r2"].notna().all()


@pytest.mark.slow
def test_every_estimator_of_the_shipped_study_survives_three_rows(tmp_path: Path) -> None:
    part = shipped(tmp_path, synthetic_paper_table().iloc[[0, 5, 9]])
    assert "few_rows" in kinds(part)
    assert len(part.predictions)


def shipped(folder: Path, frame: pd.DataFrame) -> PartResult:
    """The result of the shipped study for tables of one's own, and its report."""
    frame.to_csv(folder / "mine.csv", index=False)
    result = Study.load("paper-format").with_data(folder / "mine.csv").run(progress=False)
    page = report(result, folder / "out").read_text(encoding="utf-8")
    assert "Before you believe this" in page
    return result["paper-format"]
