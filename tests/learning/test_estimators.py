from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.linear_model import Ridge
from sklearn.utils.estimator_checks import check_estimator

from perospin.errors import MissingExtraError, StudyError
from perospin.learning import (
    KINDS,
    AverageModel,
    BestOf,
    ColumnModel,
    FamilyMean,
    GaussianProcess,
    TwoClassRule,
    TwoStage,
    build_estimator,
    evaluate,
    fit_each,
    k_fold,
    leave_one_group_out,
    leave_one_out,
    tagged,
)
from perospin.learning.estimators import used_columns
from perospin.learning.estimators.gaussian_processes.hyperparameters import Draws, Sampler, minus_log_posterior

QUICK = {
    "symbolic": {"population": 60, "generations": 8},
    "power_law": {"form": "linear"},
    "gp": {"n_particles": 64, "n_chains": 16, "n_draws": 16},
    "mlp_ensemble": {"members": 2, "steps": 40, "hidden": [4]},
    "random_forest": {"n_estimators": 10},
    "xgboost": {"n_estimators": 10},
    "average": {"members": [{"kind": "ridge"}, {"kind": "mean"}]},
    "best_of": {"members": [{"kind": "ridge"}, {"kind": "mean"}]},
    "stack": {"members": [{"kind": "ridge"}, {"kind": "mean"}]},
    "variance_components": {"effects": [{"name": "line", "linear": ["a"]}, {"name": "curve", "smooth": ["a"]}]},
    "group_mean": {"column": "is_n1"},
    "structured_gp": {"kernels": {"first": ["a"], "second": ["b", "c"]}, "terms": [["first"], ["first", "1 + second"]]},
}


# A weight divides a row's noise variance; it is no count of repeated rows, which would speak louder about noise.
WEIGHT_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data": "a weight is a precision here, not a number of copies",
    "check_all_zero_sample_weights_error": "refused, but with our own error",
    "check_sample_weights_shape": "refused, but with our own error",
}


def spec_of(kind):
    return {"kind": kind, **QUICK.get(kind, {})}


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.standard_normal((16, 3)), columns=["a", "b", "c"])
    X["is_n1"] = (X["a"] > 0).astype(float)
    X["spacer_charge"] = np.where(X["b"] > 0, 1.0, 2.0)
    return X, X["a"].to_numpy() + 0.5 * X["is_n1"].to_numpy() + 0.1 * rng.standard_normal(16)


# -- every kind ----------------------------------------------------------------------------------------------


@pytest.fixture
def wide(small):
    """The small table with the columns that kinds of one physical quantity read."""
    X, y = small
    spacing = {"single_layer_spacing_a": 12.0 + X["c"], "single_layer_spacing_sd_a": 0.5}
    return X.assign(**spacing, exchange_log10=0.1 * X["b"]), y


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fits_predicts_clones_and_repeats_itself(kind, wide):
    X, y = wide
    model = build_estimator(spec_of(kind), 3)
    copy = clone(model)
    model.fit(X, y)
    predicted = model.predict(X)
    assert predicted.shape == (16,)
    assert np.isfinite(predicted).all()
    assert_array_equal(copy.fit(X, y).predict(X), predicted)
    assert "seed" not in copy.get_params() or copy.get_params()["seed"] == 3


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "mean"])
def test_fitting_many_folds_at_once_is_fitting_each(kind, wide):
    X, y = wide
    model = build_estimator(spec_of(kind), 0)
    trains = k_fold(16, 4, 0).trains
    together = fit_each(model, X, y, trains)
    for rows, fitted in zip(trains, together, strict=True):
        alone = clone(model).fit(X.iloc[rows], y[rows])
        assert_allclose(fitted.predict(X), alone.predict(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_three_rows_a_constant_column_and_missing_values(kind, wide):
    X, y = wide
    X = X.iloc[:3].copy()
    X["constant"] = 2.0
    X["missing"] = np.nan
    X.loc[X.index[1], "b"] = np.nan
    model = build_estimator(spec_of(kind), 0).fit(X, y[:3])
    assert np.isfinite(model.predict(X)).all()
    unseen = X.assign(missing=1.0, b=np.nan)
    assert np.isfinite(model.predict(unseen)).all()


# variance components have a noise prior in units of the target, and a law has its own slope: nothing is exact
@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("variance_components", "class_law")])
def test_a_constant_target_is_predicted_exactly(kind, wide):
    X, _ = wide
    predicted = build_estimator(spec_of(kind), 0).fit(X, np.full(16, -1.5)).predict(X)
    assert_allclose(predicted, -1.5, atol=1e-5)


