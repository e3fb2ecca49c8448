import numpy as np
import pytest

from perospin.errors import NavigationError
from perospin.navigation import DeepKernelSurrogate, InputColumns, Surrogate

PROFILE = InputColumns.continuous({f"set point {j}": (0.0, 1.0) for j in range(6)})


def profiles(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((n, 6))


pytest.importorskip("numpyro")


def truth(rows: np.ndarray) -> np.ndarray:
    return 10.0 + 5.0 * np.tanh(rows.sum(axis=1) - 3.0)


@pytest.mark.slow
def test_it_learns_what_of_a_trajectory_matters():
    rows, new = profiles(30, 0), profiles(200, 1)
    known = DeepKernelSurrogate(PROFILE).fit(rows, truth(rows))
    assert isinstance(known, Surrogate)
    mean, sd = known.predict(new)
    assert 1.0 - np.mean((mean - truth(new)) ** 2) / truth(new).var() > 0.9
    assert (sd > 0).all()
    again = known.fit(rows, truth(rows)).predict(new)
    np.testing.assert_array_equal(again[0], mean)
    draws = known.sample(new[:5], 3000, np.random.default_rng(0))
    np.testing.assert_allclose(draws.mean(axis=0), mean[:5], atol=6 * sd[:5].max() / np.sqrt(3000))
    np.testing.assert_allclose(draws.std(axis=0), sd[:5], rtol=0.15)


@pytest.mark.slow
def test_a_row_of_known_noise_counts_less():
    rows = profiles(8, 0)
    values = truth(rows)
    values[3] += 20.0
    noise = np.full(8, 0.01)
    noise[3] = 50.0
    mean = DeepKernelSurrogate(PROFILE, draws=10).fit(rows, values, noise).predict(rows)[0]
    assert abs(mean[3] - truth(rows)[3]) < 8.0


def test_wrong_options():
    with pytest.raises(NavigationError, match="of 1 or more"):
        DeepKernelSurrogate(PROFILE, draws=0)
    with pytest.raises(NavigationError, match="call fit first"):
        DeepKernelSurrogate(PROFILE).predict(profiles(2, 0))
