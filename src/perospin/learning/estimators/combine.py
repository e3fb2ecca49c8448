"""Averages of several models, nested choice among them, and stacks that must earn their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from perospin.errors import StudyError
from perospin.learning.estimators.kinds.kind import Build, Kind, Options, columns_read
from perospin.learning.estimators.kinds.terms import Term, scaled, terms_inside
from perospin.learning.options import Option
from perospin.learning.training.folds import fit_sets_of_rows, take
from perospin.learning.training.spread import mixture_spread, predict_with_spread
from perospin.learning.training.weights import checked_weights, checked_y_sd, part_of, row_weights
from perospin.learning.validation.schemes import Split, k_fold

__all__ = ["AverageModel", "BestOf", "StackModel"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def _members(options: Options, seed: int, build: Build) -> list[Any]:
    return [build(member, seed + i) for i, member in enumerate(_specs(options))]


def _specs(options: Options) -> list[Mapping[str, Any]]:
    members = options["members"]
    if not isinstance(members, (list, tuple)) or not members:
        raise StudyError("an average, best_of or stack needs 'members', a list of estimator specifications")
    return list(members)


def _labels(options: Options) -> list[str]:
    return [str(member.get("name", member.get("kind"))) for member in _specs(options)]


_FOLDS = Option(5, "inner folds", low=2, high=1000, whole=True)


class _Combination(RegressorMixin, BaseEstimator):
    """What the combinations share: one training set is fitted as the only one of many."""

    def fit(
        self,
        X: Any,
        y: ArrayLike,
        groups: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        y_sd: ArrayLike | None = None,
    ) -> Self:
        """Fit on all rows; `groups` (n_rows,) keep the rows of a group in one inner fold."""
        rows = [np.arange(len(X))]
        weights, sd = checked_weights(sample_weight, len(X)), checked_y_sd(y_sd, len(X))
        done = self.fit_many(X, y, rows, groups=groups, sample_weight=weights, y_sd=sd)[0]
        for name, value in vars(done).items():
            if name.endswith("_"):
                setattr(self, name, value)
        return self

    def fit_many(
        self,
        X: Any,
        y: ArrayLike,
        trains: Sequence[IntArray],
        groups: ArrayLike | None = None,
        sample_weight: FloatArray | None = None,
        y_sd: FloatArray | None = None,
    ) -> list[Self]:
        raise NotImplementedError


class AverageModel(_Combination):
    """Mean of the predictions of several models, in the target space.

    Parameters
    ----------
    members : list of scikit-learn regressors
        At least one.
    """

    about: ClassVar[Kind] = Kind(
        "average",
        "mean of the members' predictions",
        {"members": Option(None, "estimators to average", holds="estimators")},
        lambda options, seed, build: AverageModel(_members(options, seed, build)),
        on_columns=False,
    )
    blueprints: ClassVar[tuple[str, ...]] = ("members",)

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that any of them looks at."""
        return set().union(*(columns_read(model, list(columns)) for model in self.members))

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted members; see `terms_inside`."""
        for member in self.members_:
            yield from scaled(terms_inside(member), 1.0 / len(self.members_))

    def __init__(self, members: list[Any]) -> None:
        self.members = members

    def fit_many(
        self,
        X: Any,
        y: ArrayLike,
        trains: Sequence[IntArray],
        groups: ArrayLike | None = None,
        sample_weight: FloatArray | None = None,
        y_sd: FloatArray | None = None,
    ) -> list[AverageModel]:
        """One fitted clone for each training set."""
        if not self.members:
            raise StudyError("an average needs at least one member")
        target, labels = np.asarray(y, dtype=float), None if groups is None else np.asarray(groups)
        by_member = [
            fit_sets_of_rows(member, X, target, trains, labels, sample_weight, y_sd) for member in self.members
        ]
        fitted = []
        for i in range(len(trains)):
            model = AverageModel(self.members)
            model.members_ = [models[i] for models in by_member]
            model.n_features_in_ = X.shape[1]
            fitted.append(model)
        return fitted

    def predict(self, X: Any) -> FloatArray:
        """Mean prediction, shape (n_rows,)."""
        check_is_fitted(self)
        return np.mean([member.predict(X) for member in self.members_], axis=0)

    def predict_spread(self, X: Any) -> tuple[FloatArray, FloatArray | None]:
        """Mean prediction and the standard deviation of the members' mixture (`mixture_spread`)."""
        check_is_fitted(self)
        return mixture_spread([predict_with_spread(member, X) for member in self.members_])


