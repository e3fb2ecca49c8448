"""Variance components against formulas written out by hand, and limits against truncated normals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import truncnorm

from perospin.errors import StudyError
from perospin.learning.estimators import KINDS, build_estimator, fit_each, used_columns
from perospin.learning.estimators.gaussian_processes.censored import Sites, propagate, truncated_moments
from perospin.learning.estimators.gaussian_processes.variance_components import VarianceComponents
from perospin.learning.explanation.terms_of_models import terms_of

EFFECTS: list[dict[str, Any]] = [
    {"name": "kind", "same": "kind", "sd": 1.0},
    {"name": "warmth", "slope": "warmth", "uncertain": "warmth_sd", "sd": 1.0},
    {"name": "warmth of each kind", "same": "kind", "slope": "warmth", "uncertain": "warmth_sd", "sd": 0.5},
    {"name": "linear", "linear": {"a": [0.5, 2.0], "b": [0.0, 1.0]}, "sd": 0.3},
    {"name": "smooth", "smooth": {"a": [0.5, 2.0], "b": [0.0, 1.0]}, "length": 3.0, "sd": 0.3},
    {"name": "smooth of each kind", "same": "kind", "smooth": ["a", "b"], "length": 3.0, "sd": 0.3},
    {"name": "itself of each kind", "same": ["kind", "material"], "sd": 0.5},
    {"name": "source", "same": "source", "sd": 0.3},
]


def made_up(n: int = 60, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows of a stated law: 1 between kinds, -1.5 a unit of warmth, 0.3 a unit of `a`, a level of each source."""
    rng = np.random.default_rng(seed)
    material, source = rng.integers(0, 15, n), rng.integers(0, 10, n).astype(float)
    columns = rng.normal(size=(15, 2))[material]
    kind, warmth = rng.integers(0, 2, n).astype(float), rng.uniform(-2, 0, n)
    y = 1.0 + kind - 1.5 * warmth + 0.3 * columns[:, 0] + 0.2 * rng.normal(size=10)[source.astype(int)]
    y += 0.05 * rng.standard_normal(n)
    source[:3] = np.nan
    table = {"kind": kind, "warmth": warmth, "warmth_sd": np.where(np.arange(n) % 5 == 0, 0.2, 0.0)}
    return pd.DataFrame({**table, "a": columns[:, 0], "b": columns[:, 1], "material": material, "source": source}), y


def by_hand(a: pd.DataFrame, b: pd.DataFrame, sd: dict[str, float], same: bool) -> np.ndarray:
    """Covariance of the effects, written out."""

    def alike(column: str) -> np.ndarray:
        x, z = a[column].to_numpy(), b[column].to_numpy()
        found = (x[:, None] == z[None, :]).astype(float)  # nan equals nothing
        if same:
            np.fill_diagonal(found, 1.0)
        return found

    def matern(columns_a: np.ndarray, columns_b: np.ndarray) -> np.ndarray:
        q = np.sqrt(5.0 * ((columns_a[:, None] - columns_b[None]) ** 2).sum(axis=2)) / 3.0
        return (1 + q + q**2 / 3) * np.exp(-q)

    slope = np.outer(a["warmth"], b["warmth"])
    slope = slope + np.diag(a["warmth_sd"] ** 2) if same else slope
    plain = [t[["a", "b"]].to_numpy() for t in (a, b)]
    scaled = [(t - [0.5, 0.0]) / [2.0, 1.0] for t in plain]
    parts = {
        "kind": alike("kind"),
        "warmth": slope,
        "warmth of each kind": alike("kind") * slope,
        "linear": scaled[0] @ scaled[1].T,
        "smooth": matern(*scaled),
        "smooth of each kind": alike("kind") * matern(*plain),
        "itself of each kind": alike("kind") * alike("material"),
        "source": alike("source"),
    }
    return 9.0 + sum(sd[name] ** 2 * part for name, part in parts.items())


