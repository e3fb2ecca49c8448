from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from perospin.learning import build_estimator, exact_shapley
from perospin.learning.estimators.kinds.terms import CallTerm, SeparableTerm
from perospin.learning.explanation.games import Game
from perospin.learning.explanation.terms_of_models import terms_of

COLUMNS = ["homo_ev", "lumo_ev", "molar_mass", "inverse_n", "is_n1", "spacer_charge"]
FOUR = COLUMNS[:4]
SPECS = {
    "ridge": {"kind": "ridge", "features": FOUR},
    "elastic net": {"kind": "elastic_net", "features": FOUR},
    "support vectors": {"kind": "svr", "features": FOUR},
    "process": {"kind": "gp", "mode": "map", "features": FOUR},
    "process, averaged": {
        "kind": "gp",
        "features": FOUR,
        "n_particles": 64,
        "n_chains": 8,
        "n_draws": 12,
    },
    "process, heavy tails": {"kind": "gp", "mode": "map", "features": FOUR, "likelihood": "student_t"},
    "prior process": {"kind": "prior_gp", "features": FOUR, "scales": [0.5, 0.5, 30.0, 0.4], "n_draws": 300},
    "networks": {"kind": "mlp_ensemble", "members": 2, "steps": 60, "features": FOUR},
    "networks, relu": {"kind": "mlp_ensemble", "members": 2, "steps": 60, "activation": "relu", "features": FOUR},
    "networks, deep": {"kind": "mlp_ensemble", "members": 2, "steps": 60, "hidden": [6, 5], "features": FOUR},
    "forest": {"kind": "random_forest", "n_estimators": 12, "features": FOUR},
    "boosted trees": {"kind": "xgboost", "n_estimators": 25, "features": FOUR},
    "rule": {"kind": "two_class_rule"},
    "two stages": {"kind": "two_stage", "features": ["homo_ev", "lumo_ev"]},
    "two stages of trees": {
        "kind": "two_stage",
        "residual": {"kind": "random_forest", "n_estimators": 5},
        "features": ["homo_ev", "inverse_n"],
    },
    "average": {
        "kind": "average",
        "members": [{"kind": "ridge", "features": ["homo_ev"]}, {"kind": "svr", "features": ["lumo_ev", "molar_mass"]}],
    },
    "chosen": {"kind": "ridge", "features": FOUR, "tune": {"alpha": [0.1, 10.0]}},
    "mean": {"kind": "mean"},
}


@pytest.fixture(scope="module")
def table(spin52):
    return spin52.X[COLUMNS], spin52.y


@pytest.mark.parametrize("name", SPECS)
def test_terms_give_the_values_of_the_whole_model(name, table):
    """Against the same model as a black box, on new rows and with the background as the rows."""
    if name == "boosted trees":
        pytest.importorskip("xgboost")
    X, y = table
    model = build_estimator(SPECS[name], 0).fit(X, y)
    assert terms_of(model) is not None
    for rows, background in ((X.iloc[:2] * 1.01, X.iloc[5:14]), (X.iloc[:9], X.iloc[:9])):
        ours, base = exact_shapley(model, rows, background)
        plain, plain_base = exact_shapley(model.predict, rows, background)
        assert base == pytest.approx(plain_base)
        # networks are trained and explained in single precision, boosted trees predict in it
        assert_allclose(ours, plain, atol=5e-7 if name in ("networks", "boosted trees") else 1e-11)
        assert_allclose(base + ours.sum(axis=1), model.predict(rows), atol=1e-6)
    game = Game.of(model, X.iloc[:9], X.iloc[:9])
    assert not any(isinstance(part.term, CallTerm) and len(part.owners) > 2 for part in game._parts)


