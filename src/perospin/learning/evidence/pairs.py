"""Which of several models is better, and is that sure? Each pair with an interval, a p-value and its correction."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.evidence.bootstrap import check_paired, resampled_r2
from perospin.learning.validation.evaluation import Evaluation

__all__ = ["BOOTSTRAP", "T_TEST", "PairedTest", "compare_pairs", "corrected_t_test", "holm"]

T_TEST = "corrected resampled t-test"
BOOTSTRAP = "paired bootstrap"


@dataclass(frozen=True)
class PairedTest:
    """Gain in R2 of one model over another under one scheme.

    Attributes
    ----------
    scheme : str
        In words.
    better, worse : str
        Names of the two; `better` has the higher R2.
    gain, low, high : float
        Difference in R2 and its interval.
    level : float
        Of the interval.
    p : float
        Two-sided p-value of no difference.
    p_holm : float
        Corrected for the number of pairs compared with it (Holm); equal to `p` for a single pair.
    method : str
        `T_TEST` or `BOOTSTRAP`.
    """

    scheme: str
    better: str
    worse: str
    gain: float
    low: float
    high: float
    level: float
    p: float
    p_holm: float
    method: str

    def to_dict(self) -> dict[str, Any]:
        """Every field as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.better} over {self.worse}, {self.scheme}: R2 gain {self.gain:+.2f} ({100 * self.level:.0f} % "
            f"{self.low:+.2f} to {self.high:+.2f}), p = {self.p:.3g}, corrected for the number of pairs "
            f"{self.p_holm:.3g} ({self.method})"
        )


def corrected_t_test(eval_a: Evaluation, eval_b: Evaluation, *, level: float = 0.95) -> PairedTest:
    """Compare two models over repeated random splits, whose training sets overlap.

    With d_j the difference of the summed squared errors of split j, the variance of their mean over J splits is taken
    as (1/J + n_test/n_train) s^2 in place of s^2/J, with J - 1 degrees of freedom (Nadeau and Bengio, Machine Learning
    52, 239 (2003), eq. 8; for repeated k-fold Bouckaert and Frank, PAKDD 2004). The uncorrected test finds differences
    everywhere, the more the longer it draws. Differences are given in units of R2: divided by the squares about the
    reference.

    Raises
    ------
    StudyError
        If the evaluations aren't paired, or there are fewer than two splits.
    """
    check_paired(eval_a, eval_b)
    scheme = eval_a.scheme
    n_splits = len(scheme)
    if n_splits < 2 or scheme.in_sample:
        raise StudyError(
            f"the corrected resampled t-test needs repeated splits; '{scheme.label}' has "
            + ("rows that were trained on" if scheme.in_sample else "one split")
        )
    from scipy.stats import t

    if eval_a.scores().r2 < eval_b.scores().r2:
        eval_a, eval_b = eval_b, eval_a
    squares = (eval_b.y_pred - eval_b.y_true) ** 2 - (eval_a.y_pred - eval_a.y_true) ** 2
    total = float(np.sum((eval_a.y_true - eval_a.y_reference) ** 2))
    # each split's share, scaled so that their mean is the gain in pooled R2
    summed = np.bincount(eval_a.fold, weights=squares, minlength=n_splits)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(n_splits * summed / total, dtype=float)
    ratio = float(np.mean([len(split.test) / len(split.train) for split in scheme.splits]))
    gain = float(share.mean())
    error = float(np.sqrt((1.0 / n_splits + ratio) * share.var(ddof=1)))
    reach = float(t.ppf(0.5 * (1.0 + level), n_splits - 1)) * error
    no_scatter = 1.0 if gain == 0 else 0.0
    p = float(2.0 * t.sf(abs(gain) / error, n_splits - 1)) if error > 0 else no_scatter
    return PairedTest(
        scheme.label,
        eval_a.estimator_name,
        eval_b.estimator_name,
        gain,
        gain - reach,
        gain + reach,
        level,
        p,
        p,
        T_TEST,
    )


def compare_pairs(
    evaluations: Mapping[str, Evaluation] | Sequence[Evaluation],
    groups: ArrayLike | None = None,
    *,
    repeated: bool,
    n_boot: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> list[PairedTest]:
    """Compare every pair of models evaluated under one scheme.

    Parameters
    ----------
    evaluations : sequence of Evaluation (or mapping, whose values are taken)
        Same scheme, rows and target.
    groups : array_like, shape (n_rows,), optional
        Rows that the bootstrap resamples together.
    repeated : bool
        True for schemes that draw training sets by lot over and over: the corrected resampled t-test. Else the paired
        bootstrap over groups; its p is twice the share of resamples with the other sign.
    n_boot, seed : int
        Of the bootstrap.
    level : float
        Of the intervals.

    Returns
    -------
    list of PairedTest
        Best models first.
    """
    given = list(evaluations.values() if isinstance(evaluations, Mapping) else evaluations)
    given.sort(key=lambda e: -np.nan_to_num(e.scores().r2, nan=-np.inf))
    pairs = list(itertools.combinations(range(len(given)), 2))
    if not pairs:
        return []
    if repeated:
        found = [corrected_t_test(given[a], given[b], level=level) for a, b in pairs]
    else:
        r2 = resampled_r2(given, groups, n_boot, seed)
        found = [_bootstrap(given[a], given[b], r2[a] - r2[b], level) for a, b in pairs]
    corrected = holm([test.p for test in found])
    return [PairedTest(**{**test.to_dict(), "p_holm": p}) for test, p in zip(found, corrected.tolist(), strict=True)]


def _bootstrap(better: Evaluation, worse: Evaluation, gains: NDArray[np.float64], level: float) -> PairedTest:
    resampled = gains[1:]
    if not resampled.size or not np.isfinite(resampled).all():
        low = high = p = float("nan")
    else:
        low, high = (float(q) for q in np.percentile(resampled, [50.0 * (1.0 - level), 50.0 * (1.0 + level)]))
        other_side = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
        p = min(1.0, 2.0 * (1.0 + other_side) / (1.0 + len(resampled)))
    return PairedTest(
        better.scheme.label,
        better.estimator_name,
        worse.estimator_name,
        float(gains[0]),
        low,
        high,
        level,
        p,
        p,
        BOOTSTRAP,
    )


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
    """Correct p-values for their number (Holm, Scand. J. Stat. 6, 65 (1979)); NaN stays NaN and doesn't count."""
    p = np.asarray(p_values, dtype=float)
    out = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    out[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else steps
    return out
