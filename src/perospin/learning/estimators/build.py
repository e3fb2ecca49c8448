"""Estimators from plain specifications, as study files declare them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

from perospin.errors import StudyError
from perospin.learning.estimators.columns import ColumnModel
from perospin.learning.estimators.combine import BestOf
from perospin.learning.estimators.kinds.kind import Kind, columns_read
from perospin.learning.estimators.listed import KINDS, maker
from perospin.learning.estimators.tuning import search_points
from perospin.learning.options import Option

__all__ = ["KINDS", "Kind", "build_estimator", "check_estimator_spec", "used_columns"]

# Keys that every specification may carry beside the options of its kind.
_SEARCH = ("tune", "tune_folds", "tune_budget")
_COMMON = ("kind", "name", "features", "screen", *_SEARCH)
_EVERYWHERE: Mapping[str, Option] = {
    "screen": Option(None, "largest |Pearson r| between two columns", above=0.0, high=1.0, none=True),
    "tune_folds": Option(5, "inner folds of the search", low=2, high=1000, whole=True),
    "tune_budget": Option(None, "settings that the search looks at", low=1, high=1_000_000, whole=True, none=True),
}


def build_estimator(spec: Mapping[str, Any], seed: int) -> Any:
    """Make an unfitted estimator from a plain specification.

    Parameters
    ----------
    spec : mapping
        ``kind`` (one of `KINDS`); optionally ``features`` (list of columns), ``screen`` (Pearson limit),
        ``tune`` (``{option: [values]}``: chosen by inner cross-validation within the training rows, grouped as
        the outer folds; ``features`` and ``screen`` may be tuned too), ``tune_folds`` (5), ``tune_budget`` (how many
        settings to look at, for ranges ``{low, high, log}`` and large grids: see `search_points`), ``name`` (ignored
        here); and the kind's own options.
    seed : int
        Of everything random in the estimator.

    Returns
    -------
    scikit-learn regressor
        ``fit(X, y)`` takes a DataFrame of descriptor columns (or an array) and a target.

    Raises
    ------
    StudyError
        For an unknown kind or option; the message lists what exists.
    """
    number: Any = seed
    if isinstance(number, bool) or not isinstance(number, Integral) or not 0 <= int(number) < 2**32:
        raise StudyError(f"the seed of an estimator must be a whole number from 0 to 4294967295, not {seed!r}")
    check_estimator_spec(spec)
    return _built(spec, int(seed))


def check_estimator_spec(spec: Any) -> None:
    """Refuse a specification that no estimator can be made from, before anything is computed.

    Parameters
    ----------
    spec : mapping
        As `build_estimator` takes it; specifications inside it are checked too.

    Raises
    ------
    StudyError
        For an unknown kind or option, or a value that an option doesn't take; the message says what is allowed.
    """
    if not isinstance(spec, Mapping):
        raise StudyError(f"an estimator is declared by a table with a 'kind', not by {spec!r}")
    kind = _kind(spec)
    grid = spec.get("tune")
    if grid:
        budget = spec.get("tune_budget")
        counted = isinstance(budget, int) and not isinstance(budget, bool) and budget > 1
        search_points(grid, 1 if counted else budget, 0)  # one point is enough to see whether the table is usable
        _check_keys(kind, {**spec, **dict.fromkeys(grid)})
        for name, values in grid.items():
            for value in (values["low"], values["high"]) if isinstance(values, Mapping) else values:
                _check_keys(kind, {name: value})
                _check_value(kind, name, value)
    _check_keys(kind, spec)
    for name, value in spec.items():
        _check_value(kind, name, value)
    for inner in kind.inner(spec):
        if inner != "none":
            check_estimator_spec({"kind": inner} if isinstance(inner, str) else inner)


def _built(spec: Mapping[str, Any], seed: int) -> Any:
    fixed = {k: v for k, v in spec.items() if k not in _SEARCH}
    grid = spec.get("tune")
    if not grid:
        return _plain(fixed, seed)
    combinations = search_points(grid, spec.get("tune_budget"), seed)
    labels = [", ".join(f"{k} = {v}" for k, v in combination.items()) for combination in combinations]
    candidates = [_plain({**fixed, **combination}, seed) for combination in combinations]
    return BestOf(candidates, labels, n_folds=int(spec.get("tune_folds", 5)), seed=seed)


def _kind(spec: Mapping[str, Any]) -> Kind:
    name = spec.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        raise StudyError(f"unknown kind of estimator {name!r}; known are {', '.join(KINDS)}")
    return KINDS[name]


def _check_keys(kind: Kind, spec: Mapping[str, Any]) -> None:
    for key in spec:
        if key not in _COMMON and key not in kind.says:
            options = ", ".join(kind.says) or "none"
            raise StudyError(f"unknown option '{key}' of the estimator '{kind.name}'; its options are: {options}")
        if key in ("features", "screen") and spec[key] is not None and not kind.on_columns and key not in kind.takes:
            raise StudyError(f"the estimator '{kind.name}' has no use for '{key}': leave it out")
    features = spec.get("features")
    if features is not None and not (isinstance(features, list | tuple) and all(isinstance(f, str) for f in features)):
        raise StudyError(f"'features' of the estimator '{kind.name}' must be a list of column names")


def _check_value(kind: Kind, name: str, value: Any) -> None:
    option = kind.says.get(name) or _EVERYWHERE.get(name)
    if option is not None and not option.allows(value):
        written = str(value) if len(str(value)) <= 60 else f"{str(value)[:57]}..."
        raise StudyError(
            f"{name} = {written} of the estimator '{kind.name}' is not allowed; it is {option.allowed} ({option.says})"
        )


def _plain(spec: Mapping[str, Any], seed: int) -> Any:
    kind = _kind(spec)
    features, screen = spec.get("features"), spec.get("screen")
    features = None if features is None else list(features)
    options = {**kind.options, **{k: v for k, v in spec.items() if k not in _COMMON}}
    options |= {key: value for key, value in (("features", features), ("screen", screen)) if key in kind.takes}
    try:
        model = maker(kind)(options, seed, _built)
    except (TypeError, ValueError) as error:
        raise StudyError(f"a bad option of the estimator '{spec['kind']}': {error}") from error
    if not kind.on_columns:
        return model
    return ColumnModel(model, features, screen, scale_target=kind.scale_target)


def used_columns(estimator: Any, columns: list[str]) -> list[str]:
    """Columns of the table that an estimator looks at, in the table's order.

    Parameters
    ----------
    estimator : scikit-learn regressor
        As made by `build_estimator`; anything else is taken to use every column.
    columns : list of str
        All columns of the table.
    """
    used = columns_read(estimator, columns)
    return [c for c in columns if c in used]
