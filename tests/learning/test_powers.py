from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from perospin.errors import StudyError
from perospin.learning import build_estimator, evaluate, k_fold
from perospin.learning.estimators import PowerLaw, predict_with_spread
from perospin.learning.estimators.formulas.powers import _squared_error


def table(n: int = 60, noise: float = 0.05) -> tuple[pd.DataFrame, np.ndarray]:
    """log10 of a law of three of eight columns, one of them negative."""
    rng = np.random.default_rng(0)
    names = ["dipole_debye", "radius_a", "homo_ev", "polarisability_a3", "e", "f", "g", "mixed"]
    X = pd.DataFrame(rng.uniform(1, 3, (n, 8)), columns=names)
    X["homo_ev"] *= -7.0
    X["mixed"] -= 2.0
    law = 2.5 * X["dipole_debye"] ** 2 / X["radius_a"] * np.sqrt(-X["homo_ev"])
    return X, np.log10(law.to_numpy()) + noise * rng.standard_normal(n)


def test_a_planted_power_law_is_recovered():
    X, y = table()
    model = PowerLaw().fit(X, y)
    assert model.exponents_ == {"dipole_debye": 2.0, "radius_a": -1.0, "homo_ev": 0.5}
    (constant,) = model.formula_.constants
    assert constant.low < np.log10(2.5) < constant.high
    assert model.left_out_ == ["mixed"]
    assert model.n_products_ == sum(len(list(itertools.combinations(range(7), k))) * 6**k for k in (1, 2, 3))
    assert model.unit_ == "D^-2 Å^1 eV^-0.5"
    assert model.formula_.units == {"dipole_debye": "D", "radius_a": "Å", "homo_ev": "eV"}
    assert r"\sqrt" in model.formula_.latex()


def test_linear_form():
    X, y = table(noise=0.0)
    model = PowerLaw(form="linear").fit(X, 10.0**y - 4.0)
    assert model.exponents_ == {"dipole_debye": 2.0, "radius_a": -1.0, "homo_ev": 0.5}
    assert_allclose([c.value for c in model.formula_.constants], [-4.0, 2.5], rtol=1e-6)
    assert_allclose(model.predict(X), 10.0**y - 4.0, rtol=1e-6)


@pytest.mark.parametrize("form", ["log", "linear"])
def test_closed_form_errors_are_those_of_least_squares(form):
    rng = np.random.default_rng(1)
    logs, y, weights = rng.standard_normal((4, 20)), rng.standard_normal(20), rng.uniform(0.5, 2, 20)
    for row, error in zip(logs, _squared_error(logs, y, weights, form), strict=True):
        design = np.ones((20, 1)) if form == "log" else np.column_stack([np.ones(20), 10.0**row])
        target = y - row if form == "log" else y
        root = np.sqrt(weights / weights.sum())
        left = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[1]
        assert error == pytest.approx(float(left[0]), rel=1e-6)


def test_no_product_beats_the_mean_on_noise():
    rng = np.random.default_rng(2)
    X, y = pd.DataFrame(rng.uniform(1, 3, (40, 8)), columns=list("abcdefgh")), rng.standard_normal(40)
    model = PowerLaw().fit(X, y)
    assert model.exponents_ == {}
    assert model.formula_.expression == "c0"
    assert_allclose(model.predict(X), y.mean())


def test_products_without_dimension():
    """Only ratios whose units cancel: the law in a/b is found, that in the wrong unit isn't offered."""
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.uniform(1, 3, (40, 3)), columns=["radius_a", "length_a", "volume_a3"])
    y = np.log10(X["volume_a3"] / (X["radius_a"] * X["length_a"] ** 2)).to_numpy()
    model = PowerLaw(dimensionless=True).fit(X, y)
    assert model.exponents_ == {"radius_a": -1.0, "length_a": -2.0, "volume_a3": 1.0}
    assert model.n_products_ < 6 * 3 + 36 * 3 + 216
    other = PowerLaw(dimensionless=True).fit(X, np.log10(X["volume_a3"] * X["radius_a"]).to_numpy())
    assert other.exponents_ != {"volume_a3": 1.0, "radius_a": 1.0}


def test_the_search_happens_inside_every_fold():
    X, y = table()
    spec = {"kind": "power_law", "features": list(X.columns)}
    assert evaluate(build_estimator(spec, 0), X, y, k_fold(60, 6, 0)).scores().r2 > 0.95
    rng = np.random.default_rng(4)
    # On shuffled targets a search that saw the test rows would score above zero.
    assert evaluate(build_estimator(spec, 0), X, rng.permutation(y), k_fold(60, 6, 0)).scores().r2 < 0.1


def test_new_rows_where_a_column_vanishes():
    X, y = table()
    model = PowerLaw().fit(X, y)
    new = X.iloc[:3].assign(radius_a=[0.0, -1.0, np.nan])
    value, spread = predict_with_spread(model, new)
    assert np.isfinite(value).all()
    assert np.isfinite(spread).all()


def test_another_number_of_columns_is_refused():
    X, y = table()
    model = PowerLaw(max_columns=1).fit(X.to_numpy(), y)
    with pytest.raises(StudyError, match="fitted to 8 columns, the table to predict has 7"):
        model.predict(X.to_numpy()[:, :7])


def test_columns_may_be_numbered():
    X, y = table()
    numbered = X.set_axis(range(8), axis=1)
    assert_allclose(
        PowerLaw(max_columns=1).fit(numbered, y).predict(numbered), PowerLaw(max_columns=1).fit(X, y).predict(X)
    )


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"form": "cubic"}, "unknown form 'cubic'"),
        ({"exponents": (0.0, 1.0)}, "other than 0"),
        ({"max_columns": 0}, "at least 1"),
        ({"exponents": tuple(np.linspace(0.1, 5, 100)), "max_columns": 4}, "offer fewer"),
    ],
)
def test_wrong_settings(settings, part):
    with pytest.raises(StudyError, match=part):
        PowerLaw(**settings).fit(*table())
