"""The study xray-detector: its rows, its weights, the claims of the paper."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perospin.errors import DataError, StudyError
from perospin.studies import Study
from perospin.studies.data.dataset import build_dataset
from perospin.studies.declaration.sections import Claim, ExplainSection
from perospin.studies.detectors import table as detectors
from perospin.studies.evidence.claims import Found, claim_table


@pytest.fixture(scope="module")
def study():
    return Study.load("xray-detector")


@pytest.fixture(scope="module")
def datasets(study):
    return {name: build_dataset(part) for name, part in study.parts.items()}


def test_the_papers_material_is_in_no_training_set(study, datasets, monkeypatch):
    assert set(datasets) == {"sensitivity", "detection-limit", "mu-tau", "gap", "gap-measured"}
    for data in datasets.values():
        assert not {"(3F-PEA)2PbI4"} & {*data.rows["formula"], *data.rows["described_as"]}
    # nor when a record of it appears, a user's own for instance
    frame, _ = detectors.read(user=False)
    row = frame[frame["quantity"] == "band_gap"].iloc[[0]].assign(formula="(3F-PEA)2PbI4", record_id="mine", value=2.29)
    monkeypatch.setattr(detectors, "read", lambda *_, **__: (pd.concat([frame, row], ignore_index=True), []))
    assert len(build_dataset(study.parts["gap"])) == len(datasets["gap"])


def test_each_part_holds_one_quantity_of_the_records(datasets):
    assert {name: len(data) for name, data in datasets.items()} == {
        "sensitivity": 58, "detection-limit": 32, "mu-tau": 16, "gap-measured": 14, "gap": 207,
    }  # fmt: skip


def test_computed_values_weigh_less(datasets):
    rows = datasets["gap"].rows
    weights = rows.groupby("quantity")["weight"].unique()
    assert weights["measured"].tolist() == [1.0]
    assert weights["computed"].tolist() == [detectors.ESTIMATED_WEIGHT]


def test_missing_numbers_stand_as_declared(datasets):
    features = datasets["sensitivity"].features
    stated = features["log_field_sd"] == 0
    assert stated.sum() == 9
    assert np.allclose(features.loc[~stated, "log_field"], features.loc[stated, "log_field"].mean())
    assert (features.loc[~stated, "log_field_sd"] > 0.1).all()
    assert set(features["form=single crystal"]) == {0.0, 1.0}


def test_masses_are_those_of_the_sites(datasets):
    data = datasets["gap-measured"]
    row = data.features[data.rows["formula"] == "MAPbI3"].iloc[0]
    expected = {"a_mass_g_mol": 32.065, "b_mass_g_mol": 207.2, "x_mass_g_mol": 126.904, "formula_mass_g_mol": 619.98}
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, abs=0.02)


def test_the_published_formula_gives_no_gap(datasets):
    data = datasets["gap"]
    row = data.features[data.rows["formula"] == "MAPbI3"].iloc[0]
    assert row["published_gap_masses"] == pytest.approx(24.6, abs=0.05)
    assert row["published_gap_numbers"] == pytest.approx(12.7, abs=0.05)


def test_a_cation_never_seen_has_its_gap_predicted(study, datasets):
    """R2 above the paper's 0.80 on a grouped split."""
    from perospin.learning.estimators import build_estimator

    part, data = study.parts["gap"], datasets["gap"]
    groups = data.groups("cation")
    spec = part.spec_of("boosted")
    predicted = np.full(len(data), np.nan)
    for group in np.unique(groups):
        out = groups == group
        model = build_estimator(spec, part.seed)
        model.fit(data.features[~out], data.y[~out], sample_weight=data.weight[~out])
        predicted[out] = model.predict(data.features[out])
    assert 1 - np.sum((predicted - data.y) ** 2) / np.sum((data.y - data.y.mean()) ** 2) > 0.85


def test_the_papers_material_is_predicted_with_its_doubts(study):
    found = study.predictor(part="gap").predict("(m-F-PEA)2PbI4")
    assert found.quantity == "measured band gap"
    assert found.low < 2.29 < found.high
    assert not found.in_domain
    assert any("1/n" in reason for reason in found.reasons)
    assert not found.known


