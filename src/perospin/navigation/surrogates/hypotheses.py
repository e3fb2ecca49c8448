"""Hypotheses that compete: which law do the measured rows speak for, and where to measure to find out.

`CompetingSurrogates` is the belief: all laws together, each counting by its evidence. `HypothesisLearning` chooses the
next row: by the rewards of the published algorithm, or by the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import NavigationError
from perospin.learning.estimators.gaussian_processes.hyperparameters import weigh
from perospin.navigation.surrogates.structured import StructuredSurrogate

__all__ = ["POLICIES", "REWARDS", "Advice", "CompetingSurrogates", "HypothesisLearning", "Record"]

FloatArray = NDArray[np.float64]

POLICIES = ("epsilon-greedy", "softmax")
REWARDS = ("original", "evidence")


class CompetingSurrogates:
    """Several laws, of which one may be right: their average, each counting by its probability.

    Parameters
    ----------
    models : sequence of StructuredSurrogate
        Of the same columns, each law with a name of its own, sampled by "annealed" (which gives the evidence).
    decided_at : float
        Probability at which a law counts as found.

    Attributes
    ----------
    evidence : float
        Log of the probability of the measured values, averaged over the laws.

    Raises
    ------
    NavigationError
        If the models don't fit together.
    """

    def __init__(self, models: Sequence[StructuredSurrogate], decided_at: float = 0.95) -> None:
        names = [model.mean.name for model in models]
        if len(models) < 2 or len(set(names)) < len(names):
            raise NavigationError("hypotheses compete if there are two or more, each with a name of its own")
        if any(model.columns != models[0].columns or model.sampler != "annealed" for model in models):
            raise NavigationError("hypotheses that compete need the same columns and the sampler 'annealed'")
        if not 0.5 < decided_at < 1.0:
            raise NavigationError(f"a hypothesis is decided at a probability between 0.5 and 1, not {decided_at:g}")
        self.models, self.names, self.decided_at = tuple(models), tuple(names), decided_at
        self.columns = models[0].columns
        self._shares: FloatArray | None = None

    def fit(self, inputs: ArrayLike, values: ArrayLike, noise: ArrayLike | None = None) -> Self:
        """Learn from measured rows; see `Surrogate`."""
        evidences = np.array([model.fit(inputs, values, noise).evidence for model in self.models])
        self._shares = weigh(evidences)
        self.evidence = float(evidences.max() + np.log(np.mean(np.exp(evidences - evidences.max()))))
        self.evidences = dict(zip(self.names, evidences.tolist(), strict=True))
        return self

    def _fitted(self) -> FloatArray:
        if self._shares is None:
            raise NavigationError("these hypotheses have met no rows yet; call fit first")
        return self._shares

    def probabilities(self) -> dict[str, float]:
        """Probability of each law given the measured rows, all being equally likely before."""
        return dict(zip(self.names, self._fitted().tolist(), strict=True))

    @property
    def decided(self) -> str | None:
        """Name of the law that the rows have decided for, if any."""
        best = int(np.argmax(self._fitted()))
        return self.names[best] if self._fitted()[best] >= self.decided_at else None

    @property
    def words(self) -> str:
        """What the rows say of the laws, in one sentence."""
        order = np.argsort(-self._fitted(), kind="stable")
        first, second = (self.names[i] for i in order[:2])
        share, next_share = self._fitted()[order[:2]]
        if self.decided is None:
            return f"can't tell yet: '{first}' has a probability of {share:.2f}, '{second}' {next_share:.2f}"
        odds = min(share / max(next_share, 1e-300), 1e6)
        times = f"{odds:.3g} times" if odds < 1e6 else "over a million times"
        return f"the rows speak for '{first}': its probability is {share:.2f}, {times} that of '{second}'"

    def predict(self, inputs: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation of the noise-free function, shape (m,) each; laws that hardly count left out."""
        mean, square, total = 0.0, 0.0, 0.0
        for model, share in zip(self.models, self._fitted(), strict=True):
            if share > 1e-4:
                middle, sd = model.predict(inputs)
                mean, square, total = mean + share * middle, square + share * (sd**2 + middle**2), total + share
        middle = np.asarray(mean / total)
        return middle, np.sqrt(np.maximum(square / total - middle**2, 0.0))

    def sample(self, inputs: ArrayLike, count: int, generator: np.random.Generator) -> FloatArray:
        """Draw functions at all inputs together, shape (count, m)."""
        which = generator.choice(len(self.models), size=count, p=self._fitted())
        made = np.empty((count, len(self.columns.checked(inputs))))
        for i, model in enumerate(self.models):
            if (mine := np.flatnonzero(which == i)).size:
                made[mine] = model.sample(inputs, mine.size, generator)
        return made


