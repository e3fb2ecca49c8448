import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import NavigationError
from perospin.navigation import GPSurrogate, InputColumns, Surrogate

MIXED = InputColumns(
    ("temperature_c", "iodide", "bromide", "solvent", "length_a", "dipole_debye"),
    ("continuous", "fraction", "fraction", "category", "descriptor", "descriptor"),
    (50.0, 0.0, 0.0, 0.0, 3.0, 0.0),
    (150.0, 1.0, 1.0, 2.0, 12.0, 5.0),
    ("temperature_c", "halide", "halide", "solvent", "spacer", "spacer"),
)


def mixed_rows(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    halide = rng.dirichlet([1.0, 1.0], n)
    return np.column_stack(
        [rng.uniform(50, 150, n), halide, rng.integers(0, 3, n), rng.uniform(3, 12, n), rng.uniform(0, 5, n)]
    )


def truth(rows: np.ndarray) -> np.ndarray:
    return rows[:, 0] / 50.0 + 2.0 * rows[:, 1] * rows[:, 2] + 0.5 * (rows[:, 3] == 1.0) + 0.1 * rows[:, 4]


def test_it_is_a_surrogate_that_learns_a_mixed_function():
    rows, new = mixed_rows(60, 0), mixed_rows(400, 1)
    noisy = truth(rows) + 0.02 * np.random.default_rng(2).standard_normal(60)
    known = GPSurrogate(MIXED).fit(rows, noisy)
    assert isinstance(known, Surrogate)
    mean, sd = known.predict(new)
    assert np.sqrt(np.mean((mean - truth(new)) ** 2)) < 0.15 * truth(new).std()
    assert np.mean(np.abs(mean - truth(new)) < 2 * sd) > 0.85


def test_scaling_of_columns():
    rows = np.array([[50.0, 1.0, 0.0, 0.0, 3.0, 0.0], [150.0, 0.0, 1.0, 2.0, 12.0, 5.0]])
    scaled = MIXED.scaled(rows)
    assert scaled.shape == (2, len(MIXED.kernel_columns)) == (2, 8)
    np.testing.assert_allclose(scaled[:, [0, 6, 7]], [[0, 0, 0], [1, 1, 1]])
    # two categories are as far apart as the ends of a range, in the mean over their columns
    assert ((scaled[0, 3:6] - scaled[1, 3:6]) ** 2).mean() == pytest.approx(1.0)
    assert MIXED.kernel_groups == (
        "temperature_c", "iodide", "bromide", "solvent", "solvent", "solvent", "descriptor spacer", "descriptor spacer",
    )  # fmt: skip


def test_three_rows_are_enough_to_be_careful_with():
    inside = []
    for seed in range(20):
        rows, new = mixed_rows(3, seed), mixed_rows(100, seed + 100)
        mean, sd = GPSurrogate(MIXED).fit(rows, truth(rows)).predict(new)
        inside.append(np.mean(np.abs(mean - truth(new)) < 1.645 * sd))
    assert np.mean(inside) > 0.7


@given(shift=st.floats(-1e3, 1e3), factor=st.floats(1e-3, 1e3))
@settings(max_examples=15, deadline=None)
def test_units_of_the_values_don_t_matter(shift, factor):
    rows, new = mixed_rows(8, 0), mixed_rows(5, 1)
    mean, sd = GPSurrogate(MIXED).fit(rows, truth(rows)).predict(new)
    other, other_sd = GPSurrogate(MIXED).fit(rows, shift + factor * truth(rows)).predict(new)
    tolerance = 1e-3 * factor + 1e-9 * abs(shift)
    np.testing.assert_allclose(other, shift + factor * mean, atol=tolerance)
    np.testing.assert_allclose(other_sd, factor * sd, atol=tolerance)


def test_known_noise_is_believed_row_by_row():
    columns = InputColumns.continuous({"x": (0.0, 1.0)})
    rows, values = np.array([[0.1], [0.5], [0.9]]), np.array([1.0, 3.0, 2.0])
    exact = GPSurrogate(columns).fit(rows, values, np.full(3, 1e-4))
    np.testing.assert_allclose(exact.predict(rows)[0], values, atol=1e-3)
    assert exact.predict(rows)[1].max() < 1e-3
    one_bad = GPSurrogate(columns).fit(rows, values, np.array([1e-4, 10.0, 1e-4]))
    mean, sd = one_bad.predict(rows)
    assert abs(mean[1] - 3.0) > 0.5
    assert sd[1] > 0.1 > sd[0]
    mixed = GPSurrogate(columns).fit(rows, values, np.array([1e-4, np.nan, 1e-4]))
    assert "noise variance" in mixed.hyperparameters
    assert "noise variance" not in exact.hyperparameters


def test_draws_agree_with_the_prediction():
    rows, new = mixed_rows(12, 0), mixed_rows(6, 1)
    known = GPSurrogate(MIXED).fit(rows, truth(rows))
    mean, sd = known.predict(new)
    draws = known.sample(new, 4000, np.random.default_rng(0))
    assert draws.shape == (4000, 6)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=5 * (sd / np.sqrt(4000)).max())
    np.testing.assert_allclose(draws.std(axis=0), sd, rtol=0.1)


