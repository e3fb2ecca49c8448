"""Learning from small tables: estimators, honest validation, screening, explanation, comparison.

The names below load on first use, so that importing the room costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "KINDS": "estimators",
    "BestOf": "estimators",
    "ColumnModel": "estimators",
    "FamilyMean": "estimators",
    "Formula": "estimators",
    "GaussianProcess": "estimators",
    "MLPEnsemble": "estimators",
    "PowerLaw": "estimators",
    "PriorAveragedGP": "estimators",
    "StackModel": "estimators",
    "StructuredGP": "estimators",
    "SymbolicRegression": "estimators",
    "TwoClassRule": "estimators",
    "TwoStage": "estimators",
    "AverageModel": "estimators",
    "build_estimator": "estimators",
    "fit_each": "estimators",
    "predict_with_spread": "estimators",
    "Evaluation": "validation",
    "Scheme": "validation",
    "Split": "validation",
    "evaluate": "validation",
    "in_sample": "validation",
    "k_fold": "validation",
    "forward_in_time": "validation",
    "leave_cluster_out": "validation",
    "repeated_k_fold": "validation",
    "descriptor_clusters": "clusters",
    "leave_one_group_out": "validation",
    "leave_one_out": "validation",
    "repeated_holdout": "validation",
    "tagged": "validation",
    "Scores": "metrics",
    "PearsonScreen": "screening",
    "PartResult": "result",
    "Prediction": "prediction",
    "Predictor": "prediction",
    "LifetimePredictor": "conditions",
    "load_model": "model_file",
    "ShapleyTable": "explain",
    "Study": "study",
    "StudyResult": "result",
    "exact_shapley": "explain",
    "explain_fitted": "explain",
    "explain_held_out": "explain",
    "partial_dependence": "dependence",
    "permutation_importance": "importance",
    "fit_intervals": "intervals",
    "nested_coverage": "coverage",
    "NoiseFloor": "comparison",
    "family_baseline": "comparison",
    "noise_floor": "comparison",
    "paired_bootstrap": "comparison",
    "permutation_test": "comparison",
    "y_shuffle": "comparison",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
