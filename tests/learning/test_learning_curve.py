from __future__ import annotations

import numpy as np
import pytest

from perospin.errors import StudyError
from perospin.learning.evidence.learning_curve import _power_laws, fit_curve, random_draws
from perospin.learning.validation.evaluation import Evaluation

SIZES = (10, 15, 20, 30, 45, 60)


def curve(floor: float, scale: float, exponent: float, seed: int = 0, n: int = 150) -> dict[int, Evaluation]:
    """Evaluations whose squared error follows the stated power law, for a target of variance 1."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n)
    y = (y - y.mean()) / y.std()
    # an error belongs to its row, so that rows are hard or easy at every size
    hardness = rng.standard_normal(n)
    hardness /= np.sqrt(np.mean(hardness**2))
    found = {}
    for size in SIZES:
        scheme = random_draws(n, size, 40, seed)
        rows = np.concatenate([s.test for s in scheme.splits])
        error = np.sqrt(floor + scale * size**-exponent)
        y_pred = y[rows] + error * hardness[rows]
        values = {"estimator_name": "made up", "scheme": scheme.to_dict(), "y": y.tolist(), "y_pred": y_pred.tolist()}
        found[size] = Evaluation.from_dict(values)
    return found


def test_a_power_law_is_found_exactly() -> None:
    sizes = np.array(SIZES, dtype=float)
    error = np.column_stack([0.2 + 3.0 / sizes, 0.2 + 3.0 / sizes, 0.5 + 0 * sizes + 1e-9 * sizes])
    floor, scale, exponent = _power_laws(sizes, error)
    assert floor[0] == pytest.approx(0.2, abs=0.02)
    assert exponent[0] == pytest.approx(1.0, abs=0.1)
    assert floor[2] + scale[2] * 60 ** -exponent[2] == pytest.approx(0.5, abs=1e-3)


def test_the_plateau_of_a_stated_law_is_recovered_with_its_interval() -> None:
    fit = fit_curve(curve(0.3, 5.0, 1.0), n_boot=300).fit
    assert fit.status == "extrapolated"
    assert fit.plateau_low <= 0.7 <= fit.plateau_high
    assert fit.plateau == pytest.approx(0.7, abs=0.08)
    assert fit.twice == pytest.approx(1 - 0.3 - 5.0 / 120, abs=0.05)
    assert f"{fit.plateau:.2f}" in fit.text


def test_points_carry_the_pooled_score_and_an_interval_around_it() -> None:
    made = curve(0.3, 5.0, 1.0)
    points = fit_curve(made, n_boot=200).points
    assert [p.n_train for p in points] == list(SIZES)
    for point in points:
        assert point.r2 == pytest.approx(made[point.n_train].scores().r2)
        assert point.low < point.r2 < point.high


def test_a_flat_curve_is_not_extrapolated() -> None:
    fit = fit_curve(curve(0.5, 0.0, 1.0), n_boot=200).fit
    assert fit.status == "flat"
    assert np.isnan(fit.plateau)
    assert "nothing to extrapolate" in fit.text


def test_a_slow_fall_has_no_plateau_worth_quoting() -> None:
    rng = np.random.default_rng(3)
    made = curve(0.0, 1.2, 0.25, n=80)
    # scatter from size to size, as small tables have it
    for size, done in made.items():
        noise = 0.35 * rng.standard_normal(len(done.y))
        values = {**done.to_dict(), "y_pred": (done.y_pred + noise[done.rows]).tolist()}
        made[size] = Evaluation.from_dict(values)
    fit = fit_curve(made, n_boot=300).fit
    assert fit.status in ("uncertain", "flat")
    if fit.status == "uncertain":
        assert "can't be told" in fit.text
        assert fit.plateau_high - fit.plateau_low > 0.3


def test_too_few_sizes_are_said() -> None:
    made = curve(0.3, 5.0, 1.0)
    fit = fit_curve({size: made[size] for size in (10, 20)}, n_boot=50).fit
    assert fit.status == "too short"
    with pytest.raises(StudyError, match="at least one number"):
        fit_curve({})


def test_the_same_seed_gives_the_same_curve() -> None:
    made = curve(0.3, 5.0, 1.0)
    assert fit_curve(made, n_boot=50, seed=1) == fit_curve(made, n_boot=50, seed=1)


def test_draws_never_score_a_material_that_was_trained_on() -> None:
    units = np.arange(20) // 2
    for split in random_draws(20, 8, 30, 0, units).splits:
        assert len(split.train) == 8
        assert not set(units[split.train]) & set(units[split.test])
    with pytest.raises(StudyError, match="no other material"):
        random_draws(6, 5, 10, 0, np.zeros(6))