def test_same_rows_same_numbers_and_one_row_will_do():
    rows, new = mixed_rows(5, 0), mixed_rows(5, 1)
    one, two = (GPSurrogate(MIXED).fit(rows, truth(rows)).predict(new) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    mean, sd = GPSurrogate(MIXED).fit(rows[:1], np.zeros(1)).predict(new)
    assert np.isfinite(mean).all()
    assert (sd > 0).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kinds": ("continuous",)}, "as many kinds"),
        ({"kinds": ("number",) * 6}, "unknown kind 'number' of the column 'temperature_c'"),
        ({"upper": (40.0, 1.0, 1.0, 2.0, 12.0, 5.0)}, "needs a finite range, not 50 to 40"),
        ({"upper": (150.0, 1.0, 1.0, 2.5, 12.0, 5.0)}, "category 'solvent'"),
        ({"names": ("a",) * 6}, "a name of its own"),
    ],
)
def test_wrong_columns(change, words):
    fields = {name: getattr(MIXED, name) for name in ("names", "kinds", "lower", "upper")} | change
    with pytest.raises(NavigationError, match=words):
        InputColumns(**fields)


def test_wrong_rows():
    rows = mixed_rows(4, 0)
    surrogate = GPSurrogate(MIXED)
    with pytest.raises(NavigationError, match="call fit first"):
        surrogate.predict(rows)
    with pytest.raises(NavigationError, match="6 columns"):
        surrogate.fit(rows[:, :3], truth(rows))
    with pytest.raises(NavigationError, match="4 rows"):
        surrogate.fit(rows, np.zeros(3))
    with pytest.raises(NavigationError, match="row 2 has no finite value"):
        surrogate.fit(rows, np.array([1.0, 2.0, np.nan, 3.0]))
    with pytest.raises(NavigationError, match="standard deviations of 0 or more"):
        surrogate.fit(rows, truth(rows), -np.ones(4))
    many = np.repeat(rows, 2000, axis=0)
    with pytest.raises(NavigationError, match="drawn at 5,000 rows together, not at 8,000"):
        surrogate.fit(rows, truth(rows)).sample(many, 1, np.random.default_rng(0))
    rows[1, 3] = 1.5
    with pytest.raises(NavigationError, match="the category 'solvent' is a whole number from 0 to 2, not"):
        surrogate.fit(rows, truth(rows))
    rows[1, 3] = np.nan
    with pytest.raises(NavigationError, match="row 1 of the inputs has no value in the column 'solvent'"):
        surrogate.fit(rows, truth(rows))


def test_most_probable_hyperparameters_alone_are_surer() -> None:
    columns = InputColumns.continuous({"x": (0.0, 1.0)})
    x, new = np.array([[0.0], [0.4], [1.0]]), np.linspace(0, 1, 21)[:, None]
    y = np.array([0.1, 0.9, 0.3])
    wide, sure = (GPSurrogate(columns, averaged).fit(x, y).predict(new)[1] for averaged in (True, False))
    assert np.median(wide) > np.median(sure)


def test_what_is_chosen_by_and_what_is_told_have_one_fit() -> None:
    columns = InputColumns.continuous({"x": (0.0, 1.0)})
    x, y = np.array([[0.0], [0.4], [1.0], [0.7]]), np.array([0.1, 0.9, 0.3, 0.6])
    new = np.linspace(0, 1, 11)[:, None]
    fitted = GPSurrogate(columns).fit(x, y)
    alone = GPSurrogate(columns, averaged=False).fit(x, y)
    np.testing.assert_array_equal(fitted.bolder.predict(new), alone.predict(new))
    with pytest.raises(NavigationError, match="call fit first"):
        _ = GPSurrogate(columns).bolder
