from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, truncnorm

from perospin.cli import main
from perospin.database import Conditions, Record, Source
from perospin.errors import DataError, FormulaError, StudyError
from perospin.reports import cite, lifetimes
from perospin.studies.lifetimes import (
    CalibratedModel,
    Conditioned,
    ConditionModel,
    LifetimePredictor,
    lifetime_table,
    question,
    run_conditions,
)
from perospin.studies.lifetimes.model import EFFECTS, _truncated
from perospin.studies.lifetimes.study import MODELS, SCHEMES
from perospin.studies.lifetimes.table import MATERIAL_COLUMNS, QUANTITIES, _once, _temperature, technique_class
from perospin.studies.running.variants import VariantLog


@pytest.fixture(scope="module")
def rows() -> Conditioned:
    return lifetime_table(user=False)


def made_up(n: int = 120, seed: int = 0, noise: float = 0.05) -> Conditioned:
    """Rows of a stated law: a decade between quantities, -1.5 decades a decade of temperature, 0.3 a material scale."""
    rng = np.random.default_rng(seed)
    material = rng.integers(0, 25, n)
    features = rng.normal(size=(25, len(MATERIAL_COLUMNS)))
    quantity = rng.choice(["tau_spin", "T2_star"], n)
    warmth = rng.uniform(-2, 0, n)
    source = rng.integers(0, 12, n)
    level = 0.2 * rng.normal(size=12)
    y = 1.0 + (quantity == "T2_star") - 1.5 * warmth + 0.3 * features[material, 0] + level[source]
    y += noise * rng.standard_normal(n)
    empty = np.full(n, "")
    return Conditioned(
        formula=np.array([f"M{m}" for m in material]),
        quantity=quantity,
        carrier=empty,
        technique=empty,
        form=empty,
        source=np.array([f"S{s}" for s in source]),
        log_temperature=warmth,
        temperature_sd=np.zeros(n),
        log_field=np.zeros(n),
        field_sd=np.zeros(n),
        features=features[material],
        value_ps=10.0**y,
        limit=np.zeros(n, dtype=np.int64),
        record_id=np.array([f"r{i}" for i in range(n)]),
    )


def changed(rows: Conditioned, **columns: Any) -> Conditioned:
    own = {name: getattr(rows, name) for name in rows.__dataclass_fields__}
    return Conditioned(**{**own, **columns})


# -- the records ---------------------------------------------------------------------------------------------


def test_the_table_holds_all_records_of_known_composition(rows: Conditioned) -> None:
    assert set(rows.quantity.tolist()) == set(QUANTITIES)
    assert len(rows) > 80
    assert len(set(rows.source.tolist())) > 15
    assert {0, 1, -1} == set(rows.limit.tolist())
    assert np.isfinite(rows.features).all()
    assert any("without a certain composition" in note for note in rows.notes)
    assert any("no shipped table describes" in note for note in rows.notes)


def test_limits_keep_their_side(rows: Conditioned) -> None:
    by_id = dict(zip(rows.record_id.tolist(), rows.limit.tolist(), strict=True))
    assert by_id["spin_lifetimes_3d_nc-024"] == 1  # at least 30 ns
    assert by_id["spin_lifetimes_layered-002"] == -1  # up to 25 us
    assert by_id["spin_lifetimes_papers-008"] == 0


def test_a_value_that_stands_in_two_tables_is_taken_once(rows: Conditioned) -> None:
    assert (rows.formula == "(APD)PbI4").sum() == 1
    assert (rows.formula == "(PEA)2(MA)Pb2I7").sum() == 2  # two sources, two values


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
        question("MAPbI3", **options)


def test_a_wrong_formula_is_refused() -> None:
    with pytest.raises(FormulaError):
        question("MAPbI")


# -- the model -----------------------------------------------------------------------------------------------


