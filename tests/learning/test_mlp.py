from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.utils.estimator_checks import check_estimator

from perospin.errors import StudyError
from perospin.learning import MLPEnsemble


@pytest.fixture(scope="module")
def law():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2))
    return X, np.sin(1.5 * X[:, 0]) + 0.5 * X[:, 1] ** 2


def test_networks_learn_a_curved_law(law):
    X, y = law
    model = MLPEnsemble(hidden=(12,), members=4, steps=1000, learning_rate=0.02, alpha=0.01).fit(X[:45], y[:45])
    error = model.predict(X[45:]) - y[45:]
    assert 1 - np.sum(error**2) / np.sum((y[45:] - y[45:].mean()) ** 2) > 0.9
    assert np.sum((model.predict(X[:45]) - y[:45]) ** 2) < 0.01 * np.sum((y[:45] - y[:45].mean()) ** 2)


def test_prediction_is_the_mean_of_the_members(law):
    X, y = law
    model = MLPEnsemble(hidden=(5, 3), members=3, steps=50, activation="relu").fit(X, y)
    each = model.predict_members(X)
    assert each.shape == (3, 60)
    assert_allclose(model.predict(X), each.mean(axis=0))
    assert np.ptp(each, axis=0).max() > 1e-3  # the members differ
    assert model.loss_.shape == (3,)


def test_the_loss_is_what_the_docstring_says(law):
    X, y = law
    model = MLPEnsemble(hidden=(4,), members=2, steps=100, alpha=3.0).fit(X, y)
    scaled = (y - y.mean()) / y.std()
    for member in range(2):
        predicted = (model.predict_members(X)[member] - y.mean()) / y.std()
        squares = sum(float((W[member] ** 2).sum()) for W, _ in model.layers_)
        expected = 0.5 * np.mean((predicted - scaled) ** 2) + 3.0 / (2 * 60) * squares
        assert model.loss_[member] == pytest.approx(expected, rel=1e-4)


def test_sets_of_different_size_and_width_are_trained_as_if_alone(law):
    X, y = law
    wide = np.column_stack([X, np.random.default_rng(2).standard_normal((60, 2))])
    sets = [(X[:50], y[:50]), (wide[:37], y[:37]), (X[10:], y[10:])]
    model = MLPEnsemble(hidden=(6,), members=2, steps=100)
    for (values, target), together in zip(sets, model.fit_sets(sets), strict=True):
        alone = MLPEnsemble(hidden=(6,), members=2, steps=100).fit(values, target)
        assert_allclose(together.predict(values), alone.predict(values), rtol=1e-3, atol=1e-4)
    many = model.fit_many(X, y, [np.arange(50), np.arange(10, 60)])
    assert_allclose(many[1].predict(X), model.fit_sets([sets[0], sets[2]])[1].predict(X))
    assert model.fit_sets([]) == []


def test_seeds(law):
    X, y = law
    a, b, c = (MLPEnsemble((4,), 2, 30, seed=s).fit(X, y).predict(X) for s in (1, 1, 2))
    assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-6


def test_blocks_of_rows_give_the_same_prediction(law):
    X, y = law
    model = MLPEnsemble((4,), 2, 30).fit(X, y)
    many = np.tile(X, (200, 1))
    assert_allclose(model.predict(many)[:60], model.predict(X), rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"activation": "sine"}, "unknown activation 'sine'"),
        ({"members": 0}, "at least one member"),
        ({"hidden": ()}, "hidden"),
    ],
)
def test_wrong_settings(settings, part, law):
    with pytest.raises(StudyError, match=part):
        MLPEnsemble(**settings).fit(*law)


@pytest.mark.slow
def test_scikit_learn_interface():
    model = MLPEnsemble(hidden=(8,), members=2, steps=400, learning_rate=0.02, alpha=0.1)
    refused = "refused, but with our own error"
    own = {
        "check_all_zero_sample_weights_error": refused,
        "check_sample_weights_shape": refused,
        # held to 1e-4 in test_weights.py
        "check_sample_weight_equivalence_on_dense_data": "training in single precision agrees to 4e-7, not 1e-7",
    }
    check_estimator(model, on_skip=None, expected_failed_checks=own)


def test_the_heteroscedastic_loss_is_what_the_docstring_says(law):
    X, y = law
    sd = np.linspace(0.1, 1.0, 60)
    weights = np.linspace(1.0, 3.0, 60)
    model = MLPEnsemble((4,), 2, 90, alpha=3.0, heteroscedastic=True).fit(X, y, sample_weight=weights, y_sd=sd)
    share = weights / weights.sum()
    mean = share @ y
    unit = np.sqrt(share @ (y - mean) ** 2)
    each, noise = model._outputs(X)
    for member in range(2):
        error = (each[member] - y) / unit
        variance = (noise[member] + sd**2) / unit**2
        squares = sum(float((W[member] ** 2).sum()) for W, _ in model.layers_)
        expected = 0.5 * share @ (error**2 / variance + np.log(variance)) + 3.0 / (2 * weights.sum()) * squares
        assert model.loss_[member] == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert model.predict_noise(X).shape == (60,)
    with pytest.raises(StudyError, match="learnt no noise"):
        MLPEnsemble((4,), 2, 30).fit(X, y).predict_noise(X)
