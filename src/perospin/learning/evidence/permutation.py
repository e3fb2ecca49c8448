"""Permutation tests: does the target depend on these columns at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.estimators.rules import FamilyMean
from perospin.learning.evidence._types import FloatArray
from perospin.learning.training.folds import Progress
from perospin.learning.validation.evaluation import Evaluation, evaluate
from perospin.learning.validation.schemes import Scheme, Split

if TYPE_CHECKING:
    import pandas as pd


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
    for done, order in enumerate(_orders(scheme, len(target), n_perm, seed, blocks, options.get("limit"))):
        moved: dict[str, Any] = {name: values[order] for name, values in options.items()}
        null.append(evaluate(estimator, X, target[order], scheme, groups=groups, **moved).scores().r2)
        if progress is not None:
            progress(done + 1, n_perm)
    return _test("the target", scheme, observed, null)


def _orders(
    scheme: Scheme, n: int, n_perm: int, seed: int, blocks: ArrayLike | None, limit: FloatArray | None
) -> list[NDArray[np.int64]]:
    """Orders of all rows; limits stay where they are, for a scored row must not become one."""
    if limit is None:
        return scrambled_orders(scheme, n, n_perm, seed, blocks)
    rows = np.flatnonzero(limit == 0)
    place = np.full(n, -1)
    place[rows] = np.arange(len(rows))
    splits = [Split(place[s.train[place[s.train] >= 0]], place[s.test]) for s in scheme.splits]
    among = dataclasses.replace(scheme, splits=tuple(splits))
    part = None if blocks is None else np.asarray(blocks)[rows]
    orders = []
    for inner in scrambled_orders(among, len(rows), n_perm, seed, part):
        order = np.arange(n)
        order[rows] = rows[inner]
        orders.append(order)
    return orders


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


def family_baseline(
    families: Iterable[Any], y: ArrayLike, scheme: Scheme, limit: ArrayLike | None = None
) -> Evaluation:
    """Predict from the name of the family alone: the mean of its training rows (overall mean if it has none)."""
    import pandas as pd

    table = pd.DataFrame({"family": list(families)})
    return evaluate(FamilyMean("family"), table, y, scheme, limit=limit, name="one-hot of the family")