def test_a_known_law_is_found() -> None:
    rows = made_up()
    model = ConditionModel().fit(rows)
    assert 0.1 < model.sd_["source"] < 0.45  # 0.2, from twelve sources
    # what is stated in no row is noise too
    own = np.sqrt(sum(model.sd_[name] ** 2 for name in ("noise", "carrier", "technique", "form")))
    assert own == pytest.approx(0.05, rel=0.5)
    cold, warm = changed(rows.take([0]), log_temperature=np.array([-1.5])), rows.take([0])
    warm = changed(warm, log_temperature=np.array([-0.5]))
    assert model.predict(cold)[0] - model.predict(warm)[0] == pytest.approx(1.5, abs=0.15)


def test_held_out_materials_of_a_known_law_are_covered() -> None:
    rows = made_up(200, seed=1)
    known = np.isin(rows.formula, [f"M{i}" for i in range(15)])
    calibrated, new = CalibratedModel.fit(rows.take(np.flatnonzero(known))), rows.take(np.flatnonzero(~known))
    mean, low, high = calibrated.predict(new, 0.9)
    assert 0.8 <= np.mean((new.y >= low) & (new.y <= high)) <= 1.0
    assert np.all((low < mean) & (mean < high))


def test_the_gradient_is_that_of_the_objective() -> None:
    rows = made_up(30)
    model = ConditionModel().fit(rows)
    middle = np.log([*EFFECTS.values(), 0.15])
    theta = middle + 0.1 * np.random.default_rng(2).normal(size=len(middle))
    _, gradient = model._objective(theta, middle, model._sites)
    for i in range(len(theta)):
        step = np.zeros(len(theta))
        step[i] = 1e-5
        up, down = (model._objective(theta + s * step, middle, model._sites)[0] for s in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-6)


def test_the_evidence_is_that_of_a_normal_distribution() -> None:
    rows = made_up(12)
    model = ConditionModel().fit(rows)
    middle = model._theta
    value, _ = model._objective(middle, middle, model._sites)
    matrix = model._covariance(middle, model._sites)
    expected = multivariate_normal(np.full(12, 1.0), matrix).logpdf(rows.y)
    assert -value == pytest.approx(expected + 6 * np.log(2 * np.pi), rel=1e-8)


@pytest.mark.parametrize(
    ("mean", "bound", "sign"), [(0.0, 1.0, -1.0), (0.0, 1.0, 1.0), (2.0, -3.0, -1.0), (0.5, 0.4, 1.0)]
)
def test_moments_of_a_truncated_normal(mean: float, bound: float, sign: float) -> None:
    sd = 0.7
    ends = (-np.inf, (bound - mean) / sd) if sign < 0 else ((bound - mean) / sd, np.inf)
    expected = truncnorm(*ends, loc=mean, scale=sd)
    found = _truncated(np.array([mean]), np.array([sd**2]), np.array([bound]), np.array([sign]))
    assert found[0][0] == pytest.approx(expected.mean(), rel=1e-6)
    assert found[1][0] == pytest.approx(expected.var(), rel=1e-5)


def test_one_censored_row_is_exact() -> None:
    """With one limit expectation propagation is exact: compare with sampling from the joint normal."""
    rows = made_up(10)
    limit = np.zeros(10, dtype=np.int64)
    limit[3] = -1
    value = rows.value_ps.copy()
    value[3] = 10.0 ** (rows.y[3] - 0.5)
    rows = changed(rows, limit=limit, value_ps=value)
    model = ConditionModel().fit(rows)
    rest = [i for i in range(10) if i != 3]
    full = model._covariance(model._theta, type(model._sites)(rows.y, np.zeros(10)))
    known = full[np.ix_(rest, rest)]
    gain = np.linalg.solve(known, full[rest, 3])
    centre, variance = 1.0 + gain @ (rows.y[rest] - 1.0), full[3, 3] - gain @ full[rest, 3]
    inside = truncnorm(-np.inf, (rows.y[3] - centre) / np.sqrt(variance), loc=centre, scale=np.sqrt(variance))
    inverse = np.linalg.inv(model._covariance(model._theta, model._sites))
    alpha = inverse @ (model._sites.target - 1.0)
    posterior = model._sites.target[3] - model._sites.variance[3] * alpha[3]
    assert posterior == pytest.approx(inside.mean(), abs=1e-4)


