"""Training sets of a scheme, fitted here or shared out among the workers of an executor; the numbers are the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import StudyError
from perospin.learning.estimators import fit_each
from perospin.learning.training.folds import Progress, take

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["cluster", "predictions_of_sets", "sharing"]

_PIECES = 64
"""Pieces that a scheme is cut into at most: enough for a cluster, few enough for the way there and back."""


def predictions_of_sets(
    estimator: Any,
    X: Any,
    y: NDArray[np.float64],
    trains: Sequence[NDArray[np.int64]],
    scored: Sequence[NDArray[np.int64]],
    *,
    progress: Progress | None = None,
    executor: Executor | None = None,
    **options: Any,
) -> list[NDArray[np.float64]]:
    """Fit every training set and predict the rows that it is scored on.

    Parameters
    ----------
    estimator : scikit-learn regressor
        Left unfitted.
    X : DataFrame or ndarray, shape (n_rows, n_columns)
        All rows.
    y : ndarray, shape (n_rows,)
        Target.
    trains, scored : sequence of ndarray of int
        Row numbers that each model learns from, and those that it predicts.
    progress : callable, optional
        Called as ``progress(done, in_all)``.
    executor : Executor, optional
        Fits pieces of the list side by side. Each set is fitted by itself, so that the cut changes no number. Not for
        estimators that train many sets in one batch.
    **options
        What `perospin.learning.estimators.fit_each` takes besides.

    Returns
    -------
    list of ndarray
        Predictions in the order of `trains`.

    Raises
    ------
    StudyError
        If the cluster lost a piece several times over.
    """
    if executor is None or len(trains) < 2:
        return _fit_and_predict(estimator, X, y, trains, scored, options, progress)
    pieces = [part.tolist() for part in np.array_split(np.arange(len(trains)), min(_PIECES, len(trains)))]
    sent = {
        executor.submit(
            _fit_and_predict, estimator, X, y, [trains[i] for i in piece], [scored[i] for i in piece], options
        ): piece
        for piece in pieces
    }
    found: dict[int, NDArray[np.float64]] = {}
    try:
        for future in as_completed(sent):
            found.update(zip(sent[future], _answer(future), strict=True))
            if progress is not None:
                progress(len(found), len(trains))
    finally:
        for future in sent:
            future.cancel()  # nothing happens to one that has ended
    return [found[i] for i in range(len(trains))]


def _fit_and_predict(
    estimator: Any,
    X: Any,
    y: NDArray[np.float64],
    trains: Sequence[NDArray[np.int64]],
    scored: Sequence[NDArray[np.int64]],
    options: dict[str, Any],
    progress: Progress | None = None,
) -> list[NDArray[np.float64]]:
    # matrices here are small: more than one BLAS thread costs time, and a worker has one core
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        models = fit_each(estimator, X, y, trains, progress=progress, **options)
        return [
            np.asarray(model.predict(take(X, rows)), dtype=float).reshape(len(rows))
            for model, rows in zip(models, scored, strict=True)
        ]


def _answer(future: Future[list[NDArray[np.float64]]]) -> list[NDArray[np.float64]]:
    try:
        return future.result()
    except Exception as error:
        if type(error).__name__ not in ("KilledWorker", "CancelledError", "FutureCancelledError"):
            raise
        raise StudyError(
            "the cluster lost a piece of the study several times over (memory?); what was finished is kept: run the "
            "same command again to go on"
        ) from None


@contextmanager
def sharing(workers: int, scheduler: str | None) -> Iterator[Executor | None]:
    """Give what a run shares its folds with: a cluster, processes of this machine, or nothing."""
    if scheduler is not None:
        with cluster(scheduler) as executor:
            yield executor
        return
    if workers < 2:
        yield None
        return
    # Fresh interpreters, since JAX and XGBoost hold threads that a fork would leave hanging; and such as don't run the
    # caller's script a second time, as the standard library's do.
    from joblib.externals.loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def cluster(scheduler: str) -> AbstractContextManager[Executor]:
    """Connect to a running Dask scheduler; its workers must have the same perospin.

    Raises
    ------
    QuantumError
        If no scheduler answers, or a worker has another perospin.
    MissingExtraError
        If Dask isn't installed here.
    """
    from perospin.descriptors.quantum.cluster import dask_executor

    return dask_executor(scheduler, _code)


def _code() -> dict[str, str]:
    """Return what decides the numbers of a worker."""
    from perospin.studies.provenance import package_sha256, versions

    return {"perospin": package_sha256()[:12], **versions(("numpy", "scipy", "scikit-learn"))}