@pytest.mark.parametrize("kind", ["ridge", "svr", "gp", "mlp_ensemble", "elastic_net", "two_stage"])
def test_units_of_columns_do_not_matter(kind, wide):
    X, y = wide
    other = X.copy()
    other[["a", "b", "c"]] = other[["a", "b", "c"]] * [1e3, 1e-3, 27.2] + [5.0, -3.0, 100.0]
    spec = {**spec_of(kind), "features": ["a", "b", "c"]}
    first, second = (build_estimator(spec, 0).fit(table, y).predict(table) for table in (X, other))
    assert_allclose(first, second, rtol=1e-4, atol=1e-4)


# -- specifications ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ({"kind": "magic"}, "unknown kind of estimator 'magic'; known are mean, two_class_rule"),
        ({}, "unknown kind of estimator None"),
        ("ridge", "declared by a table with a 'kind'"),
        ({"kind": "ridge", "beta": 1}, "unknown option 'beta' of the estimator 'ridge'; its options are: alpha"),
        ({"kind": "ridge", "tune": {"beta": [1]}}, "unknown option 'beta'"),
        ({"kind": "prior_gp", "screen": 0.9}, "the estimator 'prior_gp' has no use for 'screen'"),
        ({"kind": "mean", "features": ["a"]}, "the estimator 'mean' has no use for 'features'"),
        ({"kind": "ridge", "tune": {"alpha": 1}}, r"\[values\]"),
        ({"kind": "ridge", "features": "homo_ev"}, "must be a list of column names"),
        ({"kind": "average"}, "needs 'members'"),
        ({"kind": "average", "members": [0, {"kind": "mean"}]}, "members = .* is not allowed; it is specifications"),
        ({"kind": "two_stage", "residual": "magic"}, "unknown kind of estimator 'magic'"),
    ],
)
def test_wrong_specifications_say_what_exists(spec, part):
    with pytest.raises(StudyError, match=part):
        build_estimator(spec, 0)


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ({"kind": "ridge", "features": ["nope"]}, "no column 'nope' that the model needs; its columns are: a, b"),
        ({"kind": "ridge", "features": ["text"]}, "'text' isn't numeric"),
        ({"kind": "ridge", "features": ["infinite"]}, "'infinite' has an infinite value"),
        ({"kind": "two_class_rule", "mean": "harmonic"}, "mean = harmonic .* 'log' or 'median' or 'arithmetic'"),
        ({"kind": "two_class_rule", "classes": 4}, "classes = 4 .* a whole number from 2 to 3"),
        ({"kind": "gp", "features": ["a"], "mode": "guess"}, "mode = guess .* 'average' or 'map'"),
        (
            {"kind": "gp", "features": ["a"], "noise_share": 2.0},
            "noise_share = 2.0 .* above 0 and below 1 .*share of noise",
        ),
        ({"kind": "ridge", "features": ["a"], "screen": 2.0}, "screen = 2.0 .* above 0 and of at most 1"),
        ({"kind": "two_stage", "shrinkage": -1.0, "features": ["a"]}, "shrinkage = -1.0 .* of at least 0"),
    ],
)
def test_wrong_tables_and_values_say_what_is_wrong(spec, part, small):
    X, y = small
    X = X.assign(text="x", infinite=np.inf)
    with pytest.raises(StudyError, match=part):
        build_estimator(spec, 0).fit(X, y)


