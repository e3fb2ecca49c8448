"""Goodness of a fit, and whether its residuals look like noise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from perospin.fitting.arrays import Float

__all__ = ["diagnose", "goodness", "quantile"]


def quantile(level: float, dof: float, known_sigma: bool) -> float:
    """Half width of an interval of probability `level` in standard errors: normal, or Student's t with `dof`."""
    from scipy import stats

    p = 0.5 + level / 2.0
    return float(stats.norm.ppf(p) if known_sigma or dof > 1e4 else stats.t.ppf(p, max(dof, 1.0)))


def goodness(
    y: Float, residual: Float, chi2: float, n_parameters: int, known_sigma: bool, unit: float = 1.0
) -> dict[str, float]:
    """Statistics of a fit.

    Parameters
    ----------
    y, residual
        Data and unweighted residuals, finite ones only.
    chi2
        Sum of squared weighted residuals (weights 1 without sigma).
    n_parameters
        Free parameters, amplitudes included.
    known_sigma
        Whether `chi2` is in units of known uncertainties.
    unit
        What `y` and `residual` are measured in, and without known uncertainties the root of `chi2`.
    """
    n, k = y.size, n_parameters
    dof = n - k
    total = float(np.sum((y - y.mean()) ** 2))
    rss = float(np.sum(residual**2))
    if known_sigma:
        deviance, count = chi2, k
    else:
        deviance, count = (
            n * (math.log(max(chi2 / n, 1e-300)) + 2.0 * math.log(unit)),
            k + 1,
        )  # the scatter counts as a parameter
    spare = n - count - 1
    if not known_sigma and unit != 1.0:
        chi2 = chi2 * unit * unit  # may be infinite: a sum of squares beyond the largest number
    return {
        "n_points": n,
        "n_parameters": k,
        "degrees_of_freedom": dof,
        "chi2": chi2,
        "reduced_chi2": chi2 / dof if dof > 0 else math.nan,
        "r2": 1.0 - rss / total if total > 0 else math.nan,
        "aicc": deviance + 2 * count + (2 * count * (count + 1) / spare if spare > 0 else math.inf),
        "bic": deviance + count * math.log(n),
        "noise": unit * math.sqrt(rss / dof) if dof > 0 else math.nan,
    }


def diagnose(residual: Float, x: Float | None) -> tuple[dict[str, Any], list[str]]:
    """Residual diagnostics and the sentences they call for.

    Parameters
    ----------
    residual
        Weighted residuals, one column a data set, in the order of the abscissa; (n, m).
    x
        Abscissa (n,), to say where the largest residual is.
    """
    centred = residual[:, np.linalg.norm(residual, axis=0) > 0]
    n = len(residual)
    if centred.size == 0 or n < 5:
        return {}, []
    squares = np.sum(centred**2)
    durbin_watson = float(np.sum(np.diff(centred, axis=0) ** 2) / squares)
    signs = centred > 0
    positive, negative = signs.sum(axis=0).astype(float), (~signs).sum(axis=0).astype(float)
    runs = 1.0 + (signs[1:] != signs[:-1]).sum(axis=0)
    mean = 2 * positive * negative / n + 1
    variance = (mean - 1) * (mean - 2) / (n - 1)
    z = float(np.sum(runs - mean) / math.sqrt(max(float(variance.sum()), 1e-12)))
    scale = math.sqrt(float(squares) / centred.size)
    worst = np.unravel_index(int(np.argmax(np.abs(residual))), residual.shape)
    largest = float(residual[worst] / scale)
    found: dict[str, Any] = {"durbin_watson": durbin_watson, "runs_z": z, "largest_residual": largest}
    warnings = []
    if x is not None:
        found["largest_residual_at"] = float(x[worst[0]])
    # both see what the model misses: the signs count long runs, Durbin and Watson's number also their size
    drifts = durbin_watson < 1.5 and (1.0 - 0.5 * durbin_watson) * math.sqrt(centred.size) > 5.0
    if z < -4.0 or drifts:
        warnings.append(
            f"the residuals are not noise: neighbours miss the fit alike (runs test z = {z:.1f}, Durbin-Watson "
            f"{durbin_watson:.2f}, near 2 if all is well); the model misses something, and its uncertainties are too "
            "small"
        )
    if abs(largest) > 6.0:
        where = f" at {x[worst[0]]:.6g}" if x is not None else ""
        warnings.append(
            f"one point{where} lies {abs(largest):.1f} standard deviations off: an outlier? try robust=True"
        )
    return found, warnings
