"""How sure a model is of itself."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin._optional import is_a

__all__ = ["mixture_spread", "predict_with_spread"]

FloatArray = NDArray[np.float64]


def predict_with_spread(model: Any, X: Any) -> tuple[FloatArray, FloatArray | None]:
    """Predictions of a fitted model and its own standard deviation of each, in the target space.

    What the deviation stands for depends on the kind: Gaussian processes, ridge, formulas, heteroscedastic networks,
    class rules and the mean include the scatter of a new row about the law; plain network ensembles and random forests
    only say how far their members differ. It says where a model is less sure; whether it is right is for a
    calibration on held-out rows to say.

    Parameters
    ----------
    model : fitted regressor
        Any; ``predict_spread(X)`` is used where it exists, else ``predict(X, return_std=True)``.
    X : DataFrame or ndarray, shape (n_rows, n_columns)
        Rows to predict.

    Returns
    -------
    mean : ndarray, shape (n_rows,)
    sd : ndarray, shape (n_rows,), or None
        None if the model has no spread of its own.
    """
    if hasattr(model, "predict_spread"):
        mean, sd = model.predict_spread(X)
    elif "return_std" in signature(model.predict).parameters:
        mean, sd = model.predict(X, return_std=True)
    elif is_a(model, "sklearn", "RandomForestRegressor"):
        mean = model.predict(X)
        sd = np.std([tree.predict(X) for tree in model.estimators_], axis=0)
    else:
        mean, sd = model.predict(X), None
    n_rows = len(X)
    mean = np.asarray(mean, dtype=float).reshape(n_rows)
    return mean, None if sd is None else np.asarray(sd, dtype=float).reshape(n_rows)


def mixture_spread(
    parts: list[tuple[FloatArray, FloatArray | None]], weights: FloatArray | None = None
) -> tuple[FloatArray, FloatArray | None]:
    """Mean and standard deviation of a mixture of models, from `predict_with_spread` of each.

    The variance is the weighted mean of the members' variances (of those that have one) plus the variance of their
    means; None if no member of positive weight has a spread of its own.

    Parameters
    ----------
    parts : list of (mean, sd)
        Of each member.
    weights : ndarray, shape (n_members,), optional
        At least 0; equal if None. The mean uses them as they are, the spread scaled to sum 1.
    """
    means = np.array([mean for mean, _ in parts])
    share = np.full(len(parts), 1.0 / len(parts)) if weights is None else np.asarray(weights, dtype=float)
    mean = np.asarray(means.mean(axis=0) if weights is None else share @ means)
    known = [(sd, w) for (_, sd), w in zip(parts, share, strict=True) if sd is not None and w > 0]
    if not known:
        return mean, None
    own = np.average([sd**2 for sd, _ in known], axis=0, weights=[w for _, w in known])
    centre = np.average(means, axis=0, weights=share)
    between = np.average((means - centre) ** 2, axis=0, weights=share)
    return mean, np.sqrt(own + between)