def _inner_splits(n: int, n_folds: int, seed: int, groups: NDArray[Any] | None) -> tuple[Split, ...]:
    n_units = n if groups is None else len(set(groups.tolist()))
    if groups is not None and n_units < 2:
        groups, n_units = None, n
    if n_units < 2:
        raise StudyError("choosing among models needs at least two training rows")
    return k_fold(n, min(n_folds, n_units), seed, groups).splits


def _held_out(
    candidates: Sequence[Any],
    X: Any,
    y: FloatArray,
    trains: Sequence[IntArray],
    inner: Sequence[tuple[Split, ...]],
    groups: NDArray[Any] | None,
    sample_weight: FloatArray | None,
    y_sd: FloatArray | None,
) -> list[FloatArray]:
    """Predictions of every candidate for the rows of each training set by inner folds, (n_candidates, n_train) each.

    All inner fits of a candidate go in one call.
    """
    out = [np.empty((len(candidates), len(rows))) for rows in trains]
    flat = [(i, split) for i, splits in enumerate(inner) for split in splits]
    for c, candidate in enumerate(candidates):
        inner_trains = [trains[i][split.train] for i, split in flat]
        models = fit_sets_of_rows(candidate, X, y, inner_trains, groups, sample_weight, y_sd)
        for model, (i, split) in zip(models, flat, strict=True):
            out[i][c, split.test] = np.asarray(model.predict(take(X, trains[i][split.test])), dtype=float)
    return out


def _scoring_weights(y: FloatArray, sample_weight: FloatArray | None, y_sd: FloatArray | None) -> FloatArray:
    weights = row_weights(y, sample_weight, y_sd)
    return np.full(len(y), 1.0 / len(y)) if weights is None else weights / weights.sum()


class BestOf(_Combination):
    """Choose among candidates by cross-validation inside the training rows, then refit the chosen one.

    Nested validation is this estimator inside `evaluate`: the choice never sees a row that the outer fold
    scores. The candidate with the least (weighted) squared error over the inner folds wins; the first of equals.

    Parameters
    ----------
    candidates : list of scikit-learn regressors
        What to choose from, for example one model with different settings.
    labels : list of str, optional
        Their names, for reports.
    n_folds : int
        Inner folds; fewer if there are fewer rows or groups.
    seed : int
        Of the inner folds.

    Attributes
    ----------
    best_index_ : int
        Which candidate was chosen.
    best_label_ : str
        Its label.
    inner_mse_ : ndarray, shape (n_candidates,)
        Mean squared error over the inner folds.
    """

    about: ClassVar[Kind] = Kind(
        "best_of",
        "the member with the least inner cross-validation error, chosen inside each training fold",
        {"members": Option(None, "estimators to choose among", holds="estimators"), "folds": _FOLDS},
        lambda options, seed, build: BestOf(
            _members(options, seed, build), _labels(options), n_folds=int(options["folds"]), seed=seed
        ),
        on_columns=False,
        nested_choice=True,
    )
    blueprints: ClassVar[tuple[str, ...]] = ("candidates",)

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that any of them looks at."""
        return set().union(*(columns_read(model, list(columns)) for model in self.candidates))

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted winner; see `terms_inside`."""
        yield from terms_inside(self.model_)

    def __init__(self, candidates: list[Any], labels: list[str] | None = None, n_folds: int = 5, seed: int = 0) -> None:
        self.candidates = candidates
        self.labels = labels
        self.n_folds = n_folds
        self.seed = seed

    def fit_many(
        self,
        X: Any,
        y: ArrayLike,
        trains: Sequence[IntArray],
        groups: ArrayLike | None = None,
        sample_weight: FloatArray | None = None,
        y_sd: FloatArray | None = None,
    ) -> list[BestOf]:
        """One fitted clone for each training set; all inner fits of a candidate go in one call."""
        if not self.candidates:
            raise StudyError("choosing among models needs at least one candidate")
        target = np.asarray(y, dtype=float)
        labels = None if groups is None else np.asarray(groups)
        inner = [
            _inner_splits(len(rows), self.n_folds, self.seed, None if labels is None else labels[rows])
            for rows in trains
        ]
        predicted = _held_out(self.candidates, X, target, trains, inner, labels, sample_weight, y_sd)
        names = self.labels or [f"candidate {i}" for i in range(len(self.candidates))]
        fitted: list[BestOf] = []
        for rows, guess in zip(trains, predicted, strict=True):
            model = BestOf(self.candidates, self.labels, self.n_folds, self.seed)
            counts = _scoring_weights(target[rows], part_of(sample_weight, rows), part_of(y_sd, rows))
            model.inner_mse_ = (guess - target[rows]) ** 2 @ counts
            finite = np.where(np.isfinite(model.inner_mse_), model.inner_mse_, np.inf)
            model.best_index_ = int(np.argmin(finite))
            model.best_label_ = names[model.best_index_]
            model.n_features_in_ = X.shape[1]
            fitted.append(model)
        for c, candidate in enumerate(self.candidates):
            mine = [i for i, model in enumerate(fitted) if model.best_index_ == c]
            if mine:
                mine_trains = [trains[i] for i in mine]
                refitted = fit_sets_of_rows(candidate, X, target, mine_trains, labels, sample_weight, y_sd)
                for i, chosen in zip(mine, refitted, strict=True):
                    fitted[i].model_ = chosen
        return fitted

    def predict(self, X: Any) -> FloatArray:
        """Predictions of the chosen model, shape (n_rows,)."""
        check_is_fitted(self)
        return np.asarray(self.model_.predict(X))

    def predict_spread(self, X: Any) -> tuple[FloatArray, FloatArray | None]:
        """Predictions of the chosen model and its own standard deviation, if it has one."""
        check_is_fitted(self)
        return predict_with_spread(self.model_, X)


