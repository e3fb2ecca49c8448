"""Clusters of rows that have similar descriptors, for validation on regions of descriptor space never seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError

__all__ = ["descriptor_clusters"]

_MOST_CLUSTERS = 10
_LARGEST_SHARE = 0.5


def descriptor_clusters(X: ArrayLike, seed: int, k: int | None = None) -> NDArray[np.int64]:
    """Give each row the number of its cluster by k-means on standardised columns.

    If `k` is not given it is the number from 3 to 10 with the largest mean silhouette among those whose largest
    cluster holds at most half of the rows (a larger one leaves too little to train on); if none does, the one whose
    largest cluster is smallest. Rows with equal descriptors always fall into one cluster.

    Parameters
    ----------
    X : array_like, shape (n_rows, n_columns)
        Descriptors; a missing value stands at the column's median, constant columns play no part.
    seed : int
        Of the starting points of k-means.
    k : int, optional
        Number of clusters.

    Returns
    -------
    ndarray of int, shape (n_rows,)
        Clusters are numbered by their first row.

    Raises
    ------
    StudyError
        If there are fewer different rows than clusters.
    """
    points = _standardised(X)
    _, first = np.unique(points, axis=0, return_index=True)
    n_different = len(first)
    if n_different < 2 or (k is not None and not 2 <= k <= n_different):
        asked = "at least two clusters need" if k is None else f"{k} clusters need"
        raise StudyError(
            f"{asked} as many rows with different descriptors (and at least 2 clusters); the table has {n_different}"
        )
    if k is not None:
        return _k_means(points, k, seed)
    if n_different <= 3:
        return _k_means(points, n_different, seed)
    from sklearn.metrics import silhouette_score

    best: tuple[tuple[bool, float], NDArray[np.int64]] | None = None
    for count in range(3, min(_MOST_CLUSTERS, n_different - 1) + 1):
        labels = _k_means(points, count, seed)
        share = float(np.bincount(labels).max()) / len(labels)
        fits = share <= _LARGEST_SHARE
        # the margin keeps the choice from hanging on rounding: of equals the smaller number of clusters
        worth = (fits, round(float(silhouette_score(points, labels)), 9) if fits else -share)
        if best is None or worth > best[0]:
            best = (worth, labels)
    assert best is not None  # there are at least 4 different rows
    return best[1]


def _standardised(X: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(X, dtype=float)
    known = np.isfinite(values)
    values = values[:, known.any(axis=0)]
    if values.shape[1] == 0:
        return np.zeros((len(values), 1))
    values = np.where(np.isfinite(values), values, np.nanmedian(values, axis=0))
    spread = values.std(axis=0)
    varies = spread > 1e-12 * np.maximum(1.0, np.abs(values).max(axis=0))
    if not varies.any():
        return np.zeros((len(values), 1))
    return np.asarray((values[:, varies] - values[:, varies].mean(axis=0)) / spread[varies])


def _k_means(points: NDArray[np.float64], k: int, seed: int) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans

    labels = KMeans(n_clusters=k, n_init=20, random_state=seed).fit_predict(points)
    known: dict[int, int] = {}
    return np.array([known.setdefault(int(label), len(known)) for label in labels], dtype=np.int64)