WRONG = {"nan": float("nan"), "inf": float("inf"), "text": "many", "list": [], "table": {}, "huge": 10**12, "low": -1}


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_refuses_what_it_does_not_take_in_one_sentence(kind):
    for name, option in KINDS[kind].says.items():
        assert option.allows(option.default)
        assert option.says
        if option.holds or option.free:
            continue
        refused = [value for value in WRONG.values() if not option.allows(value)]
        assert len(refused) >= 5 or option.words, name
        for value in refused:
            with pytest.raises(
                StudyError, match=f"^{name} = .* of the estimator '{kind}' is not allowed; it is"
            ) as error:
                build_estimator(
                    {"kind": kind, name: value, "members": ["mean"]}
                    if kind in ("best_of", "stack")
                    else {"kind": kind, name: value},
                    0,
                )
            assert len(str(error.value)) <= 400


@pytest.mark.parametrize(
    ("spec", "part"),
    [
        ({"kind": "ridge", "alpha": float("nan")}, "alpha = nan of the estimator 'ridge'"),
        ({"kind": "ridge", "tune": {"alpha": [1.0, -1.0]}}, "alpha = -1.0"),
        ({"kind": "ridge", "tune": {"alpha": {"low": -1.0, "high": 1.0}}, "tune_budget": 3}, "alpha = -1.0"),
        ({"kind": "ridge", "tune": {"alpha": [1.0]}, "tune_budget": 10**12}, "tune_budget = 1000000000000"),
        ({"kind": "average", "members": [{"kind": "gp", "dof": 2.0}]}, "dof = 2.0 of the estimator 'gp'"),
        ({"kind": "two_stage", "residual": {"kind": "svr", "C": 0}}, "C = 0 of the estimator 'svr'"),
    ],
)
def test_values_inside_a_search_or_another_estimator_are_checked(spec, part):
    with pytest.raises(StudyError, match=part):
        build_estimator(spec, 0)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(StudyError, match="the seed of an estimator must be a whole number from 0"):
        build_estimator({"kind": "gp"}, seed)


def test_a_missing_extra_is_named(monkeypatch):
    import perospin.learning.estimators.kinds.libraries as build

    def absent(module, extra):
        raise MissingExtraError(f"pip install 'perospin[{extra}]'")

    monkeypatch.setattr(build, "require", absent)
    with pytest.raises(MissingExtraError, match=r"perospin\[boost\]"):
        build_estimator({"kind": "xgboost"}, 0)


def test_used_columns(small):
    columns = list(small[0].columns)
    assert used_columns(build_estimator({"kind": "mean"}, 0), columns) == []
    assert used_columns(build_estimator({"kind": "ridge", "features": ["c", "a"]}, 0), columns) == ["a", "c"]
    assert used_columns(build_estimator({"kind": "ridge"}, 0), columns) == columns
    assert used_columns(build_estimator({"kind": "two_class_rule"}, 0), columns) == ["is_n1", "spacer_charge"]
    average = {
        "kind": "average",
        "members": [
            {"kind": "ridge", "tune": {"features": [["a"], ["b"]]}},
            {"kind": "two_stage", "features": ["c"]},
        ],
    }
    assert used_columns(build_estimator(average, 0), columns) == columns
    assert used_columns(Ridge(), columns) == columns


# -- columns -------------------------------------------------------------------------------------------------


