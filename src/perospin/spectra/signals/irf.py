r"""Decays seen through the instrument response, in forms that never overflow.

A decay that starts at time zero, convolved with a Gaussian of standard deviation sigma,

.. math:: f(t)=\tfrac12e^{\sigma^2/2\tau^2-t/\tau}\,\mathrm{erfc}(u)=\tfrac12e^{-t^2/2\sigma^2}\,\mathrm{erfcx}(u),
          \qquad u=\frac1{\sqrt2}\Big(\frac\sigma\tau-\frac t\sigma\Big):

for u < 0 the first form is used, else the second. The product of exp and erfc in the first form alone is 0 times
infinity for a decay of 80 fs at -60 ps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from perospin.errors import FitError
from perospin.fitting.arrays import Float, Numeric, erfcx, namespace, real

__all__ = ["FWHM_PER_SIGMA", "MeasuredResponse", "gaussian_decay", "gaussian_pulse", "gaussian_step", "sharp_decay"]

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
_ROOT2 = math.sqrt(2.0)


def _erfc(x: Any) -> Any:
    if namespace(x) is np:
        from scipy.special import erfc

        return erfc(x)
    from jax.scipy.special import erfc as jax_erfc

    return jax_erfc(x)


def gaussian_decay(time_ps: Numeric, lifetime_ps: Numeric, fwhm_ps: Numeric) -> Any:
    """Decay of unit amplitude that starts at time 0, convolved with a Gaussian response.

    Parameters
    ----------
    time_ps
        Delay after time zero (ps), (n,).
    lifetime_ps
        1/e time (ps), above 0.
    fwhm_ps
        Full width at half maximum of the response (ps), above 0.

    Returns
    -------
    ndarray, shape (n,)
        Finite for all times and lifetimes.
    """
    xp = namespace(time_ps, lifetime_ps, fwhm_ps)
    sigma = fwhm_ps / FWHM_PER_SIGMA
    u = (sigma / lifetime_ps - time_ps / sigma) / _ROOT2
    early = u >= 0
    # each branch sees only arguments that are safe for it: derivatives must stay finite too
    safe_u = xp.where(early, u, 0.0)
    rising = xp.exp(-0.5 * (xp.where(early, time_ps, 0.0) / sigma) ** 2) * erfcx(safe_u)
    exponent = xp.where(early, 0.0, 0.5 * (sigma / lifetime_ps) ** 2 - time_ps / lifetime_ps)
    falling = xp.exp(exponent) * _erfc(xp.where(early, 0.0, u))
    return 0.5 * xp.where(early, rising, falling)


def gaussian_step(time_ps: Numeric, fwhm_ps: Numeric) -> Any:
    """Step at time 0, convolved with a Gaussian response: a decay of infinite lifetime."""
    return 0.5 * _erfc(-time_ps / (fwhm_ps / FWHM_PER_SIGMA) / _ROOT2)


def gaussian_pulse(time_ps: Numeric, fwhm_ps: Numeric) -> Any:
    """Gaussian of unit height at time 0: a coherent artefact that follows the response."""
    xp = namespace(time_ps, fwhm_ps)
    return xp.exp(-0.5 * (time_ps / (fwhm_ps / FWHM_PER_SIGMA)) ** 2)


def sharp_decay(time_ps: Numeric, lifetime_ps: Numeric) -> Any:
    """Decay of unit amplitude from time 0 on, zero before; an infinitely short response."""
    xp = namespace(time_ps, lifetime_ps)
    return xp.where(time_ps >= 0, xp.exp(-xp.maximum(time_ps, 0.0) / lifetime_ps), 0.0)


@dataclass(frozen=True)
class MeasuredResponse:
    """A measured instrument response: boxes around its points.

    Attributes
    ----------
    edges_ps
        Edges of the boxes, relative to the response's centre of mass; (n + 1,).
    weight
        Share of each box, adding up to 1; (n,).
    """

    edges_ps: Float
    weight: Float

    @classmethod
    def of(cls, time_ps: Any, signal: Any) -> MeasuredResponse:
        """Build from a measured trace, background removed.

        Raises
        ------
        FitError
            If it holds fewer than three points, isn't in order, or has no positive area.
        """
        time, height = real(time_ps, "the measured response"), real(signal, "the measured response")
        if time.ndim != 1 or time.shape != height.shape or len(time) < 3:
            raise FitError("a measured response needs two columns of one length, with at least 3 points")
        if not (np.isfinite(time).all() and np.isfinite(height).all()):
            raise FitError("the measured response holds missing or infinite values")
        if (np.diff(time) <= 0).any():
            raise FitError("the delays of the measured response must ascend without repeats")
        middle = 0.5 * (time[1:] + time[:-1])
        edges = np.concatenate([[time[0] - (middle[0] - time[0])], middle, [time[-1] + (time[-1] - middle[-1])]])
        area = height * np.diff(edges)
        if not area.sum() > 0:
            raise FitError("the measured response has no positive area: subtract its background")
        weight = area / area.sum()
        centre = float(np.sum(weight * time))
        return cls(edges - centre, weight)

    @property
    def fwhm_ps(self) -> float:
        """Full width at half maximum of a Gaussian with the same variance (ps)."""
        middle, width = 0.5 * (self.edges_ps[1:] + self.edges_ps[:-1]), np.diff(self.edges_ps)
        mean = float(np.sum(self.weight * middle))
        return FWHM_PER_SIGMA * math.sqrt(
            max(float(np.sum(self.weight * ((middle - mean) ** 2 + width**2 / 12))), 1e-300)
        )

    def decay(self, time_ps: Numeric, lifetime_ps: Numeric) -> Any:
        """Decay of unit amplitude from time 0 on, convolved with the response; (n,).

        The integral over each box is exact: nothing depends on how fine the response was measured.
        """
        xp = namespace(time_ps, lifetime_ps)
        since = time_ps[:, None] - self.edges_ps[None, :]
        # integral of the decay up to `since`: tau (1 - exp(-since/tau)), 0 before
        grown = -lifetime_ps * xp.expm1(-xp.maximum(since, 0.0) / lifetime_ps)
        per_box = (grown[:, :-1] - grown[:, 1:]) / np.diff(self.edges_ps)[None, :]
        return per_box @ xp.asarray(self.weight)

    def step(self, time_ps: Numeric) -> Any:
        """Step at time 0, convolved with the response; (n,)."""
        xp = namespace(time_ps)
        since = xp.maximum(time_ps[:, None] - self.edges_ps[None, :], 0.0)
        return (since[:, :-1] - since[:, 1:]) / np.diff(self.edges_ps)[None, :] @ xp.asarray(self.weight)