@pytest.mark.parametrize("name", ["process", "networks", "forest", "prior process", "average"])
def test_groups_interactions_and_owen_values_of_terms(name, table):
    X, y = table
    model = build_estimator(SPECS[name], 0).fit(X, y)
    names = [c for c in FOUR if name != "average" or c != "inverse_n"]
    rows, background = X[names].iloc[:3], X[names].iloc[3:10]
    game, plain = Game.of(model, rows, background), Game.of(model.predict, rows, background)
    assert_allclose(game.interactions(), plain.interactions(), atol=5e-7)
    unions = [names[:2], names[2:]]
    assert_allclose(game.owen(unions), plain.owen(unions), atol=5e-7)
    players = {"levels": names[:2], "rest": names[2:]}
    ours = Game.of(model, rows, background, players=players).shapley()
    assert_allclose(ours, Game.of(model.predict, rows, background, players=players).shapley(), atol=5e-7)


def test_missing_values_and_a_constant_column(table):
    X, y = table
    holes = X.copy()
    holes.loc[[1, 4, 7], "homo_ev"] = np.nan
    holes["same"] = 1.0
    for kind in ({"kind": "gp", "mode": "map"}, {"kind": "random_forest", "n_estimators": 5}, {"kind": "ridge"}):
        model = build_estimator({**kind, "features": ["homo_ev", "lumo_ev", "same"]}, 0).fit(holes, y)
        rows = holes[["homo_ev", "lumo_ev", "same"]].iloc[:8]
        values, base = exact_shapley(model, rows, rows)
        assert_allclose(values, exact_shapley(model.predict, rows, rows)[0], atol=1e-11)
        assert_allclose(values[:, 2], 0.0, atol=1e-14)
        assert_allclose(base + values.sum(axis=1), model.predict(rows), atol=1e-11)


def test_a_model_whose_terms_do_not_add_up_is_predicted_as_it_is(table):
    X, y = table
    model = build_estimator({"kind": "ridge", "features": FOUR}, 0).fit(X, y)

    class Changed(type(model)):
        def predict(self, X):
            return super().predict(X) + np.asarray(X["homo_ev"]) ** 2

    changed = Changed.__new__(Changed)
    changed.__dict__.update(model.__dict__)
    rows = X[FOUR].iloc[:6]
    game = Game.of(changed, rows, rows)
    assert [type(part.term) for part in game._parts] == [CallTerm]
    assert_allclose(game.shapley(), exact_shapley(changed.predict, rows, rows)[0], atol=1e-12)


def test_columns_left_out_keep_the_rows_value(table):
    X, y = table
    model = build_estimator({"kind": "gp", "mode": "map", "features": FOUR}, 0).fit(X, y)
    rows, background = X[FOUR].iloc[:3], X[FOUR].iloc[3:9]
    some, _ = exact_shapley(model, rows, background, ["homo_ev", "inverse_n"])
    assert_allclose(some, exact_shapley(model.predict, rows, background, ["homo_ev", "inverse_n"])[0], atol=1e-12)


def test_draws_that_leave_columns_out_are_smaller_games(table):
    X, y = table
    model = build_estimator(SPECS["prior process"], 0).fit(X, y)
    terms = terms_of(model)
    assert terms is not None
    assert all(isinstance(term, SeparableTerm) for term in terms)
    sizes = {len(term.columns) for term in terms}
    assert min(sizes) < 4
    assert len(sizes) > 1


def test_a_bare_array(table):
    X, y = table
    values = X[FOUR].to_numpy()
    model = build_estimator({"kind": "gp", "mode": "map"}, 0).fit(values, y)
    ours, _ = exact_shapley(model, values[:5], values, FOUR)
    assert_allclose(ours, exact_shapley(model.predict, values[:5], values)[0], atol=1e-12)
    assert terms_of(object()) is None


def test_large_inputs_do_not_overflow():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((20, 2)), columns=["a", "b"])
    model = build_estimator({"kind": "mlp_ensemble", "members": 2, "steps": 20}, 0).fit(X, X["a"].to_numpy())
    far = X.iloc[:2] * 1e4
    values, base = exact_shapley(model, far, X)
    assert np.isfinite(values).all()
    assert_allclose(base + values.sum(axis=1), model.predict(far), atol=1e-6)