@dataclass(frozen=True)
class Record:
    """What hypothesis learning remembers from step to step; plain numbers, to be kept in a log.

    Attributes
    ----------
    counts, totals : tuple of float
        How often each law was rewarded, and the sum of its rewards.
    uncertainties : tuple of float
        Median predictive variance of the law that was used at each step.
    chosen : tuple of int
        That law.
    """

    counts: tuple[float, ...]
    totals: tuple[float, ...]
    uncertainties: tuple[float, ...] = ()
    chosen: tuple[int, ...] = ()

    @classmethod
    def start(cls, n_models: int) -> Record:
        """Nothing yet."""
        return cls((0.0,) * n_models, (0.0,) * n_models)

    @property
    def mean_rewards(self) -> FloatArray:
        """Mean reward of each law, 0 for one that had none."""
        return np.asarray(self.totals) / np.maximum(self.counts, 1.0)


@dataclass(frozen=True)
class Advice:
    """Where to measure next.

    Attributes
    ----------
    row : int
        Of the candidates.
    model : str
        Name of the law whose uncertainty chose it.
    probabilities : dict of str to float
        Of the laws.
    record : Record
        For the next step.
    """

    row: int
    model: str
    probabilities: dict[str, float]
    record: Record


class HypothesisLearning:
    """Choose the next row so that the right law is found.

    In the first `warm_up` steps every law is counted and the one with the least uncertainty over what isn't measured is
    rewarded (+1). Then a law is picked by the policy from the mean rewards; it gets +1 if its uncertainty is below that
    of the last step and -1 if not. With ``reward="evidence"`` the log evidence stands in place of the mean rewards, so
    that "softmax" picks each law with its probability. The law that was picked is asked where it is least certain.

    Parameters
    ----------
    competing : CompetingSurrogates
    policy : {"epsilon-greedy", "softmax"}
    reward : {"original", "evidence"}
    epsilon : float
        Probability to pick any law, all alike.
    temperature : float
        Of softmax.
    warm_up : int
    seed : int

    Raises
    ------
    NavigationError
        If an option is none of these.

    Notes
    -----
    Ziatdinov et al., Adv. Mater. 34, 2201345 (2022), arXiv:2112.06649, algorithm 1.
    """

    def __init__(
        self,
        competing: CompetingSurrogates,
        policy: str = "softmax",
        reward: str = "evidence",
        epsilon: float = 0.4,
        temperature: float = 1.0,
        warm_up: int = 3,
        seed: int = 0,
    ) -> None:
        if policy not in POLICIES or reward not in REWARDS:
            raise NavigationError(
                f"hypothesis learning has the policies {' and '.join(POLICIES)} and the rewards "
                f"{' and '.join(REWARDS)}, not '{policy}' and '{reward}'"
            )
        if not (0.0 <= epsilon <= 1.0 and temperature > 0.0):
            raise NavigationError("hypothesis learning needs an epsilon from 0 to 1 and a temperature above 0")
        self.competing, self.policy, self.reward = competing, policy, reward
        self.epsilon, self.temperature, self.warm_up, self.seed = epsilon, temperature, warm_up, seed

    def chances(self, scores: FloatArray) -> FloatArray:
        """Probability with which each law is picked, given its mean reward or log evidence."""
        if self.policy == "softmax":
            return weigh(scores / self.temperature)
        made = np.full(len(scores), self.epsilon / len(scores))
        made[np.argmax(scores)] += 1.0 - self.epsilon
        return made

    def advise(
        self,
        record: Record | None,
        inputs: ArrayLike,
        values: ArrayLike,
        candidates: ArrayLike,
        noise: ArrayLike | None = None,
    ) -> Advice:
        """Say which candidate to measure next.

        Parameters
        ----------
        record : Record or None
            Of the last step; None at the first.
        inputs, values, noise
            Measured rows; see `Surrogate`.
        candidates : array_like, shape (m, d)
            Rows that aren't measured yet.
        """
        models = self.competing.models
        now = Record.start(len(models)) if record is None else record
        self.competing.fit(inputs, values, noise)
        variances = np.array([model.predict(candidates)[1] ** 2 for model in models])
        medians = np.nanmedian(variances, axis=1)
        counts, totals, step = np.array(now.counts), np.array(now.totals), len(now.chosen)
        evidences = np.array(list(self.competing.evidences.values()))
        if step < self.warm_up:
            picked = int(np.argmin(medians))
            counts += 1.0
            totals[picked] += 1.0
        else:
            scores = evidences if self.reward == "evidence" else now.mean_rewards
            generator = np.random.default_rng([self.seed, step])
            picked = int(generator.choice(len(models), p=self.chances(scores)))
            counts[picked] += 1.0
            totals[picked] += 1.0 if not now.uncertainties or medians[picked] < now.uncertainties[-1] else -1.0
        return Advice(
            int(np.nanargmax(variances[picked])),
            self.competing.names[picked],
            self.competing.probabilities(),
            Record(
                tuple(counts.tolist()),
                tuple(totals.tolist()),
                (*now.uncertainties, float(medians[picked])),
                (*now.chosen, picked),
            ),
        )

    def best(self, record: Record) -> str:
        """Name of the law that is ahead: by its mean reward, or its evidence."""
        shares = np.array(list(self.competing.probabilities().values()))
        return self.competing.names[int(np.argmax(shares if self.reward == "evidence" else record.mean_rewards))]
