import numpy as np
import pytest

from perospin.errors import NavigationError
from perospin.navigation import CompetingSurrogates, HypothesisLearning, InputColumns, StructuredSurrogate, Surrogate
from perospin.navigation.surrogates.hypotheses import Record
from perospin.navigation.surrogates.means import boundary_step, constant, straight_line
from perospin.navigation.surrogates.priors import LogNormal, Normal, Uniform

COLUMNS = InputColumns.continuous({"x": (0.0, 1.0)})
GRID = np.linspace(0, 1, 31)[:, None]


def competing(**options) -> CompetingSurrogates:
    wide = Normal(0.0, 2.0)
    laws = (
        constant(wide),
        straight_line("x", wide, wide),
        boundary_step("x", Uniform(0.1, 0.9), wide, wide, LogNormal(0.02, 1.5)),
    )
    return CompetingSurrogates([StructuredSurrogate(COLUMNS, law, draws=32) for law in laws], **options)


def measured(rows: np.ndarray) -> np.ndarray:
    return np.where(rows[:, 0] > 0.43, 1.0, 0.0) + 0.02 * np.sin(97.0 * rows[:, 0])


def learn(steps: int, **options):
    learning = HypothesisLearning(competing(), **options)
    order, record, advice = [0, 15, 30], None, None
    for _ in range(steps):
        rest = np.setdiff1d(np.arange(31), order)
        advice = learning.advise(record, GRID[order], measured(GRID[order]), GRID[rest])
        record, order = advice.record, [*order, int(rest[advice.row])]
    return learning, order, advice


@pytest.mark.slow
def test_it_finds_the_step_and_says_so():
    learning, order, advice = learn(6)
    assert learning.best(advice.record) == "step in x"
    assert learning.competing.decided == "step in x"
    assert learning.competing.words.startswith("the rows speak for 'step in x'")
    assert sum(advice.probabilities.values()) == pytest.approx(1.0)
    assert isinstance(learning.competing, Surrogate)
    mean, sd = learning.competing.predict(GRID)
    assert np.abs(mean - measured(GRID)).mean() < 0.2
    assert len(set(order)) == 9  # nothing twice
    assert learn(2)[1] == order[:5]


def test_rewards_of_the_published_algorithm():
    _, _, advice = learn(4, policy="epsilon-greedy", reward="original")
    record = advice.record
    assert sum(record.totals[:3]) <= 3 + 1
    assert sum(record.counts) == 3 * 3 + 1  # every law in the warm-up, then one a step
    assert len(record.uncertainties) == len(record.chosen) == 4
    assert (np.abs(record.mean_rewards) <= 1).all()


def test_chances():
    learning = HypothesisLearning(competing(), "softmax", "original")
    # physics reference, section 12
    np.testing.assert_allclose(
        learning.chances(np.array([0.4, -0.2, 0.1])), [0.4367518, 0.2396945, 0.3235537], atol=1e-7
    )
    greedy = HypothesisLearning(competing(), "epsilon-greedy", epsilon=0.4)
    np.testing.assert_allclose(greedy.chances(np.array([0.1, 0.4, 0.2])), [0.1333333, 0.7333333, 0.1333333], atol=1e-7)
    np.testing.assert_allclose(learning.chances(np.array([-5000.0, -5001.0, -9e9])), [0.7310586, 0.2689414, 0.0])
    assert Record((3.0, 0.0), (1.0, 0.0)).mean_rewards.tolist() == pytest.approx([1 / 3, 0.0])


def test_it_can_t_tell_from_rows_that_all_explain():
    rows = np.array([[0.2], [0.8]])
    known = competing().fit(rows, np.array([0.0, 1.0]))
    assert known.decided is None
    assert known.words.startswith("can't tell yet")
    draws = known.sample(GRID, 2000, np.random.default_rng(0))
    mean, sd = known.predict(GRID)
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=6 * sd.max() / np.sqrt(2000))


def test_wrong_hypotheses():
    one = StructuredSurrogate(COLUMNS, constant(Normal(0.0, 1.0)))
    with pytest.raises(NavigationError, match="two or more, each with a name of its own"):
        CompetingSurrogates([one, one])
    with pytest.raises(NavigationError, match="probability between"):
        competing(decided_at=0.3)
    with pytest.raises(NavigationError, match="call fit first"):
        competing().probabilities()
    with pytest.raises(NavigationError, match="policies epsilon-greedy and softmax"):
        HypothesisLearning(competing(), "greedy")
    other = InputColumns.continuous({"x": (0.0, 2.0)})
    with pytest.raises(NavigationError, match="same columns"):
        CompetingSurrogates([one, StructuredSurrogate(other, straight_line("x", Normal(0, 1), Normal(0, 1)))])
