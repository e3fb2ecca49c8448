r"""From fits to an answer: model probabilities, shares at each condition, and whether the data can tell.

The rule, with the threshold t = 0.9 (`DECIDED_AT`):

* at each row, each mechanism has a probability of being the largest contribution there (over models, and over the
  uncertainty within each);
* mechanisms that reach t in at least one row are named; the data can tell if, averaged over the rows, the largest
  contribution is among the named ones with probability t or more;
* laws of one mechanism count together;
* the data can't tell if a named mechanism has a twin (another one whose law is the same on the columns measured), if
  its parameters leave its physics (`doubts`), if one condition alone varies and takes two values, or if no model
  describes the data within their stated uncertainties (p < 0.001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perospin.mechanisms._arrays import Float
from perospin.mechanisms.inference.candidates import ModelSpace
from perospin.mechanisms.inference.least_squares import BatchFit

__all__ = ["DECIDED_AT", "Assessment", "Call", "assess", "call", "merged"]

DECIDED_AT = 0.9
"""Probability from which on a mechanism counts as found."""
ADEQUATE_P = 1e-3
"""p value of the best model below which none of the models is taken to describe the data."""


@dataclass(frozen=True)
class Assessment:
    """What a set of fits says; the first axis is the data set.

    Attributes
    ----------
    score
        Akaike's criterion: AIC with stated uncertainties, AICc (for few rows) where the scatter is estimated too;
        infinite for models with too many parameters.
    probability
        Akaike weights, (n_sets, n_models).
    inflation
        Variance inflation: 1, or the smallest chi^2 per degree of freedom where even that exceeds 1; (n_sets,).
    p_value
        Of the model that describes the data best, with the stated uncertainties; NaN without; (n_sets,).
    shares
        Share of each mechanism in each row under each model, (n_sets, n_models, n, n_names).
    leads
        Probability under each model that a mechanism is the largest contribution of a row, same shape.
    """

    score: Float
    probability: Float
    inflation: Float
    p_value: Float
    shares: Float
    leads: Float

    @property
    def dominance(self) -> Float:
        """Probability that a mechanism is the largest contribution of a row, over all models; (n_sets, n, n_names)."""
        return np.einsum("sm,smnk->snk", self.probability, self.leads)

    @property
    def mean_shares(self) -> Float:
        """Share of each mechanism in each row, over all models; (n_sets, n, n_names)."""
        return np.einsum("sm,smnk->snk", self.probability, self.shares)


def assess(space: ModelSpace, fit: BatchFit, n: int, *, known_sigma: bool) -> Assessment:
    """Compare the models by Akaike's criterion and work out the shares.

    Parameters
    ----------
    space
        Models and conditions.
    fit
        Their fits.
    n
        Rows of a data set.
    known_sigma
        Whether the uncertainties were stated; else each model's scatter was estimated.
    """
    from scipy.special import chdtrc  # upper tail of chi^2

    parameters = space.masks().sum(axis=1) + space.shape_masks().sum(axis=1)
    # a parameter that the data leave where its prior has it costs nothing: 1 - variance after/before for each
    after = np.einsum("smpp->smp", fit.covariance) / space.prior_widths() ** 2
    spent = parameters[None, :] - np.minimum(after, 1.0).sum(axis=2)
    freedom = n - parameters
    n_sets = len(fit.chi2)
    if known_sigma:
        usable = freedom >= 1
        reduced = np.where(usable, fit.chi2 / np.maximum(freedom, 1), np.inf)
        best = np.argmin(np.where(usable, fit.chi2 - freedom, np.inf), axis=1)
        rows = np.arange(n_sets)
        p_value = chdtrc(np.maximum(freedom[best], 1), fit.chi2[rows, best])
        inflation = np.maximum(1.0, reduced.min(axis=1))
        total = spent + (inflation > 1.0)[:, None]
        misfit = fit.chi2 / inflation[:, None] + fit.penalty
    else:
        p_value, inflation = np.full(n_sets, np.nan), np.ones(n_sets)
        total = spent + 1.0
        misfit = n * np.log(np.maximum(fit.chi2 / n, 1e-300)) + fit.penalty
    # Akaike's small-sample correction is for a scatter that is estimated too
    estimated = total > spent
    room = n - parameters[None, :] - 2.0
    usable = np.where(estimated, room > 0, freedom[None, :] > 0)
    small = n - total - 1.0
    correction = np.where(estimated & (room > 0), n / np.where(small > 0, small, 1.0), 1.0)
    score = np.where(usable, misfit + 2.0 * total * correction, np.inf)
    lowest = score.min(axis=1, keepdims=True)
    weight = np.exp(-0.5 * (score - np.where(np.isfinite(lowest), lowest, 0.0)) + space.prior_weights())
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)  # all 0 where no model has enough rows
    shares, leads = _shares(space, fit, inflation, n)
    return Assessment(score, weight, inflation, p_value, shares, leads)


def _shares(space: ModelSpace, fit: BatchFit, inflation: Float, n: int) -> tuple[Float, Float]:
    from scipy.special import ndtr

    size = len(space.names)
    n_sets = len(fit.theta)
    level = space.shape_priors[0]
    shares = np.zeros((n_sets, len(space.models), n, size))
    leads = np.zeros_like(shares)
    for i, model in enumerate(space.models):
        index = list(model)
        columns = [*index, *range(size, size + len(level))]
        theta = fit.theta[:, i][:, columns]
        theta = np.where(np.isnan(theta), np.concatenate([np.zeros(len(index)), level]), theta)
        parts = space.log_rates(model, theta)
        share = np.exp(parts - parts.max(axis=2, keepdims=True))
        shares[:, i][:, :, index] = share / share.sum(axis=2, keepdims=True)
        if len(index) == 1:
            leads[:, i][:, :, index] = 1.0
            continue
        # derivative of each part by theta, and the uncertainty of the difference of two parts
        slope = space.derivatives(model, theta, parts)
        covariance = fit.covariance[:, i][:, columns][:, :, columns] * inflation[:, None, None]
        score = np.full(parts.shape, np.inf)
        for j in range(len(index)):
            for other in range(len(index)):
                if other == j:
                    continue
                difference = slope[:, :, j] - slope[:, :, other]
                variance = np.einsum("snp,spq,snq->sn", difference, covariance, difference)
                z = (parts[:, :, j] - parts[:, :, other]) / np.sqrt(np.maximum(variance, 1e-12))
                score[:, :, j] = np.minimum(score[:, :, j], z)
        chance = np.maximum(ndtr(score), 1e-12)
        leads[:, i][:, :, index] = chance / chance.sum(axis=2, keepdims=True)
    return shares, leads


def merged(values: Float, groups: Sequence[Sequence[int]]) -> Float:
    """Add what belongs to one answer along the last axis: (..., n_names) to (..., n_groups)."""
    return np.stack([values[..., list(group)].sum(axis=-1) for group in groups], axis=-1)


@dataclass(frozen=True)
class Call:
    """The answer for one data set.

    Attributes
    ----------
    decided
        Whether the data can tell.
    named
        Mechanisms that lead somewhere with at least the threshold's probability, most important first.
    certainty
        Probability, averaged over the rows, that the largest contribution is among the named ones.
    adequate
        Whether some model describes the data within their stated uncertainties.
    """

    decided: bool
    named: tuple[int, ...]
    certainty: float
    adequate: bool


def call(dominance: Float, p_value: float, barred: Float, decided_at: float = DECIDED_AT) -> Call:
    """Apply the rule of this module to one data set.

    Parameters
    ----------
    dominance
        Probability that each answer leads each row, (n, n_answers).
    p_value
        Of the best model; NaN if no uncertainties were stated.
    barred
        Whether an answer can't be decided for: it stands for several mechanisms, or its parameters leave its physics;
        (n_answers,).
    decided_at
        Threshold.
    """
    certain = np.flatnonzero(dominance.max(axis=0) >= decided_at)
    order = certain[np.argsort(-dominance[:, certain].mean(axis=0), kind="stable")]
    certainty = float(dominance[:, certain].sum(axis=1).mean()) if certain.size else 0.0
    adequate = not p_value < ADEQUATE_P
    decided = bool(certain.size and certainty >= decided_at and adequate and not barred[certain].any())
    return Call(decided, tuple(int(i) for i in order), certainty, adequate)