def test_a_question_is_checked():
    asked = detectors.question(field_v_mm=100.0, mu_tau_cm2_v=1e-4, form="film")
    assert asked["log_field"] == pytest.approx(2.0)
    assert asked["log_mu_tau_sd"] == 0.0
    for wrong in ({"form": "dust"}, {"field_v_mm": -1.0}, {"obtained": "guessed"}, {"gap_ev": float("nan")}):
        with pytest.raises(DataError):
            detectors.question(**wrong)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("polycrystalline wafer, isostatically pressed", "wafer"),
        ("single crystal film", "film"),
        ("single crystal array on PDMS", "composite"),
        ("film or crystal (form not in excerpt)", ""),
        ("solution-grown thick crystal", "single crystal"),
    ],
)
def test_forms_have_classes(form, name):
    assert detectors.form_class(form) == name


# --- claims ------------------------------------------------------------------------------------------------------


def importance(**rows):
    return pd.DataFrame(
        [{"column": n, "scheme": "lomo", "drop": d, "low": lo, "high": hi} for n, (d, lo, hi) in rows.items()]
    )


def told(claim, drops=None, pairs=None, r2=0.6):
    scores = {name: {"r2": r2} for name in ("forest", "linear", "svr")}
    explain = ExplainSection(estimator="forest", scheme="lomo")
    nothing = pd.DataFrame()
    found = Found(
        nothing, nothing if drops is None else drops, nothing if pairs is None else pairs, scores, "lomo", explain
    )
    return claim_table([claim], found).iloc[0]


MOST = Claim(most_important="B", text="B matters most", source="they")
BEST = Claim(best="forest", text="forest is best", source="they")


@pytest.mark.parametrize(
    ("b", "x", "holds"),
    [
        ((0.5, 0.4, 0.6), (0.1, 0.0, 0.2), "yes"),
        ((0.1, 0.0, 0.2), (0.5, 0.4, 0.6), "no"),
        ((0.3, 0.1, 0.5), (0.2, 0.0, 0.4), "leans for"),
        ((0.2, 0.0, 0.4), (0.3, 0.1, 0.5), "leans against"),
    ],
)
def test_what_matters_most_is_decided_by_intervals(b, x, holds):
    row = told(MOST, importance(B=b, X=x))
    assert row["holds"] == holds
    assert f"{b[0]:.2f}" in row["why"]
    # a model that predicts nothing decides nothing
    assert told(MOST, importance(B=b, X=x), r2=-0.1)["holds"] == "can't be decided"


def pair(better, worse, gain, p):
    return {"better": better, "worse": worse, "gain": gain, "low": gain - 0.15, "high": gain + 0.15, "p_holm": p,
            "scheme": "lomo"}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "holds"),
    [
        ([("forest", "linear", 0.3, 0.01), ("forest", "svr", 0.2, 0.02)], "yes"),
        ([("forest", "linear", 0.3, 0.01), ("svr", "forest", 0.2, 0.02)], "no"),
        ([("forest", "linear", 0.3, 0.01), ("forest", "svr", 0.1, 0.3)], "can't be decided"),
        ([("forest", "linear", 0.3, 0.01), ("svr", "forest", 0.1, 0.3)], "can't be decided"),
        ([("forest", "linear", 0.3, 0.01), ("forest", "svr", 0.2, 0.3)], "leans for"),
        ([("forest", "linear", 0.3, 0.01), ("svr", "forest", 0.2, 0.3)], "leans against"),
        ([("forest", "linear", 0.3, 0.01)], "not tested"),
    ],
)
def test_which_model_is_best_is_decided_by_pairs(rows, holds):
    assert told(BEST, pairs=pd.DataFrame([pair(*row) for row in rows]))["holds"] == holds


def test_claims_name_what_is_there(tmp_path):
    text = """
format = 1
name = "x"
title = "x"
description = "x"
baseline = "mean"
[data]
csv = "x.csv"
[target]
column = "y"
quantity = "y"
[[schemes]]
kind = "leave_one_out"
[[estimators]]
name = "mean"
kind = "mean"
[[claims]]
CLAIM
text = "it is so"
source = "they"
[variants]
tried = 0
[verdict]
estimator = "mean"
scheme = "loo"
"""
    for claim, word in (
        ('best = "forest"', "forest"),
        ('most_important = "B"', "explain"),
        ('column = "a"', "direction"),
        ('best = "mean"\nmost_important = "B"', "give one of"),
    ):
        path = tmp_path / "x.toml"
        path.write_text(text.replace("CLAIM", claim), encoding="utf-8")
        with pytest.raises(StudyError, match=word):
            Study.load(path)
