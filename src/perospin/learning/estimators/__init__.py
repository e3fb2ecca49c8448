"""Estimators with the scikit-learn interface, and how study files name them."""

from __future__ import annotations

from perospin.learning.estimators.build import KINDS, Kind, build_estimator, used_columns
from perospin.learning.estimators.columns import ColumnModel
from perospin.learning.estimators.combine import AverageModel, BestOf
from perospin.learning.estimators.folds import fit_each
from perospin.learning.estimators.gp import GaussianProcess
from perospin.learning.estimators.mlp import MLPEnsemble
from perospin.learning.estimators.rules import FamilyMean, TwoClassRule, TwoStage
from perospin.learning.estimators.structured_gp import StructuredGP

__all__ = [
    "KINDS",
    "AverageModel",
    "BestOf",
    "ColumnModel",
    "FamilyMean",
    "GaussianProcess",
    "Kind",
    "MLPEnsemble",
    "StructuredGP",
    "TwoClassRule",
    "TwoStage",
    "build_estimator",
    "fit_each",
    "used_columns",
]
