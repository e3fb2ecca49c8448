"""Estimators with the scikit-learn interface, and how study files name them."""

from __future__ import annotations

from perospin.learning.estimators.build import KINDS, Kind, build_estimator, check_estimator_spec, used_columns
from perospin.learning.estimators.columns import ColumnModel
from perospin.learning.estimators.combine import AverageModel, BestOf, StackModel
from perospin.learning.estimators.formulas.formulas import Constant, Formula
from perospin.learning.estimators.formulas.powers import PowerLaw
from perospin.learning.estimators.formulas.symbolic import SymbolicRegression
from perospin.learning.estimators.gaussian_processes.gaussian_process import GaussianProcess
from perospin.learning.estimators.gaussian_processes.prior_averaged import PriorAveragedGP
from perospin.learning.estimators.gaussian_processes.structured import StructuredGP
from perospin.learning.estimators.gaussian_processes.variance_components import VarianceComponents
from perospin.learning.estimators.mlp import MLPEnsemble
from perospin.learning.estimators.rules import FamilyMean, TrainingMean, TwoClassRule, TwoStage
from perospin.learning.estimators.steps import ClassLaw, ClassStep
from perospin.learning.training.folds import fit_each
from perospin.learning.training.spread import predict_with_spread
from perospin.learning.training.weights import supports

__all__ = [
    "KINDS",
    "AverageModel",
    "BestOf",
    "ClassLaw",
    "ClassStep",
    "ColumnModel",
    "Constant",
    "FamilyMean",
    "Formula",
    "GaussianProcess",
    "Kind",
    "MLPEnsemble",
    "PowerLaw",
    "PriorAveragedGP",
    "StackModel",
    "StructuredGP",
    "SymbolicRegression",
    "TrainingMean",
    "TwoClassRule",
    "TwoStage",
    "VarianceComponents",
    "build_estimator",
    "check_estimator_spec",
    "fit_each",
    "predict_with_spread",
    "supports",
    "used_columns",
]
