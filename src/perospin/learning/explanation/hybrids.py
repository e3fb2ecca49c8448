"""Predictions of rows that borrow some columns from other rows, by the shortest way a model allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perospin.learning.estimators.kinds.terms import CallTerm, Term
from perospin.learning.explanation.terms_of_models import terms_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Borrower"]

FloatArray = NDArray[np.float64]

_TOLERANCE = 5e-7


@dataclass(frozen=True, eq=False)
class Borrower:
    """Rows of a fitted model, ready to borrow columns; only terms that read these columns are evaluated.

    Attributes
    ----------
    rows : DataFrame, shape (n_rows, n_columns)
        What the model reads of the rows.
    prediction : ndarray, shape (n_rows,)
        Of the rows as they are.
    terms : tuple of (Term, ndarray)
        See `perospin.learning.estimators.kinds.terms`; with each term its value for the rows as they are.
    """

    rows: pd.DataFrame
    prediction: FloatArray
    terms: tuple[tuple[Term, FloatArray], ...]

    @classmethod
    def of(cls, model: Any, rows: pd.DataFrame, check: pd.DataFrame) -> Borrower:
        """Take a fitted model apart, after checking on other rows (two or more) that its terms add up."""
        names = [str(c) for c in rows.columns]
        terms = terms_of(model)
        if terms is None or any(c not in names for t in terms for c in t.columns) or not _add_up(model, terms, check):

            def call(values: NDArray[Any]) -> FloatArray:
                import pandas as pd

                return np.asarray(model.predict(pd.DataFrame(values, columns=names)), dtype=float).reshape(len(values))

            terms = [CallTerm(tuple(names), lambda table: table[names].to_numpy(dtype=float), call)]
        prediction, first = np.asarray(model.predict(rows), dtype=float), rows.iloc[:1]
        return cls(rows, prediction, tuple((term, term.hybrids(rows, first, [])[:, 0]) for term in terms))

    def predict(self, others: pd.DataFrame, columns: Sequence[str]) -> FloatArray:
        """Predict each row with `columns` of each other row, shape (n_rows, n_others)."""
        out = np.repeat(self.prediction[:, None], len(others), axis=1)
        for term, own in self.terms:
            taken = [place for place, column in enumerate(term.columns) if column in columns]
            if taken:
                out += term.hybrids(self.rows, others, taken) - own[:, None]
        return out


def _add_up(model: Any, terms: Sequence[Term], rows: pd.DataFrame) -> bool:
    """Whether the terms differ between rows as the model does."""
    first = rows.iloc[:1]
    own = np.sum([term.hybrids(rows, first, [])[:, 0] for term in terms], axis=0) if terms else np.zeros(len(rows))
    apart = np.asarray(model.predict(rows), dtype=float) - own
    return bool(np.ptp(apart) <= _TOLERANCE * max(1.0, float(np.abs(apart).max())))
