from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from perospin.errors import MissingExtraError, StudyError
from perospin.learning import build_estimator, evaluate, k_fold, leave_one_out
from perospin.learning.estimators import SymbolicRegression, predict_with_spread
from synthetic_tables import synthetic_paper_table

pytest.importorskip("pyoperon")


def planted(n: int = 60, noise: float = 0.02, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(1, 3, (n, 3)), columns=["dipole_debye", "radius_a", "homo_ev"])
    law = 2.5 * X["dipole_debye"] ** 2 / X["radius_a"] + 0.7
    return X, law.to_numpy() + noise * rng.standard_normal(n)


@pytest.fixture(scope="module")
def found() -> SymbolicRegression:
    return SymbolicRegression(seed=7).fit(*planted())


def test_a_planted_law_is_recovered_with_its_constants(found):
    formula = found.formula_
    assert formula.used_columns == ["dipole_debye", "radius_a"]
    assert len(formula.constants) == 2
    rng = np.random.default_rng(1)
    new = pd.DataFrame(rng.uniform(1, 3, (50, 3)), columns=["dipole_debye", "radius_a", "homo_ev"])
    law = 2.5 * new["dipole_debye"] ** 2 / new["radius_a"] + 0.7
    assert_allclose(found.predict(new), law, rtol=0.01)
    for constant, truth in zip(sorted(formula.constants, key=lambda c: c.value), (0.7, 2.5), strict=True):
        assert constant.low <= truth <= constant.high
        assert constant.high - constant.low < 0.1
    assert formula.units == {"dipole_debye": "D", "radius_a": "Å"}


def test_the_front_runs_from_the_mean_to_the_law(found):
    sizes = [f.size for f in found.front_]
    errors = [f.rmse_in_sample for f in found.front_]
    assert sizes == sorted(set(sizes))
    assert errors == sorted(errors, reverse=True)
    assert found.front_[0].expression == "c0"
    assert found.formula_.description_length == min(f.description_length for f in found.front_)


def test_same_seed_same_formulas(found):
    again = SymbolicRegression(seed=7).fit(*planted())
    assert [f.text(12) for f in again.front_] == [f.text(12) for f in found.front_]
    assert_array_equal(again.predict(planted()[0]), found.predict(planted()[0]))


def test_where_there_is_nothing_the_mean_is_predicted():
    rng = np.random.default_rng(2)
    X, y = pd.DataFrame(rng.uniform(1, 3, (40, 4)), columns=list("abcd")), rng.standard_normal(40)
    model = SymbolicRegression(population=200, generations=30, seed=0).fit(X, y)
    assert model.formula_.expression == "c0"
    assert_allclose(model.predict(X), y.mean())


@pytest.mark.slow
def test_the_unit_of_a_column_changes_only_its_constant():
    X, y = planted()
    one = SymbolicRegression(seed=7).fit(X, y)
    other = SymbolicRegression(seed=7).fit(X.assign(radius_a=1e6 * X["radius_a"]), y)
    assert_allclose(other.predict(X.assign(radius_a=1e6 * X["radius_a"])), one.predict(X), rtol=1e-4)


def test_constants_feel_the_weights():
    X, y = planted(noise=0.0)
    wild = y.copy()
    wild[:6] += 5.0
    sd = np.where(np.arange(60) < 6, 50.0, 0.05)
    model = SymbolicRegression(seed=7).fit(X, wild, sample_weight=np.where(np.arange(60) < 6, 1e-6, 1.0), y_sd=sd)
    assert_allclose(model.predict(X), y, atol=0.05)


def test_poles_and_missing_values_next_to_new_rows(found):
    X = pd.DataFrame({"dipole_debye": [2.0, np.nan, 1e9], "radius_a": [0.0, 2.0, 1.0], "homo_ev": 1.0})
    value, spread = predict_with_spread(found, X)
    assert np.isfinite(value).all()
    assert np.isfinite(spread).all()
    y = planted()[1]
    assert value.max() <= y.max() + np.ptp(y) + 1e-9
    assert value[1] == pytest.approx(2.5 * np.median(planted()[0]["dipole_debye"]) ** 2 / 2 + 0.7, rel=0.02)


def test_spread_is_the_scatter_about_the_law(found):
    X, _ = planted()
    assert predict_with_spread(found, X)[1].mean() == pytest.approx(0.02, rel=0.3)


@pytest.mark.slow
def test_the_law_is_found_inside_every_fold():
    X, y = planted()
    spec = {"kind": "symbolic", "features": list(X.columns)}
    assert evaluate(build_estimator(spec, 7), X, y, k_fold(60, 5, 0)).scores().r2 > 0.999


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_recovers_the_law_of_the_made_up_table(seed):
    """The square and the product of `synthetic_law`, which no line follows, among the published eight columns."""
    table = synthetic_paper_table(seed=seed)
    X = table.assign(inverse_n=np.where(table["n_layers"] >= 100, 0.0, 1.0 / table["n_layers"]))
    y = np.log10(table["rate_per_ps"].to_numpy())
    eight = [
        "dipole_debye", "molar_mass", "electronegativity", "polarisability_bohr3", "tolerance_factor", "homo_ev",
        "lumo_ev", "inverse_n",
    ]  # fmt: skip
    spec = {"kind": "symbolic", "features": eight, "max_length": 20, "operations": ["add", "sub", "mul", "square"]}
    model = build_estimator({**spec, "generations": 150}, seed).fit(X, y)
    assert set(model.formula_.used_columns) == {"tolerance_factor", "dipole_debye"}
    assert model.formula_.rmse_in_sample < 0.06
    line = evaluate(build_estimator({"kind": "ridge", "features": eight}, 0), X, y, leave_one_out(52)).scores().r2
    assert line < 0.6


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"operations": ("add", "sin")}, "unknown operation"),
        ({"operations": ()}, "unknown operation"),
        ({"max_length": 0}, "max_length >= 1"),
    ],
)
def test_wrong_settings(settings, part):
    with pytest.raises(StudyError, match=part):
        SymbolicRegression(**settings).fit(*planted())


def test_without_the_extra_it_says_which(monkeypatch):
    import perospin.learning.estimators.formulas.symbolic as module

    def absent(name, extra):
        raise MissingExtraError(f"pip install 'perospin[{extra}]'")

    monkeypatch.setattr(module, "require", absent)
    with pytest.raises(MissingExtraError, match=r"perospin\[symbolic\]"):
        SymbolicRegression().fit(*planted())