def test_columns_are_chosen_imputed_screened_and_scaled_from_training_rows():
    X = pd.DataFrame(
        {
            "a": [1.0, 2.0, 3.0, 4.0],
            "twin": [2.0, 4.0, 6.0, 8.1],
            "gap": [1.0, np.nan, 0.0, 1.0],
            "constant": 1.0,
            "unused": [9.0, 1.0, 4.0, 2.0],
        }
    )
    model = ColumnModel(Ridge(1e-9), ["a", "twin", "gap", "constant"], screen=0.9).fit(X, [1.0, 2.0, 3.0, 4.0])
    assert model.columns_ == ["a", "gap"]
    assert model.n_imputed_ == 1
    assert_allclose(model.transform(X).mean(axis=0), 0.0, atol=1e-12)
    assert_allclose(model.transform(X).std(axis=0), 1.0)
    assert model.transform(X)[1, 1] == pytest.approx((1.0 - 0.75) / np.std([1, 1, 0, 1]))
    assert_allclose(model.predict(X.assign(a=10.0, twin=np.nan, constant=5.0)), 10.0, atol=1e-6)
    with pytest.raises(StudyError, match="bare array"):
        model.predict(X.to_numpy())
    nothing = ColumnModel(Ridge(), ["constant"]).fit(X, [1.0, 2.0, 3.0, 6.0])
    assert_allclose(nothing.predict(X), 3.0)


# -- rules ---------------------------------------------------------------------------------------------------


def classes_table():
    return pd.DataFrame({"is_n1": [1, 1, 1, 0, 0, np.nan], "spacer_charge": [1, 1, 2, 1, 0, 1]}).astype(float)


def test_class_rule_by_hand():
    X, y = classes_table(), np.log10([4.0, 1.0, 10.0, 0.1, 0.1, 0.1])
    geometric = TwoClassRule().fit(X, y)
    assert_allclose(10 ** geometric.predict(X)[:2], 2.0)
    assert_allclose(geometric.predict(X)[2:], -0.5)  # mean of 1, -1, -1, -1
    assert_allclose(10 ** TwoClassRule("arithmetic").fit(X, y).predict(X)[0], 2.5)
    assert_allclose(TwoClassRule("median").fit(X, y).predict(X)[3], -1.0)
    assert_allclose(TwoClassRule(classes=3).fit(X, y).predict(X)[2], 1.0)
    absent = TwoClassRule().fit(X.iloc[3:], y[3:])
    assert_allclose(absent.predict(X), -1.0)
    with pytest.raises(StudyError, match="table with the columns is_n1 and spacer_charge"):
        TwoClassRule().fit(X.to_numpy(), y)


def test_two_stage_by_hand():
    X, y = classes_table().assign(a=[1.0, 2.0, 0.0, 0.0, 0.0, 0.0]), np.array([2.0, 3.0, 0.0, -1.0, -1.0, -3.0])
    means = TwoStage(shrinkage=0.5).fit(X, y).predict(X)
    assert means[0] == pytest.approx((5.0 + 0.5 * y.mean()) / 2.5)
    assert means[2] == pytest.approx((0.0 + 0.5 * y.mean()) / 1.5)
    full = TwoStage(ColumnModel(Ridge(1e-9), ["a"]), shrinkage=0.0).fit(X, y)
    residual = y - TwoStage(shrinkage=0.0).fit(X, y).predict(X)
    slope = np.polyfit(X["a"], residual, 1)
    assert_allclose(full.predict(X), y - residual + np.polyval(slope, X["a"]), atol=1e-6)


def test_class_means_alone_on_the_published_table(spin52):
    means = build_estimator({"kind": "two_stage", "residual": "none"}, 0)
    spacers = leave_one_group_out(spin52.spacer)
    assert round(evaluate(means, spin52.X, spin52.y, leave_one_out(52)).scores().r2, 2) == 0.47
    assert round(evaluate(means, spin52.X, spin52.y, spacers).scores().r2, 3) == 0.471
    outside = tagged(spin52.origin, "literature", "this_paper")
    assert round(evaluate(means, spin52.X, spin52.y, outside).scores().r2, 2) == 0.32


