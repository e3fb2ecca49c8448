from __future__ import annotations

import warnings

import numpy as np
import pytest

from perospin.chemistry import Perovskite
from perospin.errors import DataError
from perospin.mechanisms import SYNTHETIC_FEATURES, synthetic_table


def test_the_table_is_made_of_perovskites_with_rates_from_the_laws():
    table = synthetic_table(60, seed=1, noise=0.0)
    assert len(table) == table["formula"].nunique() == 60
    for formula, family, inverse in zip(table["formula"], table["family"], table["inverse_layers"], strict=True):
        material = Perovskite.parse(formula)
        assert material.family == family
        assert (material.n_layers is None and inverse == 0) or 1 / inverse == material.n_layers
    parts = ["dyakonov_perel", "elliott_yafet", "exciton_exchange"]
    total = table[[f"true_{name}_per_ps" for name in parts]].sum(axis=1)
    assert np.allclose(table["true_rate_per_ps"], total)
    assert np.array_equal(table["rate_per_ps"], table["true_rate_per_ps"])
    assert table[list(SYNTHETIC_FEATURES)].notna().all(axis=None)
    # rates are in the range of the measured ones (0.025 to 8.3 1/ps), give or take a decade
    assert table["rate_per_ps"].between(0.0025, 83.4).all()


def test_same_seed_same_table():
    assert synthetic_table(20, seed=3).equals(synthetic_table(20, seed=3))
    assert not synthetic_table(20, seed=3).equals(synthetic_table(20, seed=4))


def test_noise_is_the_scatter_of_the_logarithm():
    table = synthetic_table(400, seed=0, noise=0.1)
    assert np.std(np.log10(table["rate_per_ps"] / table["true_rate_per_ps"])) == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("wrong", [{"n": 3}, {"n": 10_000}, {"noise": -1.0}, {"noise": float("nan")}])
def test_wrong_arguments(wrong):
    with pytest.raises(DataError):
        synthetic_table(**wrong)


@pytest.mark.parametrize("seed", [0, 1])
def test_curves_are_found_where_a_line_fails(seed: int):
    """Leave one out, R2 of log10(rate): a Gaussian process follows the law, ridge regression can't."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import LeaveOneOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = synthetic_table(80, seed=seed)
    x = StandardScaler().fit_transform(table[list(SYNTHETIC_FEATURES)].to_numpy())
    y = np.log10(table["rate_per_ps"].to_numpy())

    def out_of_fold(model) -> float:
        predicted = cross_val_predict(make_pipeline(StandardScaler(), model), x, y, cv=LeaveOneOut())
        return 1 - np.sum((y - predicted) ** 2) / np.sum((y - y.mean()) ** 2)

    kernel = ConstantKernel(1.0) * RBF(np.full(x.shape[1], 2.0)) + WhiteKernel(0.01)
    process = GaussianProcessRegressor(kernel, normalize_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # length scales of useless columns run to their bound
        process.fit(x, y)
    fixed = GaussianProcessRegressor(process.kernel_, optimizer=None, normalize_y=True)
    curved, straight = out_of_fold(fixed), out_of_fold(RidgeCV(np.logspace(-3, 3, 13)))
    assert curved >= 0.85
    assert straight <= 0.6
