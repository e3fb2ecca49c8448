from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from perospin.database import load_table
from perospin.descriptors import describe
from perospin.errors import StudyError
from perospin.learning import build_estimator, evaluate, leave_one_group_out, leave_one_out
from perospin.learning.estimators import StructuredGP, used_columns
from perospin.learning.estimators.gaussian_processes.kernels import Rows
from perospin.learning.estimators.gaussian_processes.likelihoods import RowNoise

KERNELS = {
    "metal": ["metal_electronegativity", "metal_radius_a"],
    "halide": ["halide_radius_a", "halide_electronegativity"],
    "size": ["equivalent_radius_a"],
    "bonding": ["polar_hydrogens_per_a3", "electronegativity"],
}
MEAN = ["1 + metal", "1 + halide"]
SIZE = {
    "kind": "structured_gp",
    "kernels": {k: KERNELS[k] for k in ("metal", "halide", "size")},
    "terms": [MEAN, [*MEAN, "size"], [*MEAN, "same size"]],
}
BONDING = {
    "kind": "structured_gp",
    "kernels": KERNELS,
    "terms": [MEAN, [*MEAN, "size"], [*MEAN, "bonding + same bonding"]],
}
AVERAGE = {"kind": "average", "members": [SIZE, BONDING]}


@pytest.fixture(scope="module")
def gaps() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    table = load_table("hoip192")
    formulas = [f"({c}){m}{h}3" for c, m, h in zip(table.cation, table.metal, table.halide, strict=True)]
    X = describe(formulas, level="fast", compute=False)
    assert not X[[c for columns in KERNELS.values() for c in columns]].isna().any().any()
    return X, table["gap_ev"].to_numpy(), table["cation"].to_numpy()


@pytest.mark.slow  # sixteen fits of 180 rows by two models: minutes
def test_unseen_cations_are_predicted(gaps):
    X, y, cation = gaps
    scheme = leave_one_group_out(cation, "loco", "leave one cation out")
    assert evaluate(build_estimator(AVERAGE, seed=0), X, y, scheme).scores().r2 >= 0.93


@pytest.mark.slow
def test_unseen_rows_are_predicted(gaps):
    X, y, _ = gaps
    assert evaluate(build_estimator(AVERAGE, seed=0), X, y, leave_one_out(len(y))).scores().r2 >= 0.97


@pytest.mark.slow  # sixteen fits of 180 rows
def test_without_the_cation_it_knows_only_metal_and_halide(gaps):
    X, y, cation = gaps
    spec = {"kind": "structured_gp", "kernels": {k: KERNELS[k] for k in ("metal", "halide")}, "terms": [MEAN]}
    held_out = evaluate(
        build_estimator(spec, seed=0), X, y, leave_one_group_out(cation, "loco", "leave one cation out")
    )
    # leave-one-cation-out score of the mean over the other 15 cations of the same metal and halide
    key = X["metal_z"].to_numpy() * 1000 + X["halide_z"].to_numpy()
    sums = pd.Series(y).groupby(key).transform("sum").to_numpy()
    mean_r2 = 1 - np.sum((y - (sums - y) / 15) ** 2) / np.sum((y - y.mean()) ** 2)
    assert held_out.scores().r2 == pytest.approx(mean_r2, abs=0.01)


def test_gradient_is_that_of_the_objective(gaps):
    X, y, _ = gaps
    model = StructuredGP(KERNELS, BONDING["terms"], max_iter=1).fit(X.iloc[::4], y[::4])
    process = model._process()
    rows, noise = Rows(model._x), RowNoise(model._relative, model._known)
    centre = np.array([one.prior.centre for one in process.hyperparameters])
    theta = centre + 0.3 * np.random.default_rng(1).standard_normal(len(centre))
    ask = (rows, model._y, noise, model.row_precision_)
    numeric = approx_fprime(theta, lambda t: process.evidence(t, *ask)[0], 1e-6)
    assert np.allclose(process.evidence(theta, *ask)[1], numeric, atol=2e-4, rtol=1e-4)


def test_covariance_by_hand():
    X = pd.DataFrame({"a": [0.0, 1.0, 2.0], "b": [0.0, 0.0, 1.0]})
    model = StructuredGP({"a": ["a"], "b": ["b"]}, [["1 + a", "b + same b"]]).fit(X, [0.0, 1.0, 3.0])
    value = model.hyperparameters_
    za, zb = X["a"] / X["a"].std(ddof=0), X["b"] / X["b"].std(ddof=0)
    expected = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            ka = np.exp(-0.5 * ((za[i] - za[j]) / value["term 1: length of a"]) ** 2)
            kb = np.exp(-0.5 * ((zb[i] - zb[j]) / value["term 1: length of b"]) ** 2)
            expected[i, j] = (
                value["term 1: variance"]
                * (1 + value["term 1: weight of a"] * ka)
                * (kb + value["term 1: weight of same b"] * (X["b"][i] == X["b"][j]))
            )
    assert np.allclose(model._conditioned().covariance(model._x, model._x), expected)


def test_uncertainty_grows_away_from_the_training_rows(gaps):
    X, y, cation = gaps
    seen = cation != "butylammonium"
    model = build_estimator(BONDING, seed=0).fit(X[seen], y[seen])
    _, known = model.predict(X[seen], return_std=True)
    _, new = model.predict(X[~seen], return_std=True)
    assert new.min() > known.max() * 0.9
    assert new.mean() > 1.5 * known.mean()


def test_reads_only_its_columns_and_names_what_is_wrong(gaps):
    X, y, _ = gaps
    columns = {c for names in KERNELS.values() for c in names}
    assert set(used_columns(build_estimator(BONDING, 0), list(X.columns))) == columns
    with pytest.raises(StudyError, match="unknown kernel 'colour'"):
        build_estimator({**SIZE, "terms": [["1 + colour"]]}, 0).fit(X, y)
    with pytest.raises(StudyError, match="no column 'metal_radius_a'"):
        build_estimator(SIZE, 0).fit(X.drop(columns="metal_radius_a"), y)
    with pytest.raises(StudyError, match="kernels"):
        build_estimator({"kind": "structured_gp"}, 0).fit(X, y)