def test_family_mean():
    X = pd.DataFrame({"family": ["RP", "RP", "3D", "DJ"]})
    model = FamilyMean().fit(X, [1.0, 3.0, 5.0, 7.0])
    assert_allclose(model.predict(pd.DataFrame({"family": ["RP", "3D", "ACI"]})), [2.0, 5.0, 4.0])
    with pytest.raises(StudyError, match="column 'family'"):
        model.predict(pd.DataFrame({"phase": ["RP"]}))


# -- combinations --------------------------------------------------------------------------------------------


def test_average_is_the_mean_of_its_members(small):
    X, y = small
    members = [Ridge(1.0), Ridge(100.0)]
    expected = np.mean([clone(m).fit(X, y).predict(X) for m in members], axis=0)
    assert_allclose(AverageModel(members).fit(X, y).predict(X), expected)


def test_best_of_takes_the_best_and_keeps_the_first_of_equals(small):
    X, y = small
    chooser = BestOf([Ridge(1e6), Ridge(0.1), Ridge(0.1)], ["stiff", "soft", "soft again"]).fit(X, y)
    assert (chooser.best_label_, chooser.best_index_) == ("soft", 1)
    assert chooser.inner_mse_[1] == chooser.inner_mse_.min()
    assert_allclose(chooser.predict(X), Ridge(0.1).fit(X, y).predict(X))


def test_tune_expands_to_every_combination():
    spec = {"kind": "svr", "features": ["a"], "tune": {"C": [1, 10], "gamma": [0.1, 1.0, 3.0]}, "tune_folds": 3}
    chooser = build_estimator(spec, 0)
    assert len(chooser.candidates) == 6
    assert chooser.labels[1] == "C = 1, gamma = 1.0"
    assert chooser.n_folds == 3
    assert chooser.candidates[5].model.get_params()["C"] == 10


# -- Gaussian process ----------------------------------------------------------------------------------------


def test_gaussian_process_agrees_with_scikit_learn_at_the_same_hyperparameters():
    """Mean and spread against a process with the same kernel; a wide constant stands for the flat one."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((25, 2))
    y = np.sin(2 * X[:, 0]) + 0.2 * X[:, 1] + 0.1 * rng.standard_normal(25)
    ours = GaussianProcess(mode="map").fit(X, y)
    sd_x, sd_y = X.std(axis=0), y.std()
    share, variance = ours.noise_share_, float(ours._variance[0]) * sd_y**2
    kernel = ConstantKernel(1e4 * variance) + ConstantKernel(variance * (1 - share)) * Matern(
        ours.length_scales_ * sd_x, nu=2.5
    )
    kernel += WhiteKernel(variance * share)
    theirs = GaussianProcessRegressor(kernel, optimizer=None).fit(X, y - y.mean())
    fresh = rng.standard_normal((10, 2))
    mean, spread = ours.predict(fresh, return_std=True)
    their_mean, their_spread = theirs.predict(fresh, return_std=True)
    assert_allclose(mean, their_mean + y.mean(), atol=1e-3 * sd_y)
    assert_allclose(spread, their_spread, rtol=1e-2)


def test_gradient_of_the_posterior():
    rng = np.random.default_rng(1)
    gp = GaussianProcess(mode="map").fit(rng.standard_normal((12, 3)), rng.standard_normal(12))
    problem = gp._problem()
    centre, spread, theta = np.zeros(4), np.ones(4), rng.standard_normal(4)
    value, gradient = minus_log_posterior(theta, problem.evidence, centre, spread)
    for i in range(4):
        step = np.zeros(4)
        step[i] = 1e-5
        up, down = (minus_log_posterior(t, problem.evidence, centre, spread)[0] for t in (theta + step, theta - step))
        assert gradient[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-6)
    # both modes use one and the same likelihood
    draws = Draws(theta[None], np.ones((1, 3), dtype=bool))
    assert -value == pytest.approx(problem.log_likelihood(draws)[0] - 0.5 * theta @ theta, rel=1e-9)


def test_sampler_agrees_with_brute_force_over_the_prior():
    """Annealed draws give the same prediction as 40,000 prior draws weighted by their likelihood."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((15, 2))
    y = X[:, 0] + 0.6 * rng.standard_normal(15)
    fresh = rng.standard_normal((6, 2))
    annealed = np.mean([GaussianProcess(seed=s).fit(X, y).predict(fresh) for s in range(3)], axis=0)
    gp = GaussianProcess().fit(X, y)
    problem = gp._problem()
    sampler = Sampler(problem.log_likelihood, gp._groups(2, False), gp.selection)
    draws = sampler.prior_draws(np.random.default_rng(3), 40_000)
    likelihood = problem.log_likelihood(draws)
    weights = np.exp(likelihood - likelihood.max())
    chosen = np.random.default_rng(4).choice(len(weights), 4000, p=weights / weights.sum())
    gp._finish(problem, draws[chosen])
    assert_allclose(annealed, gp.predict(fresh), atol=0.03 * y.std())
    assert annealed.std() > 0.1