class StackModel(_Combination):
    """A weighted sum or the mean of several models, used only if it beats the best of them inside the training rows.

    Inner folds give every training row a prediction of each member that never saw it. Three ways of using the members
    are then judged on these rows: each member alone, their plain mean, and a stack: the sum with the weights >= 0 of
    least squared error. A stack that is scored on the rows it was fitted to always looks good, and so does the best of
    several members, so both are judged across the inner folds: weights, and which member is best, are taken from the
    other folds only. The mean or the stack is used if its error is below that of "the best member"; otherwise the
    member with the least inner error is.

    Parameters
    ----------
    members : list of scikit-learn regressors
        At least two.
    labels : list of str, optional
        Their names, for reports.
    n_folds : int
        Inner folds; fewer if there are fewer rows or groups.
    seed : int
        Of the inner folds.

    Attributes
    ----------
    weights_ : ndarray, shape (n_members,)
        Of each member in the prediction.
    used_ : str
        "stack", "mean" or the label of the one member that is used.
    inner_mse_ : dict of str to float
        Mean squared error over the inner folds of "stack", "mean", "best member" and each member by its label.

    Notes
    -----
    Breiman, Machine Learning 24, 49 (1996): weights >= 0 from held-out predictions.
    """

    about: ClassVar[Kind] = Kind(
        "stack",
        "weighted sum or mean of the members, where it beats the best of them inside the training rows",
        {"members": Option(None, "estimators to stack", holds="estimators"), "folds": _FOLDS},
        lambda options, seed, build: StackModel(
            _members(options, seed, build), _labels(options), n_folds=int(options["folds"]), seed=seed
        ),
        on_columns=False,
        references=("Breiman1996Stacked",),
    )
    blueprints: ClassVar[tuple[str, ...]] = ("members",)

    def columns_read(self, columns: Sequence[str]) -> set[str]:
        """Columns of a table that any of them looks at."""
        return set().union(*(columns_read(model, list(columns)) for model in self.members))

    def exact_terms(self) -> Iterator[Term]:
        """Terms of the fitted members that are used; see `terms_inside`."""
        for member, weight in zip(self.members_, self.weights_.tolist(), strict=True):
            if weight != 0:
                yield from scaled(terms_inside(member), weight)

    def __init__(self, members: list[Any], labels: list[str] | None = None, n_folds: int = 5, seed: int = 0) -> None:
        self.members = members
        self.labels = labels
        self.n_folds = n_folds
        self.seed = seed

    def fit_many(
        self,
        X: Any,
        y: ArrayLike,
        trains: Sequence[IntArray],
        groups: ArrayLike | None = None,
        sample_weight: FloatArray | None = None,
        y_sd: FloatArray | None = None,
    ) -> list[StackModel]:
        """One fitted clone for each training set; all inner fits of a member go in one call."""
        if len(self.members) < 2:
            raise StudyError("a stack needs at least two members")
        target = np.asarray(y, dtype=float)
        labels = None if groups is None else np.asarray(groups)
        inner = [
            _inner_splits(len(rows), self.n_folds, self.seed, None if labels is None else labels[rows])
            for rows in trains
        ]
        predicted = _held_out(self.members, X, target, trains, inner, labels, sample_weight, y_sd)
        fitted: list[StackModel] = []
        for rows, guess, splits in zip(trains, predicted, inner, strict=True):
            model = StackModel(self.members, self.labels, self.n_folds, self.seed)
            counts = _scoring_weights(target[rows], part_of(sample_weight, rows), part_of(y_sd, rows))
            model._weigh(guess, target[rows], counts, splits)
            model.members_ = [None] * len(self.members)
            model.n_features_in_ = X.shape[1]
            fitted.append(model)
        for c, member in enumerate(self.members):
            mine = [i for i, model in enumerate(fitted) if model.weights_[c] > 0]
            if mine:
                mine_trains = [trains[i] for i in mine]
                refitted = fit_sets_of_rows(member, X, target, mine_trains, labels, sample_weight, y_sd)
                for i, done in zip(mine, refitted, strict=True):
                    fitted[i].members_[c] = done
        return fitted

    def _weigh(self, guess: FloatArray, y: FloatArray, counts: FloatArray, splits: Sequence[Split]) -> None:
        """Decide what is used; guess (n_members, n_rows) holds predictions of rows the members did not see."""
        n_members = len(guess)
        names = self.labels or [f"member {i}" for i in range(n_members)]
        squares = (guess - y) ** 2
        alone = squares @ counts
        mean = float((guess.mean(axis=0) - y) ** 2 @ counts)
        stack = best = 0.0
        for split in splits:
            rest = split.train
            weights = _nonnegative(guess[:, rest], y[rest], counts[rest])
            stack += float((weights @ guess[:, split.test] - y[split.test]) ** 2 @ counts[split.test])
            leader = int(np.argmin(squares[:, rest] @ counts[rest]))
            best += float(squares[leader, split.test] @ counts[split.test])
        self.inner_mse_ = dict(zip(names, alone.tolist(), strict=True))
        self.inner_mse_ |= {"mean": mean, "stack": stack, "best member": best}
        if min(mean, stack) < best:
            self.used_ = "mean" if mean <= stack else "stack"
            self.weights_ = np.full(n_members, 1.0 / n_members) if mean <= stack else _nonnegative(guess, y, counts)
        else:
            leader = int(np.argmin(alone))
            self.used_ = names[leader]
            self.weights_ = np.eye(n_members)[leader]

    def predict(self, X: Any) -> FloatArray:
        """Weighted sum of the predictions of the members that are used, shape (n_rows,)."""
        check_is_fitted(self)
        used = np.flatnonzero(self.weights_ > 0)
        return np.asarray(self.weights_[used] @ np.array([self.members_[i].predict(X) for i in used]))

    def predict_spread(self, X: Any) -> tuple[FloatArray, FloatArray | None]:
        """Prediction and the standard deviation of the mixture of the members that are used (`mixture_spread`)."""
        check_is_fitted(self)
        used = np.flatnonzero(self.weights_ > 0)
        return mixture_spread([predict_with_spread(self.members_[i], X) for i in used], self.weights_[used])


def _nonnegative(guess: FloatArray, y: FloatArray, counts: FloatArray) -> FloatArray:
    """Weights >= 0 with sum 1 of least weighted squared error; equal weights if least squares gives none.

    The targets are taken from their mean, so that weights don't stand in for a constant; the sum is made 1, because
    members that predict the same quantity should be averaged, not scaled.
    """
    share = counts / counts.sum() if counts.sum() > 0 else np.full(len(y), 1.0 / len(y))
    root, about = np.sqrt(share), float(share @ y)
    # A stiff extra row holds the sum at 1 (to about 1e-4) without another solver.
    stiff = 100.0 * (float(np.sqrt(share @ (y - about) ** 2)) or 1.0)
    rows = np.vstack([((guess - about) * root).T, np.full(len(guess), stiff)])
    weights, _ = nnls(rows, np.append((y - about) * root, stiff))
    total = float(weights.sum())
    return np.asarray(weights / total if total > 0 else np.full(len(guess), 1.0 / len(guess)))