def test_an_upper_bound_only_pulls_down() -> None:
    rows = made_up(40)
    limit, value = np.zeros(40, dtype=np.int64), rows.value_ps.copy()
    limit[5] = -1
    far, near = value.copy(), value.copy()
    far[5], near[5] = 10.0 ** (rows.y[5] + 4), 10.0 ** (rows.y[5] - 1)
    asked = rows.take([5])
    without = ConditionModel().fit(rows.take([i for i in range(40) if i != 5])).predict(asked)[0][0]
    loose = ConditionModel().fit(changed(rows, limit=limit, value_ps=far)).predict(asked)[0][0]
    tight = ConditionModel().fit(changed(rows, limit=limit, value_ps=near)).predict(asked)[0][0]
    assert loose == pytest.approx(without, abs=0.02)
    assert tight < without - 0.02


def test_what_is_not_stated_adds_to_the_spread() -> None:
    model = ConditionModel().fit(made_up())
    sure = made_up().take([0])
    unsure = changed(sure, temperature_sd=np.array([0.8]))
    assert model.predict(unsure)[1][0] > 2 * model.predict(sure)[1][0]
    assert model.predict(unsure)[0][0] == pytest.approx(model.predict(sure)[0][0])


def test_contributions_add_up(rows: Conditioned) -> None:
    model = ConditionModel().fit(rows)
    parts = model.contributions(rows)
    np.testing.assert_allclose(sum(parts.values()), model.predict(rows)[0], atol=1e-8)


def test_two_fits_are_identical(rows: Conditioned) -> None:
    first, second = ConditionModel().fit(rows), ConditionModel().fit(rows)
    assert first.sd_ == second.sd_


def test_impossible_models_are_refused(rows: Conditioned) -> None:
    with pytest.raises(StudyError, match="unknown effect 'mood'"):
        ConditionModel(("quantity", "mood"))
    with pytest.raises(StudyError, match="at least two stated values"):
        ConditionModel().fit(rows.take(rows.stated[:1]))


# -- the study and its predictions ---------------------------------------------------------------------------


def test_every_model_is_scored_under_every_scheme(tmp_path: Path) -> None:
    result = run_conditions(made_up(60))
    for scheme in SCHEMES:
        for model in MODELS:
            assert result.score(model, scheme)["n_scored"] == 60
        best = result.score("material and conditions", scheme)
        assert best["rmse"] < 0.5 * result.score("mean of each quantity", scheme)["rmse"]
    assert set(result.gains["over"]) == set(MODELS) - {"material and conditions"}
    assert (result.gains["gain"] > 0).any()
    folder = lifetimes.save(result, tmp_path / "out")
    assert {"scores.csv", "gains.csv", "predictions.csv", "rows.csv", "conditions.json"} <= {
        p.name for p in folder.iterdir()
    }
    assert json.loads((folder / "conditions.json").read_text())["effects"] == result.effects
    assert len(lifetimes.draw(result).axes) == 2
    assert (folder / "references.bib").read_text(encoding="utf-8") == cite(result)
    assert "Minka2001Expectation" not in cite(result)  # no limit among these rows
    with pytest.raises(StudyError, match="no score"):
        result.score("nothing", "leave one material out")