def test_relevance_finds_the_column_that_matters():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((40, 6))
    y = np.sin(1.5 * X[:, 3]) + 0.1 * rng.standard_normal(40)
    gp = GaussianProcess().fit(X, y)
    assert gp.inclusion_[3] == 1.0
    assert np.delete(gp.inclusion_, 3).max() < 0.5
    assert gp.noise_share_ < 0.2
    everything = GaussianProcess(selection=False, n_particles=256).fit(X, y)
    assert (everything.inclusion_ == 1.0).all()
    assert everything.length_scales_.argmin() == 3


def test_spread_covers_noise_and_grows_outside():
    rng = np.random.default_rng(6)
    X = rng.uniform(-1, 1, (60, 1))
    y = X[:, 0] + 0.3 * rng.standard_normal(60)
    gp = GaussianProcess().fit(X, y)
    mean, spread = gp.predict(X, return_std=True)
    assert spread.mean() == pytest.approx(0.3, rel=0.25)
    assert gp.predict([[6.0]], return_std=True)[1][0] > 2 * spread.max()


@pytest.mark.parametrize("mode", [pytest.param("average", marks=pytest.mark.slow), "map"])
def test_gaussian_process_is_a_scikit_learn_estimator(mode):
    model = GaussianProcess(mode, n_particles=32, n_chains=8, n_draws=16, n_starts=1)
    check_estimator(model, on_skip=None, on_fail="raise", expected_failed_checks=WEIGHT_CHECKS)


def test_gaussian_process_recovers_a_law_that_a_line_cannot():
    rng = np.random.default_rng(7)
    X = pd.DataFrame(rng.standard_normal((52, 8)), columns=list("abcdefgh"))
    y = np.abs(X["a"].to_numpy()) + 0.5 * X["b"].to_numpy() ** 2
    scheme = k_fold(52, 13, 0)
    curved = evaluate(build_estimator({"kind": "gp", "mode": "map"}, 0), X, y, scheme).scores()
    straight = evaluate(build_estimator({"kind": "ridge"}, 0), X, y, scheme).scores()
    assert curved.r2 > 0.9
    assert straight.r2 < 0.3


@pytest.mark.slow
def test_gaussian_process_on_the_published_columns(spin52):
    """The published eight with averaged hyperparameters: 0.54 to 0.60 over seeds in the ceiling study."""
    gp = build_estimator({"kind": "gp", "features": spin52.eight}, 0)
    scheme = leave_one_group_out(spin52.spacer)
    scores = evaluate(gp, spin52.X, spin52.y, scheme).scores(lambda v: 10.0**v)
    assert 0.50 < scores.r2 < 0.64
    assert 0.40 < scores.r2_original < 0.60
