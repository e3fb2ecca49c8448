"""Is a gain real? Bootstrap, permutation and sanity tests, and the floor that noise sets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.estimators.folds import Progress
from perospin.learning.estimators.rules import FamilyMean
from perospin.learning.metrics import r2_score
from perospin.learning.validation import Evaluation, Scheme, evaluate

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BootstrapGain",
    "NoiseFloor",
    "PermutationTest",
    "check_paired",
    "family_baseline",
    "noise_floor",
    "paired_bootstrap",
    "permutation_test",
    "resampled_r2",
    "resampled_r2_of",
    "scrambled_orders",
    "y_shuffle",
]

FloatArray = NDArray[np.float64]
Inverse = Callable[[FloatArray], FloatArray]


# -- is one model better than another? -----------------------------------------------------------------------


@dataclass(frozen=True)
class BootstrapGain:
    """Gain in R2 of one model over another, with a percentile interval from resampled groups.

    Attributes
    ----------
    scheme : str
        Scheme of both evaluations, in words.
    model, baseline : str
        Names of the two estimators.
    gain : float
        R2 of the model minus R2 of the baseline.
    low, high : float
        Percentile interval of the gain.
    level : float
        Its level, for example 0.95.
    probability_positive : float
        Share of resamples with a gain above 0.
    model_r2, baseline_r2 : float
        R2 of each.
    model_r2_interval : tuple of float
        Percentile interval of the model's own R2.
    n_boot : int
        Resamples that could be scored.
    """

    scheme: str
    model: str
    baseline: str
    gain: float
    low: float
    high: float
    level: float
    probability_positive: float
    model_r2: float
    baseline_r2: float
    model_r2_interval: tuple[float, float]
    n_boot: int

    def __str__(self) -> str:
        return (
            f"{self.model} over {self.baseline}, {self.scheme}: R2 gain {self.gain:+.2f} "
            f"({100 * self.level:.0f} % {self.low:+.2f} to {self.high:+.2f}, "
            f"positive in {100 * self.probability_positive:.0f} % of resamples)"
        )


def paired_bootstrap(
    eval_a: Evaluation,
    eval_b: Evaluation,
    groups: ArrayLike | None = None,
    n_boot: int = 4000,
    seed: int = 0,
    *,
    inverse: Inverse | None = None,
    level: float = 0.95,
) -> BootstrapGain:
    """Gain in R2 of evaluation a over evaluation b, groups of rows resampled with replacement.

    Parameters
    ----------
    eval_a, eval_b : Evaluation
        Same scheme and target.
    groups : array_like, shape (n_rows,), optional
        Group of each row of the table, for example its spacer: rows of a group come and go together; every row
        alone if None.
    n_boot, seed : int
        Resamples and their seed.
    inverse : callable, optional
        Compare in the original space.
    level : float
        Of the interval.

    Returns
    -------
    BootstrapGain

    Raises
    ------
    StudyError
        If the two evaluations don't score the same rows in the same folds.
    """
    r2 = resampled_r2([eval_a, eval_b], groups, n_boot, seed, inverse=inverse)
    gains, own = r2[0, 1:] - r2[1, 1:], r2[0, 1:]
    tails = [50.0 * (1.0 - level), 50.0 * (1.0 + level)]
    low, high = np.percentile(gains, tails) if len(gains) else (np.nan, np.nan)
    own_low, own_high = np.percentile(own, tails) if len(own) else (np.nan, np.nan)
    return BootstrapGain(
        scheme=eval_a.scheme.label,
        model=eval_a.estimator_name,
        baseline=eval_b.estimator_name,
        gain=float(r2[0, 0] - r2[1, 0]),
        low=float(low),
        high=float(high),
        level=level,
        probability_positive=float(np.mean(gains > 0)) if len(gains) else float("nan"),
        model_r2=float(r2[0, 0]),
        baseline_r2=float(r2[1, 0]),
        model_r2_interval=(float(own_low), float(own_high)),
        n_boot=len(gains),
    )


def check_paired(first: Evaluation, second: Evaluation) -> None:
    """Raise unless two evaluations score the same rows in the same folds.

    Raises
    ------
    StudyError
        If they don't.
    """
    if not (
        first.scheme.label == second.scheme.label
        and np.array_equal(first.rows, second.rows)
        and np.array_equal(first.fold, second.fold)
        and np.array_equal(first.y_true, second.y_true)
    ):
        raise StudyError(
            f"{first.estimator_name} ({first.scheme.label}) and {second.estimator_name} ({second.scheme.label}) "
            "can't be compared: a paired comparison needs the same scheme, rows and target"
        )


def resampled_r2(
    evaluations: Sequence[Evaluation],
    groups: ArrayLike | None = None,
    n_boot: int = 2000,
    seed: int = 0,
    *,
    inverse: Inverse | None = None,
) -> FloatArray:
    """R2 of several evaluations of one scheme, as it is and with groups of rows resampled alike for all of them.

    Parameters
    ----------
    evaluations : sequence of Evaluation
        Same scheme, rows and target.
    groups, n_boot, seed, inverse
        As for `paired_bootstrap`.

    Returns
    -------
    ndarray, shape (n_evaluations, 1 + n_resamples)
        The first column is R2 as it is. Resamples without any scatter of the target have no R2 and are left out.

    Raises
    ------
    StudyError
        If the evaluations don't score the same rows in the same folds, or groups don't fit the rows.
    """
    one = evaluations[0]
    for other in evaluations[1:]:
        check_paired(one, other)
    change = inverse or (lambda values: values)
    y = np.asarray(change(one.y))
    true = y[one.rows]
    labels = np.arange(len(y)) if groups is None else np.asarray(groups)
    if len(labels) != len(y):
        raise StudyError(f"{len(labels)} groups were given for {len(y)} rows")
    squares = np.array([(np.asarray(change(e.y_pred)) - true) ** 2 for e in evaluations])
    about = (true - one.reference(inverse)) ** 2 if one.scheme.reference == "train" else None
    return resampled_r2_of(true, squares, about, labels[one.rows], n_boot, seed)


def resampled_r2_of(
    true: FloatArray, squares: FloatArray, about: FloatArray | None, groups: NDArray[Any], n_boot: int, seed: int
) -> FloatArray:
    """R2 of several models from their squared errors, as it is and with groups of predictions resampled.

    Parameters
    ----------
    true : ndarray, shape (n_predictions,)
    squares : ndarray, shape (n_models, n_predictions)
        Squared error of each prediction.
    about : ndarray, shape (n_predictions,), or None
        Squared distance of the truth from a reference that doesn't depend on the sample; None if the reference is the
        mean of what is scored, which is then resampled too.
    groups : ndarray, shape (n_predictions,)
        Predictions of a group come and go together.
    n_boot, seed : int
        Resamples and their seed.

    Returns
    -------
    ndarray, shape (n_models, 1 + n_resamples)
        As `resampled_r2`.
    """
    group_of = np.unique(groups, return_inverse=True)[1].ravel()
    n_groups = int(group_of.max()) + 1

    def summed(values: FloatArray) -> FloatArray:
        return np.bincount(group_of, weights=values, minlength=n_groups).astype(float)

    count, first, second = summed(np.ones(len(true))), summed(true), summed(true**2)
    errors = np.array([summed(values) for values in squares])
    rng = np.random.default_rng(seed)
    times = np.vstack(
        [np.ones(n_groups), rng.multinomial(n_groups, np.full(n_groups, 1.0 / n_groups), size=n_boot)]
    ).astype(float)
    total = times @ summed(about) if about is not None else times @ second - (times @ first) ** 2 / (times @ count)
    valid = total > 1e-9 * float(second.sum())
    valid[0] = True
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(total > 0, 1.0 - (errors @ times.T) / total, np.nan)
    return np.asarray(r2[:, valid])


# -- does a column carry information? ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """R2 as measured, beside R2 with the link to the target broken.

    Attributes
    ----------
    what : str
        What was permuted.
    scheme : str
        In words.
    observed : float
        R2 as it is.
    null : ndarray, shape (n_perm,)
        R2 under each permutation.
    p_value : float
        (1 + permutations at least as good) / (1 + permutations).
    """

    what: str
    scheme: str
    observed: float
    null: FloatArray
    p_value: float

    @property
    def null_median(self) -> float:
        """Median R2 under permutation."""
        return float(np.median(self.null))

    @property
    def null_95(self) -> float:
        """95th percentile of R2 under permutation."""
        return float(np.percentile(self.null, 95))

    def __str__(self) -> str:
        return (
            f"{self.what} permuted, {self.scheme}: R2 {self.observed:.2f} against a median of {self.null_median:.2f} "
            f"and a 95th percentile of {self.null_95:.2f} ({len(self.null)} permutations), p = {self.p_value:.3g}"
        )


def _test(what: str, scheme: Scheme, observed: float, null: list[float]) -> PermutationTest:
    values = np.array(null)
    p = (1.0 + float(np.sum(values >= observed - 1e-12))) / (1.0 + len(values))
    return PermutationTest(what, scheme.label, observed, values, p)


def permute_groups(
    X: pd.DataFrame, columns: Sequence[str], groups: ArrayLike, strata: ArrayLike | None, rng: np.random.Generator
) -> pd.DataFrame:
    """Exchange the values of `columns` between whole groups, only among groups of the same stratum.

    Raises
    ------
    StudyError
        If a column is absent or differs within a group, or a group lies in two strata.
    """
    absent = [c for c in columns if c not in X.columns]
    if absent:
        raise StudyError(f"there is no column '{absent[0]}' to permute; the columns are: {', '.join(map(str, X))}")
    labels = np.asarray(groups)
    layers = np.zeros(len(X), dtype=int) if strata is None else np.asarray(strata)
    if not len(labels) == len(layers) == len(X):
        raise StudyError(f"groups and strata must have one entry for each of the {len(X)} rows")
    codes, first = np.unique(labels, return_index=True)
    of_row = np.searchsorted(codes, labels)
    values = X[list(columns)].to_numpy(dtype=float)
    same = (values == values[first][of_row]) | (np.isnan(values) & np.isnan(values[first][of_row]))
    if not same.all():
        row, column = np.argwhere(~same)[0]
        raise StudyError(
            f"the column '{columns[column]}' differs within the group '{labels[row]}', so it can't be "
            "exchanged between groups; permute the quantity that belongs to the group and derive the column from it"
        )
    if not np.array_equal(layers, layers[first][of_row]):
        raise StudyError("a group lies in two strata; a stratum must contain whole groups")
    source = np.arange(len(codes))
    for layer in np.unique(layers[first]):
        members = np.flatnonzero(layers[first] == layer)
        source[members] = rng.permutation(members)
    out = X.copy()
    out[list(columns)] = values[first][source][of_row]
    return out


def permutation_test(
    estimator: Any,
    X: pd.DataFrame,
    y: ArrayLike,
    scheme: Scheme,
    columns: Sequence[str],
    groups: ArrayLike | None = None,
    n_perm: int = 200,
    seed: int = 0,
    *,
    strata: ArrayLike | None = None,
    derive: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    inner_groups: ArrayLike | None = None,
    fit_options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> PermutationTest:
    """Test whether the model does better with `columns` than with the same columns dealt out at random.

    The values of the columns are exchanged as one vector between groups (for example spacers), only among groups
    of the same stratum (for example of equal charge), and the whole validation is repeated. This breaks the link
    between these columns and the target and nothing else.

    Parameters
    ----------
    estimator, X, y, scheme
        As for `evaluate`.
    columns : sequence of str
        Columns to permute together; constant within each group.
    groups : array_like, shape (n_rows,), optional
        Every row is its own group if None.
    n_perm, seed : int
        Permutations and their seed.
    strata : array_like, shape (n_rows,), optional
        Groups are exchanged only within a stratum.
    derive : callable, optional
        Recomputes the columns that depend on the permuted ones; applied to the table with and without
        permutation.
    inner_groups : array_like, shape (n_rows,), optional
        Groups for estimators that tune themselves.
    fit_options : mapping, optional
        ``sample_weight`` and ``y_sd``, as for `evaluate`.
    progress : callable, optional
        Called as ``progress(done, in_all)``.

    Returns
    -------
    PermutationTest
    """
    labels = np.arange(len(X)) if groups is None else groups
    rng = np.random.default_rng(seed)

    def r2(table: pd.DataFrame) -> float:
        table = table if derive is None else derive(table)
        return evaluate(estimator, table, y, scheme, groups=inner_groups, **(fit_options or {})).scores().r2

    observed = r2(X)
    null = []
    for done in range(n_perm):
        null.append(r2(permute_groups(X, columns, labels, strata, rng)))
        if progress is not None:
            progress(done + 1, n_perm)
    return _test(", ".join(columns), scheme, observed, null)


# -- sanity --------------------------------------------------------------------------------------------------


def y_shuffle(
    estimator: Any,
    X: Any,
    y: ArrayLike,
    scheme: Scheme,
    n_perm: int = 20,
    seed: int = 0,
    *,
    groups: ArrayLike | None = None,
    blocks: ArrayLike | None = None,
    fit_options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> PermutationTest:
    """Repeat the whole validation with the target shuffled (y-scrambling): R2 must fall to about 0 or below.

    The share of shuffles that score at least as well is the p-value of "the descriptors say nothing about the target".
    What may be exchanged follows the scheme (`scrambled_orders`).

    Parameters
    ----------
    estimator, X, y, scheme
        As for `evaluate`.
    n_perm, seed : int
        Shuffles and their seed; 19 are the least for p = 0.05.
    groups : array_like, shape (n_rows,), optional
        Groups for inner folds.
    blocks : array_like, shape (n_rows,), optional
        Rows that are exchanged together, for example those of a spacer that is left out as a whole.
    fit_options : mapping, optional
        ``sample_weight`` and ``y_sd``, each of shape (n_rows,); they travel with the target they belong to.
    progress : callable, optional
        Called as ``progress(done, in_all)``.
    """
    target = np.asarray(y, dtype=float)
    options: dict[str, Any] = {name: np.asarray(values, float) for name, values in (fit_options or {}).items()}
    observed = evaluate(estimator, X, target, scheme, groups=groups, **options).scores().r2
    null = []
    for done, order in enumerate(scrambled_orders(scheme, len(target), n_perm, seed, blocks)):
        moved: dict[str, Any] = {name: values[order] for name, values in options.items()}
        null.append(evaluate(estimator, X, target[order], scheme, groups=groups, **moved).scores().r2)
        if progress is not None:
            progress(done + 1, n_perm)
    return _test("the target", scheme, observed, null)


_FEWEST_BLOCKS = 8


def scrambled_orders(
    scheme: Scheme, n: int, n_perm: int, seed: int, blocks: ArrayLike | None = None
) -> list[NDArray[np.int64]]:
    """Row orders that break the link between descriptors and target and keep what the scheme takes for granted.

    Blocks change places as wholes where there are at least eight (the target of a block then stays together, as far
    as sizes allow, so that likeness within a block isn't mistaken for skill); with fewer there are too few
    arrangements and rows are exchanged singly. One split into fixed sides (tagged, or forward in time with a cutoff)
    exchanges rows within each side only: both sides keep their own mean.

    Returns
    -------
    list of ndarray of int, each of shape (n,)
        Row i gets the target of row ``order[i]``.
    """
    rng = np.random.default_rng(seed)
    if len(scheme) == 1 and not scheme.in_sample:
        sides = [scheme.splits[0].train, scheme.splits[0].test]
        orders = []
        for _ in range(n_perm):
            order = np.arange(n)
            for side in sides:
                order[side] = side[rng.permutation(len(side))]
            orders.append(order)
        return orders
    codes = np.arange(n) if blocks is None else np.unique(np.asarray(blocks), return_inverse=True)[1].ravel()
    members = [np.flatnonzero(codes == block) for block in range(int(codes.max()) + 1)]
    if not _FEWEST_BLOCKS <= len(members) < n:
        return [rng.permutation(n) for _ in range(n_perm)]
    places = np.concatenate(members)
    orders = []
    for _ in range(n_perm):
        order = np.empty(n, dtype=np.int64)
        order[places] = np.concatenate([members[block] for block in rng.permutation(len(members))])
        orders.append(order)
    return orders


def family_baseline(families: Iterable[Any], y: ArrayLike, scheme: Scheme) -> Evaluation:
    """Predict from the name of the family alone: the mean of its training rows (overall mean if it has none)."""
    import pandas as pd

    table = pd.DataFrame({"family": list(families)})
    return evaluate(FamilyMean("family"), table, y, scheme, name="one-hot of the family")


# -- noise ---------------------------------------------------------------------------------------------------

_NOISE_LEVELS, _NOISE_DRAWS = (0.68, 0.95), 4000


@dataclass(frozen=True)
class NoiseFloor:
    """Scatter between repeated measurements of one material, and what it leaves to be explained.

    Attributes
    ----------
    sigma : float
        Standard deviation of one measurement, in log10 (or the target's unit).
    intervals : mapping of float to (low, high)
        Chi-square intervals of sigma, by level.
    degrees_of_freedom : int
        Repeats beyond the first, summed over materials.
    r2_ceiling : float or None
        1 - sigma^2 / variance of the target: what perfect knowledge of the truth would score.
    r2_ceiling_intervals : mapping of float to (low, high)
        The same at the ends of the intervals of sigma.
    r2_ceiling_original : float or None
        Ceiling in the original space (median of simulated noise), where an inverse was given.
    typical_factor : float
        10**(0.6745 sigma): median factor between truth and one measurement.
    """

    sigma: float
    intervals: Mapping[float, tuple[float, float]]
    degrees_of_freedom: int
    r2_ceiling: float | None
    r2_ceiling_intervals: Mapping[float, tuple[float, float]]
    r2_ceiling_original: float | None
    typical_factor: float

    @property
    def factor(self) -> float:
        """10**sigma."""
        return float(10.0**self.sigma)

    def __str__(self) -> str:
        text = f"noise of one measurement {self.sigma:.3f} in log10 (a factor {self.factor:.2f})"
        if 0.95 in self.intervals:
            low, high = self.intervals[0.95]
            text += f", 95 % {low:.2f} to {high:.2f} from {self.degrees_of_freedom} repeats"
        if self.r2_ceiling is not None:
            text += f"; no model can expect an R2 above {self.r2_ceiling:.2f} out of fold"
        return text


def noise_floor(
    pairs: Iterable[Sequence[float]],
    y: ArrayLike | None = None,
    *,
    inverse: Inverse | None = None,
    seed: int = 0,
) -> NoiseFloor:
    """Noise from materials measured more than once.

    sigma^2 = sum (x - mean of its material)^2 / degrees of freedom, pooled; for pairs sum d^2 / (2 n_pairs). The
    interval is df sigma^2 / chi2_df. It assumes one scatter for all materials and repeats that share no error.

    Parameters
    ----------
    pairs : iterable of sequences
        Values (log10) of each repeated material, two or more.
    y : array_like, shape (n_rows,), optional
        The whole target column, for the ceilings.
    inverse : callable, optional
        To the original space, for the ceiling there: the target is taken as truth and noise is added to it.
    seed : int
        Of the simulated noise.

    Raises
    ------
    StudyError
        If there is no material with two values.
    """
    from scipy.stats import chi2

    repeats = [np.asarray(values, dtype=float) for values in pairs]
    if not repeats or any(r.ndim != 1 or r.size < 2 or not np.all(np.isfinite(r)) for r in repeats):
        raise StudyError("a noise floor needs materials with at least two known values each")
    df = sum(r.size - 1 for r in repeats)
    sigma = float(np.sqrt(sum(float(((r - r.mean()) ** 2).sum()) for r in repeats) / df))
    intervals = {}
    for level in _NOISE_LEVELS:
        tails = np.asarray(chi2.ppf([0.5 * (1 + level), 0.5 * (1 - level)], df))
        intervals[level] = (sigma * float(np.sqrt(df / tails[0])), sigma * float(np.sqrt(df / tails[1])))
    ceiling, ceilings, original = None, {}, None
    if y is not None:
        target = np.asarray(y, dtype=float)
        variance = float(target.var(ddof=1))
        if variance > 0:
            ceiling = 1.0 - sigma**2 / variance
            ceilings = {k: (1.0 - high**2 / variance, 1.0 - low**2 / variance) for k, (low, high) in intervals.items()}
        if inverse is not None:
            rng = np.random.default_rng(seed)
            truth = np.asarray(inverse(target))
            noisy = np.asarray(inverse(target + sigma * rng.standard_normal((_NOISE_DRAWS, len(target)))))
            original = float(np.median([r2_score(row, truth, np.full(len(row), row.mean())) for row in noisy]))
    return NoiseFloor(sigma, intervals, df, ceiling, ceilings, original, float(10.0 ** (0.6744897501960817 * sigma)))