def test_predictions_are_those_of_the_formulas() -> None:
    X, y = made_up()
    new, _ = made_up(20, seed=5)
    y_sd = np.full(len(y), 0.1)
    model = VarianceComponents(EFFECTS, mean=1.0).fit(X, y, y_sd=y_sd)
    mean, sd = model.predict(new, return_std=True)
    covariance = by_hand(X, X, model.sd_, True) + np.eye(len(y)) * (model.sd_["noise"] ** 2 + 0.01)
    cross = by_hand(new, X, model.sd_, False)
    np.testing.assert_allclose(mean, 1.0 + cross @ np.linalg.solve(covariance, y - 1.0), rtol=1e-6)
    own = np.diag(by_hand(new, new, model.sd_, True)) + model.sd_["noise"] ** 2
    variance = own - np.einsum("ij,ji->i", cross, np.linalg.solve(covariance, cross.T))
    np.testing.assert_allclose(sd, np.sqrt(variance), rtol=1e-6)


def test_the_variances_are_the_most_probable_ones() -> None:
    X, y = made_up()
    model = VarianceComponents(EFFECTS, mean=1.0).fit(X, y)
    names = [*(e["name"] for e in EFFECTS), "noise"]
    middle = np.log([*(e["sd"] for e in EFFECTS), 0.15])

    def log_posterior(log_sd: np.ndarray) -> float:
        sd = dict(zip(names, np.exp(log_sd), strict=True))
        matrix = by_hand(X, X, sd, True) + np.eye(len(y)) * sd["noise"] ** 2
        residual = y - 1.0
        fit = -0.5 * residual @ np.linalg.solve(matrix, residual) - 0.5 * np.linalg.slogdet(matrix)[1]
        return float(fit - 0.5 * (((log_sd - middle) / 0.7) ** 2).sum())

    best = np.log([model.sd_[name] for name in names])
    assert log_posterior(best) == pytest.approx(model.log_posterior_, abs=1e-6)
    for i in range(len(best)):
        for step in (-0.05, 0.05):
            moved = best.copy()
            moved[i] += step
            assert log_posterior(moved) < log_posterior(best) + 1e-6


def test_a_known_law_is_found() -> None:
    X, y = made_up(120)
    model = VarianceComponents(EFFECTS).fit(X, y)
    cold, warm = X.iloc[[10]].assign(warmth=-1.5), X.iloc[[10]].assign(warmth=-0.5)
    assert model.predict(cold)[0] - model.predict(warm)[0] == pytest.approx(1.5, abs=0.15)
    assert 0.1 < model.sd_["source"] < 0.45  # 0.2, of ten sources


def test_an_uncertain_condition_widens_and_moves_nothing() -> None:
    X, y = made_up()
    model = VarianceComponents(EFFECTS).fit(X, y)
    (sure, narrow), (open_, wide) = (
        model.predict(X.iloc[[7]].assign(warmth_sd=sd), return_std=True) for sd in (0.0, 0.8)
    )
    assert wide[0] > 2 * narrow[0]
    assert open_[0] == pytest.approx(sure[0], rel=1e-12)


def test_what_is_not_stated_is_alike_to_none() -> None:
    X, y = made_up()
    model = VarianceComponents(EFFECTS).fit(X, y)
    new = X.iloc[[10]]
    for unknown in (np.nan, 99.0):
        assert model.contributions(new.assign(source=unknown))["source"][0] == 0.0
    assert model.contributions(new)["source"][0] != 0.0
    # two training rows without a source don't share a level: the same as two sources of their own
    own = X.assign(source=np.where(X["source"].isna(), 100.0 + np.arange(len(X)), X["source"]))
    np.testing.assert_allclose(VarianceComponents(EFFECTS).fit(own, y).predict(new), model.predict(new), rtol=1e-9)


def test_parts_add_up_and_are_the_terms_of_the_explanation() -> None:
    X, y = made_up()
    model = VarianceComponents(EFFECTS).fit(X, y)
    parts = model.contributions(X)
    np.testing.assert_allclose(sum(parts.values()), model.predict(X), atol=1e-9)
    terms = terms_of(model)
    assert terms is not None
    assert [term.columns for term in terms][:2] == [("kind",), ("warmth",)]


@pytest.mark.parametrize(
    ("mean", "bound", "sign"), [(0.0, 1.0, -1.0), (0.0, 1.0, 1.0), (2.0, -3.0, -1.0), (0.5, 0.4, 1.0)]
)
def test_moments_of_a_truncated_normal(mean: float, bound: float, sign: float) -> None:
    sd = 0.7
    ends = (-np.inf, (bound - mean) / sd) if sign < 0 else ((bound - mean) / sd, np.inf)
    expected = truncnorm(*ends, loc=mean, scale=sd)
    found = truncated_moments(np.array([mean]), np.array([sd**2]), np.array([bound]), np.array([sign]))
    assert found[0][0] == pytest.approx(expected.mean(), rel=1e-6)
    assert found[1][0] == pytest.approx(expected.var(), rel=1e-5)