def test_what_the_page_says_holds(rows: Conditioned) -> None:
    """The figures of docs/conditions.md; new records will move them: then run the study and write the page anew."""
    page = (Path(__file__).parents[2] / "docs" / "conditions.md").read_text(encoding="utf-8")
    counted = (len(rows), len(set(rows.formula.tolist())), len(set(rows.source.tolist())))
    assert "{} records of {} materials from {} sources".format(*counted) in page
    result = run_conditions(rows)
    for scheme in SCHEMES:
        table = page[page.index(f"| {scheme} |") :]
        for model in MODELS:
            cells = re.search(rf"^\| \**{model}[^|]*\|([^|]+)\|([^|]+)\|([^|]+)\|", table, re.MULTILINE)
            assert cells is not None
            stated = [float(cell.strip(" *")) for cell in cells.groups()]
            score = result.score(model, scheme)
            assert stated == pytest.approx([score["r2"], score["rmse"], score["typical_factor"]], abs=0.06)
    assert "Minka2001Expectation" in cite(result)
    assert "10.1039/d5sc07406a" in cite(result)
    assert cite(result).count("Li2025SpinRelaxation,") == 1
    assert "Grigoryev 2021; the records state no DOI" in cite(result)


def test_runs_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path))
    for _ in range(2):
        run_conditions(made_up(20))
    tried = VariantLog().tried()
    assert [(t.settings, t.scored, t.runs) for t in tried] == [(4, 8, 2)]


def test_the_command_runs_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("perospin.studies.lifetimes.study.lifetime_table", lambda: made_up(40))
    with pytest.raises(SystemExit) as stop:
        main(["study", "conditions", "--quiet", "--out", str(tmp_path / "out")])
    assert not stop.value.code
    text = capsys.readouterr().out
    assert "leave one material out" in text
    assert "material and conditions over mean of each quantity" in text
    assert (tmp_path / "out" / "conditions.png").is_file()


def test_held_out_rows_are_not_seen() -> None:
    rows = made_up(60)
    moved = rows.value_ps.copy()
    mine = rows.formula == rows.formula[0]
    moved[mine] *= 1e6
    before = run_conditions(rows).predictions
    after = run_conditions(changed(rows, value_ps=moved)).predictions
    for model in MODELS:
        chosen = (before["model"] == model) & (before["scheme"] == "leave one material out")
        own = chosen & (before["formula"] == rows.formula[0])
        np.testing.assert_allclose(before.loc[own, "predicted_ps"], after.loc[own, "predicted_ps"], rtol=1e-6)


@pytest.fixture(scope="module")
def predictor(rows: Conditioned) -> LifetimePredictor:
    return LifetimePredictor.fit(rows)


def test_colder_is_longer_and_what_is_left_open_is_wider(predictor: LifetimePredictor) -> None:
    cold, warm = (predictor.predict("CsPbBr3", "T2_star", temperature_k=t) for t in (5.0, 300.0))
    open_ = predictor.predict("CsPbBr3", "T2_star")
    assert cold.value_ps > 5 * warm.value_ps
    assert np.log(open_.high_ps / open_.low_ps) > np.log(cold.high_ps / cold.low_ps)
    assert cold.low_ps < cold.value_ps < cold.high_ps
    assert any("no temperature was asked for" in caution for caution in open_.cautions)
    assert cold.asked == {"temperature_k": 5.0}
    assert "leave one material out" in str(cold)


def test_what_the_records_cannot_support_is_said(predictor: LifetimePredictor) -> None:
    found = predictor.predict("(PEA)2SnCl4", "T2", temperature_k=4.0, field_t=1.0)
    text = " / ".join(found.cautions)
    assert "only 2 materials have a stated T2" in text
    assert "no layered material has a stated T2" in text
    assert "records state a magnetic field" in text
    assert "K lies outside" in " ".join(predictor.predict("MAPbI3", temperature_k=900.0).cautions)
    assert "halide F is in no record" in " ".join(predictor.predict("CsPbF3", temperature_k=300.0).cautions)


def test_known_records_stand_beside_a_prediction(predictor: LifetimePredictor) -> None:
    found = predictor.predict("MAPbI3", "T1", temperature_k=4.0)
    assert {r["quantity"] for r in found.known} == {"tau_spin", "T1", "T2_star"}
    assert found.n_scored == 6
    assert json.loads(json.dumps(found.to_dict()))["formula"] == "MAPbI3"


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
