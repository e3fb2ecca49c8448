"""Estimators from plain specifications, as study files declare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet
from sklearn.svm import SVR

from perospin._optional import require
from perospin.errors import StudyError
from perospin.learning.estimators.columns import ColumnModel
from perospin.learning.estimators.combine import AverageModel, BestOf, StackModel
from perospin.learning.estimators.formulas.powers import EXPONENTS, PowerLaw
from perospin.learning.estimators.formulas.symbolic import OPERATIONS, FormulaModel, SymbolicRegression
from perospin.learning.estimators.gaussian_processes.gaussian_process import GaussianProcess
from perospin.learning.estimators.gaussian_processes.prior_averaged import PriorAveragedGP
from perospin.learning.estimators.gaussian_processes.structured import StructuredGP
from perospin.learning.estimators.linear import SpreadRidge
from perospin.learning.estimators.mlp import MLPEnsemble
from perospin.learning.estimators.option_values import check_values
from perospin.learning.estimators.rules import CLASS_COLUMNS, TrainingMean, TwoClassRule, TwoStage
from perospin.learning.estimators.tuning import search_points

__all__ = ["KINDS", "Kind", "build_estimator", "used_columns"]

Options = Mapping[str, Any]

# Keys that every specification may carry beside the options of its kind.
_SEARCH = ("tune", "tune_folds", "tune_budget")
_COMMON = ("kind", "name", "features", "screen", *_SEARCH)


@dataclass(frozen=True)
class Kind:
    """One kind of estimator that a study can ask for.

    Attributes
    ----------
    summary : str
        What it is, in one line.
    options : mapping
        Options with their defaults.
    make : callable
        Makes the estimator from all options and a seed.
    on_columns : bool
        True if the estimator works on arrays and is wrapped in a `ColumnModel`.
    scale_target : bool
        Whether that wrapper scales the target too.
    takes : tuple of str
        Which of ``features`` and ``screen`` a kind without that wrapper deals with itself.
    """

    summary: str
    make: Callable[[Options, int], Any]
    options: Options = field(default_factory=dict)
    on_columns: bool = True
    scale_target: bool = False
    takes: tuple[str, ...] = ()


def _xgboost(options: Options, seed: int) -> Any:
    regressor = require("xgboost", "boost").XGBRegressor
    return regressor(random_state=seed, n_jobs=1, tree_method="exact", **options)


def _two_stage(options: Options, seed: int) -> TwoStage:
    settings = dict(options)
    residual, features = settings.pop("residual"), settings.pop("features", None)
    screen, alpha = settings.pop("screen", None), settings.pop("alpha")
    if residual in (None, "none"):
        return TwoStage(None, **settings)
    inner = {"kind": residual} if isinstance(residual, str) else dict(residual)
    if inner.get("kind") == "ridge":
        inner.setdefault("alpha", alpha)
    inner.setdefault("features", features)
    inner.setdefault("screen", screen)
    return TwoStage(_plain(inner, seed), **settings)


def _members(options: Options) -> list[Mapping[str, Any]]:
    members = options["members"]
    if not isinstance(members, (list, tuple)) or not members:
        raise StudyError("an average, best_of or stack needs 'members', a list of estimator specifications")
    return list(members)


def _average(options: Options, seed: int) -> AverageModel:
    return AverageModel([build_estimator(m, seed + i) for i, m in enumerate(_members(options))])


def _best_of(options: Options, seed: int) -> BestOf:
    return BestOf(*_candidates(options, seed), n_folds=int(options["folds"]), seed=seed)


def _stack(options: Options, seed: int) -> StackModel:
    return StackModel(*_candidates(options, seed), n_folds=int(options["folds"]), seed=seed)


def _candidates(options: Options, seed: int) -> tuple[list[Any], list[str]]:
    members = _members(options)
    return [build_estimator(m, seed + i) for i, m in enumerate(members)], [
        str(m.get("name", m.get("kind"))) for m in members
    ]


KINDS: Mapping[str, Kind] = {
    "mean": Kind("mean of the training rows", lambda o, s: TrainingMean(), on_columns=False),
    "two_class_rule": Kind(
        "mean of the class: n = 1 with a monovalent spacer, or not",
        lambda o, s: TwoClassRule(**o),
        {"mean": "log", "classes": 2},
        on_columns=False,
    ),
    "two_stage": Kind(
        "shrunken class means, then a model of the residual",
        _two_stage,
        {"residual": "ridge", "alpha": 10.0, "shrinkage": 0.5, "classes": 3},
        on_columns=False,
        takes=("features", "screen"),
    ),
    "ridge": Kind("linear least squares with an L2 penalty", lambda o, s: SpreadRidge(**o), {"alpha": 1.0}),
    "elastic_net": Kind(
        "linear least squares with L1 and L2 penalties",
        lambda o, s: ElasticNet(max_iter=100_000, **o),
        {"alpha": 0.05, "l1_ratio": 0.5},
        scale_target=True,
    ),
    "svr": Kind(
        "support-vector regression, radial kernel",
        lambda o, s: SVR(**o),
        {"C": 3.0, "gamma": 0.1, "epsilon": 0.1},
    ),
    "random_forest": Kind(
        "random forest",
        lambda o, s: RandomForestRegressor(random_state=s, n_jobs=1, **o),
        {"n_estimators": 200, "min_samples_leaf": 2, "max_features": 1.0, "max_depth": None},
    ),
    "xgboost": Kind(
        "gradient-boosted trees (XGBoost)",
        _xgboost,
        {
            "n_estimators": 200,
            "max_depth": 2,
            "learning_rate": 0.05,
            "subsample": 0.8,
            "colsample_bytree": 0.8,
            "reg_lambda": 1.0,
            "min_child_weight": 1.0,
        },
    ),
    "gp": Kind(
        "Gaussian process with automatic relevance",
        lambda o, s: GaussianProcess(seed=s, **o),
        {
            "mode": "average",
            "n_particles": 2048,
            "n_chains": 64,
            "n_draws": 128,
            "selection": True,
            "n_starts": 2,
            "length_scale": 3.0,
            "length_spread": 1.0,
            "noise_share": 0.3,
            "noise_spread": 1.5,
            "likelihood": "gaussian",
            "dof": 4.0,
        },
    ),
    "structured_gp": Kind(
        "Gaussian process with a covariance of named kernels: a mean, and what modifies it",
        lambda o, s: StructuredGP(**o),
        {"kernels": {}, "terms": (), "max_iter": 100, "likelihood": "gaussian", "dof": 4.0},
        on_columns=False,
    ),
    "mlp_ensemble": Kind(
        "average of small neural networks",
        lambda o, s: MLPEnsemble(seed=s, **{**o, "hidden": tuple(o["hidden"])}),
        {
            "hidden": (12,),
            "members": 8,
            "steps": 1300,
            "learning_rate": 0.01,
            "alpha": 1.0,
            "activation": "tanh",
            "heteroscedastic": False,
        },
    ),
    "prior_gp": Kind(
        "Gaussian process averaged over draws from a prior, columns in declared physical scales",
        lambda o, s: PriorAveragedGP(seed=s, **o),
        {"scales": None, "n_draws": 8000, "relevance": 0.5},
        on_columns=False,
        takes=("features",),
    ),
    "symbolic": Kind(
        "formulas by genetic programming, simplified and refitted; the shortest description of the rows predicts",
        lambda o, s: SymbolicRegression(seed=s, **{**o, "operations": tuple(o["operations"])}),
        {"operations": OPERATIONS, "max_length": 12, "population": 500, "generations": 100},
        on_columns=False,
        takes=("features",),
    ),
    "power_law": Kind(
        "the best product of powers of a few columns, of all there are",
        lambda o, s: PowerLaw(**{**o, "exponents": tuple(o["exponents"])}),
        {"exponents": EXPONENTS, "max_columns": 3, "form": "log", "dimensionless": False},
        on_columns=False,
        takes=("features",),
    ),
    "average": Kind("mean of the members' predictions", _average, {"members": None}, on_columns=False),
    "best_of": Kind(
        "the member with the least inner cross-validation error, chosen inside each training fold",
        _best_of,
        {"members": None, "folds": 5},
        on_columns=False,
    ),
    "stack": Kind(
        "weighted sum or mean of the members, where it beats the best of them inside the training rows",
        _stack,
        {"members": None, "folds": 5},
        on_columns=False,
    ),
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
    if not isinstance(spec, Mapping):
        raise StudyError(f"an estimator is declared by a table with a 'kind', not by {spec!r}")
    grid = spec.get("tune")
    if not grid:
        return _plain({k: v for k, v in spec.items() if k not in _SEARCH}, seed)
    combinations = search_points(grid, spec.get("tune_budget"), seed)
    fixed = {k: v for k, v in spec.items() if k not in _SEARCH}
    _check(_kind(fixed), {**fixed, **dict.fromkeys(grid)}, fixed["kind"])
    labels = [", ".join(f"{k} = {v}" for k, v in combination.items()) for combination in combinations]
    candidates = [_plain({**fixed, **combination}, seed) for combination in combinations]
    return BestOf(candidates, labels, n_folds=int(spec.get("tune_folds", 5)), seed=seed)


def _kind(spec: Mapping[str, Any]) -> Kind:
    name = spec.get("kind")
    if not isinstance(name, str) or name not in KINDS:
        raise StudyError(f"unknown kind of estimator {name!r}; known are {', '.join(KINDS)}")
    return KINDS[name]


def _check(kind: Kind, spec: Mapping[str, Any], name: str) -> None:
    for key in spec:
        if key not in _COMMON and key not in kind.options:
            options = ", ".join(kind.options) or "none"
            raise StudyError(f"unknown option '{key}' of the estimator '{name}'; its options are: {options}")
        if key in ("features", "screen") and spec[key] is not None and not kind.on_columns and key not in kind.takes:
            raise StudyError(f"the estimator '{name}' has no use for '{key}': leave it out")


def _plain(spec: Mapping[str, Any], seed: int) -> Any:
    kind = _kind(spec)
    _check(kind, spec, spec["kind"])
    features, screen = spec.get("features"), spec.get("screen")
    if features is not None and (isinstance(features, str) or not all(isinstance(f, str) for f in features)):
        raise StudyError(f"'features' of the estimator '{spec['kind']}' must be a list of column names")
    features = None if features is None else list(features)
    options = {**kind.options, **{k: v for k, v in spec.items() if k not in _COMMON}}
    options |= {key: value for key, value in (("features", features), ("screen", screen)) if key in kind.takes}
    check_values(spec["kind"], options, kind.options)
    try:
        model = kind.make(options, seed)
        if hasattr(model, "_parameter_constraints"):
            model._validate_params()  # scikit-learn's own check, which it else makes when it fits
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
    used = _used(estimator, columns)
    return [c for c in columns if c in used]


def _used(estimator: Any, columns: list[str]) -> set[str]:
    if isinstance(estimator, TrainingMean):
        return set()
    if isinstance(estimator, (ColumnModel, PriorAveragedGP, FormulaModel)):
        return set(columns if estimator.features is None else estimator.features)
    if isinstance(estimator, TwoClassRule):
        return set(CLASS_COLUMNS)
    if isinstance(estimator, StructuredGP):
        return set(estimator.columns)
    if isinstance(estimator, TwoStage):
        return set(CLASS_COLUMNS) | (set() if estimator.model is None else _used(estimator.model, columns))
    if isinstance(estimator, (AverageModel, StackModel)):
        return set().union(*(_used(m, columns) for m in estimator.members))
    if isinstance(estimator, BestOf):
        return set().union(*(_used(m, columns) for m in estimator.candidates))
    return set(columns)