def test_one_limit_is_exact() -> None:
    """With one limit expectation propagation is exact."""
    rng = np.random.default_rng(3)
    root = rng.normal(size=(8, 8))
    covariance, y = root @ root.T + np.eye(8), rng.normal(size=8)
    limit = np.zeros(8, dtype=np.int64)
    limit[3] = -1
    sites = propagate(covariance, y, limit, 0.2, Sites.start(y, limit, 0.2))
    rest = [i for i in range(8) if i != 3]
    gain = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, 3])
    centre, variance = 0.2 + gain @ (y[rest] - 0.2), covariance[3, 3] - gain @ covariance[rest, 3]
    inside = truncnorm(-np.inf, (y[3] - centre) / np.sqrt(variance), loc=centre, scale=np.sqrt(variance))
    alpha = np.linalg.solve(covariance + np.diag(sites.variance), sites.target - 0.2)
    assert sites.target[3] - sites.variance[3] * alpha[3] == pytest.approx(inside.mean(), abs=1e-4)


def test_an_upper_limit_only_pulls_down() -> None:
    X, y = made_up(40)
    limit = np.zeros(40, dtype=np.int64)
    limit[5] = -1
    asked, rest = X.iloc[[5]], np.delete(np.arange(40), 5)
    without = VarianceComponents(EFFECTS).fit(X.iloc[rest], y[rest]).predict(asked)[0]
    found = {}
    for name, shift in (("loose", 4.0), ("tight", -1.0)):
        moved = y.copy()
        moved[5] += shift
        found[name] = VarianceComponents(EFFECTS).fit(X, moved, limit=limit).predict(asked)[0]
    assert found["loose"] == pytest.approx(without, abs=0.02)
    assert found["tight"] < without - 0.02


def test_models_that_know_no_limits_are_trained_on_values_alone() -> None:
    X, y = made_up(30)
    limit = np.zeros(30, dtype=np.int64)
    limit[:4] = 1
    y[:4] = 1e3
    everything = [np.arange(30)]
    mean = fit_each(build_estimator({"kind": "mean"}, 0), X, y, everything, limit=limit)[0]
    assert mean.predict(X)[0] == pytest.approx(y[4:].mean())
    with pytest.raises(StudyError, match="limits alone"):
        fit_each(build_estimator({"kind": "mean"}, 0), X, y, [np.arange(4)], limit=limit)


def test_a_study_can_ask_for_it() -> None:
    made = build_estimator({"kind": "variance_components", "effects": EFFECTS, "mean": 1.0}, 0)
    assert isinstance(made, VarianceComponents)
    columns = ["kind", "other", "warmth", "warmth_sd", "a", "b", "material", "source"]
    assert used_columns(made, columns) == [c for c in columns if c != "other"]
    group = build_estimator({"kind": "group_mean", "column": "kind"}, 0)
    X, y = made_up()
    assert group.fit(X, y).predict(X)[0] == pytest.approx(y[X["kind"] == X["kind"][0]].mean())
    assert {"variance_components", "group_mean"} <= set(KINDS)


@pytest.mark.parametrize(
    ("effects", "message"),
    [
        ([{"name": "x", "same": "kind", "mood": 1}], "unknown key 'mood' of the effect 'x'"),
        ([{"name": "x"}], "reads nothing"),
        ([{"name": "x", "same": "kind", "sd": -1.0}], "above 0"),
        ([{"same": "kind"}], "a table with a name"),
        ([], "need effects"),
    ],
)
def test_impossible_effects_are_refused(effects: list[dict[str, Any]], message: str) -> None:
    X, y = made_up(20)
    with pytest.raises(StudyError, match=message):
        VarianceComponents(effects).fit(X, y)


def test_two_values_are_the_least() -> None:
    X, y = made_up(5)
    with pytest.raises(StudyError, match="at least two stated values"):
        VarianceComponents(EFFECTS).fit(X, y, limit=np.array([0, 1, 1, -1, 1]))
