"""`LifetimePredictor` of perospin 0.1: works for one more version; ask the study `lifetimes` instead."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perospin.studies.study import Study

if TYPE_CHECKING:
    from perospin.studies.predicting.prediction import Prediction
    from perospin.studies.predicting.predictor import Predictor

__all__ = ["LifetimePredictor"]


@dataclass(frozen=True, eq=False)
class LifetimePredictor:
    """The study `lifetimes`, fitted.

    Attributes
    ----------
    predictor : Predictor
    """

    predictor: Predictor

    @classmethod
    def fit(cls) -> LifetimePredictor:
        """Fit on all records."""
        warnings.warn(
            "'LifetimePredictor' goes: use Study.load('lifetimes').predict(formula, quantity=..., temperature_k=...)",
            DeprecationWarning,
            stacklevel=2,
        )
        return cls(Study.load("lifetimes").predictor())

    def predict(self, formula: str, quantity: str = "tau_spin", *, ions: Any = None, **conditions: Any) -> Prediction:
        """Predict one material; conditions as `perospin.studies.lifetimes.question` takes them."""
        return self.predictor.predict(formula, ions, conditions={"quantity": quantity, **conditions})
