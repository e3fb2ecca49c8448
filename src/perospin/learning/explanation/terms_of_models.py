"""Take fitted models apart into terms, so that Shapley values are exact and fast."""

from __future__ import annotations

from typing import Any

from perospin.learning.estimators.kinds.terms import Term, UnknownTermsError, terms_inside


def terms_of(model: Any) -> list[Term] | None:
    """Terms of a fitted model that add up to its prediction, apart from a constant; None if its kind is not known.

    Parameters
    ----------
    model : fitted regressor
        As made by `build_estimator`.
    """
    try:
        return list(terms_inside(model))
    except UnknownTermsError:
        return None
