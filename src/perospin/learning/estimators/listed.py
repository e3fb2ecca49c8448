"""The list of estimators: a new one is its class, a line here and a line in the manual.

What a study may ask for, what a model file may hold, what is cited and what is explained exactly is read from the
classes on this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perospin.learning.estimators.columns import ColumnModel
from perospin.learning.estimators.combine import AverageModel, BestOf, StackModel
from perospin.learning.estimators.formulas.powers import PowerLaw
from perospin.learning.estimators.formulas.symbolic import SymbolicRegression
from perospin.learning.estimators.gaussian_processes.gaussian_process import GaussianProcess
from perospin.learning.estimators.gaussian_processes.prior_averaged import PriorAveragedGP
from perospin.learning.estimators.gaussian_processes.structured import StructuredGP
from perospin.learning.estimators.gaussian_processes.variance_components import VarianceComponents
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.estimators.kinds.libraries import ELASTIC_NET, RANDOM_FOREST, SUPPORT_VECTORS, XGBOOST
from perospin.learning.estimators.linear import SpreadRidge
from perospin.learning.estimators.mlp import MLPEnsemble
from perospin.learning.estimators.rules import FamilyMean, TrainingMean, TwoClassRule, TwoStage
from perospin.learning.estimators.steps import ClassLaw, ClassStep

__all__ = ["KINDS", "LISTED", "file_classes", "file_parts", "maker"]

LISTED: tuple[Any, ...] = (
    TrainingMean,
    TwoClassRule,
    TwoStage,
    ClassStep,
    ClassLaw,
    FamilyMean,
    SpreadRidge,
    ELASTIC_NET,
    SUPPORT_VECTORS,
    RANDOM_FOREST,
    XGBOOST,
    GaussianProcess,
    StructuredGP,
    VarianceComponents,
    MLPEnsemble,
    PriorAveragedGP,
    SymbolicRegression,
    PowerLaw,
    AverageModel,
    BestOf,
    StackModel,
)
"""Estimators that a study can ask for, in the order in which they are named to people."""

_INSIDE = (ColumnModel,)
"""Estimators that perospin uses by itself."""

KINDS: Mapping[str, Kind] = {listed.about.name: listed.about for listed in LISTED}
"""Kinds of estimator by the name that a study writes."""


def maker(kind: Kind) -> Any:
    """Return what makes an estimator of this kind from all options, a seed and the maker of estimators inside it."""
    if kind.make is not None:
        return kind.make
    made = next(listed for listed in LISTED if listed.about is kind)
    seeded = "seed" in made._get_param_names()

    def make(options: Mapping[str, Any], seed: int, _: Any) -> Any:
        # lists of a study file where the class has a tuple by default
        plain = {k: tuple(v) if isinstance(kind.options.get(k), tuple) else v for k, v in options.items()}
        return made(**plain, **({"seed": seed} if seeded else {}))

    return make


def file_classes() -> dict[str, type]:
    """Return the classes of ours that a model file may hold as they are, by their names in it."""
    own = [item for item in (*LISTED, *_INSIDE) if isinstance(item, type) and not hasattr(item, "frozen_numbers")]
    return {item.__name__: item for item in sorted(own, key=lambda item: item.__name__)}


def file_parts() -> dict[str, type]:
    """Return the data classes that fitted estimators are made of, by their names in a file."""
    return {name: part for item in file_classes().values() for name, part in getattr(item, "parts", {}).items()}
