r"""Variable projection: for given theta the amplitudes are solved for, so that only theta is searched.

The Jacobian of the projected residual :math:`r=P^\perp y` is that of Golub and Pereyra (SIAM J. Numer. Anal. 10, 413,
1973), :math:`\partial_jr=-P^\perp(\partial_j\Phi)a-(\Phi^+)^T(\partial_j\Phi)^Tr`; the derivatives of the basis
are central differences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from perospin.errors import FitError
from perospin.fitting.arrays import Float
from perospin.fitting.model import Parameter, SeparableModel

if TYPE_CHECKING:
    import lmfit

__all__ = ["Problem", "Projected", "pseudo_inverse"]

_STEP = 1e-5  # of central differences, relative to the parameter's scale
_RANK = 1e-12


@dataclass(frozen=True)
class Projected:
    """State at one theta, weights included."""

    values: dict[str, float]
    columns: Float  # (n, k), weighted if one weight serves all data sets, else (m, n, k)
    amplitudes: Float  # (k, m)
    residual: Float  # (n, m), weighted
    pseudo_inverse: Float  # (k, n) or (m, k, n)

    @property
    def chi2(self) -> float:
        """Sum of squared weighted residuals."""
        return float(np.sum(self.residual**2))


@dataclass
class Problem:
    """Data, weights, model and parameters of one fit.

    Attributes
    ----------
    y, weight
        Shape (n, m); the m data sets share theta and have amplitudes of their own. `weight` may be (n, 1).
    unit
        What `y`, the amplitudes and 1/`weight` are measured in: 1, but for numbers whose squares would overflow.
    """

    model: SeparableModel
    x: Any
    y: Float
    weight: Float
    parameters: lmfit.Parameters
    unit: float = 1.0
    free: list[str] = field(default_factory=list)
    linear: list[int] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = self.model.amplitude_names
        self.moved = [i for i, name in enumerate(names) if name in self.parameters]
        self.linear = [i for i, name in enumerate(names) if name not in self.parameters]
        self.free = [name for name, p in self.parameters.items() if p.vary and not p.expr]
        self._tied = any(p.expr for p in self.parameters.values())
        self._positive = {p.name for p in self.model.parameters if p.positive}
        self._scales = {p.name: p.scale for p in self.model.parameters}
        if self.moved and self.y.shape[1] > 1:
            raise FitError(
                f"the amplitude {names[self.moved[0]]} can't be fixed, bounded or tied when several data sets "
                "have amplitudes of their own"
            )
        sized = {*(names[i] for i in self.moved), *(self.model.names if self.model.base is not None else ())}
        if self.unit != 1.0 and sized & set(self.free):
            raise FitError(
                f"the signal is of the order {self.unit:.0e}, and {sorted(sized & set(self.free))[0]} is searched for "
                "in its unit: convert the signal to a unit in which it lies between 1e-60 and 1e60"
            )

    # the search runs over u: ln(value) of positive parameters, the value itself of the others

    def to_search(self, values: Mapping[str, float]) -> Float:
        """Values by name to the vector that is searched."""
        return np.array(
            [np.log(max(values[n], 1e-300)) if n in self._positive else float(values[n]) for n in self.free]
        )

    def values(self, u: Float) -> dict[str, float]:
        """All parameters, fixed and tied ones included."""
        moving = {
            name: float(np.exp(part)) if name in self._positive else float(part)
            for name, part in zip(self.free, u, strict=True)
        }
        if not self._tied:
            fixed = {name: float(p.value) for name, p in self.parameters.items() if name not in moving}
            return {**moving, **fixed}
        for name, value in moving.items():
            self.parameters[name].value = value
        self.parameters.update_constraints()
        return {name: float(p.value) for name, p in self.parameters.items()}

    def bounds(self) -> tuple[Float, Float]:
        """Bounds of the search vector."""
        low = np.array([self.parameters[n].min for n in self.free], float)
        high = np.array([self.parameters[n].max for n in self.free], float)
        for i, name in enumerate(self.free):
            if name in self._positive:
                low[i] = np.log(max(low[i], 1e-300)) if low[i] > 0 else -np.inf
                high[i] = np.log(high[i])
        return low, high

    def scale(self, name: str, value: float) -> float:
        """Size of a meaningful step of a parameter in the search vector."""
        if name in self._positive:
            return 1.0
        if self._scales.get(name):
            return float(self._scales[name])
        p = self.parameters[name]
        span = p.max - p.min
        return max(abs(value), 0.01 * span if np.isfinite(span) else 0.0, 1e-8) if value or np.isfinite(span) else 1.0

    def evaluate(self, values: Mapping[str, float]) -> tuple[Float, Float]:
        """Free columns (n, k) and the rest (n,) of the model, unweighted."""
        theta = {name: values[name] for name in self.model.names}
        rest = self.model.offset(self.x, theta)
        if not self.model.amplitudes:
            return np.empty((len(self.y), 0)), rest if self.unit == 1.0 else rest / self.unit
        columns = self.model.columns(self.x, theta)
        if self.moved:
            names = self.model.amplitude_names
            rest = rest + columns[:, self.moved] @ np.array([values[names[i]] for i in self.moved])
        return columns[:, self.linear], rest if self.unit == 1.0 else rest / self.unit

    def project(self, u: Float) -> Projected:
        """Amplitudes and residual at u.

        Raises
        ------
        FitError
            If the model is not finite there.
        """
        values = self.values(u)
        columns, rest = self.evaluate(values)
        if not (np.isfinite(columns).all() and np.isfinite(rest).all()):
            shown = ", ".join(f"{name} = {value:g}" for name, value in values.items())
            raise FitError(f"the model '{self.model.name}' is not finite at {shown}")
        target = (self.y - rest[:, None]) * self.weight
        if self.weight.shape[1] == 1:
            weighted = columns * self.weight
            inverse = pseudo_inverse(weighted)
            amplitudes = inverse @ target
            return Projected(values, weighted, amplitudes, target - weighted @ amplitudes, inverse)
        stacked = columns[None] * self.weight.T[:, :, None]  # (m, n, k)
        inverse = np.stack([pseudo_inverse(part) for part in stacked])
        amplitudes = np.einsum("mkn,nm->km", inverse, target)
        return Projected(values, stacked, amplitudes, target - np.einsum("mnk,km->nm", stacked, amplitudes), inverse)

    def residual(self, u: Float) -> Float:
        """Weighted projected residual, flat."""
        return self.project(u).residual.ravel()

    def derivatives(self, u: Float) -> list[tuple[Float, Float]]:
        """Differentiate the columns (n, k) and the rest (n,) by each search parameter."""
        low, high = self.bounds()
        values = self.values(u)
        found = []
        for j, name in enumerate(self.free):
            step = _STEP * self.scale(name, values[name])
            up, down = u.copy(), u.copy()
            up[j] = min(u[j] + step, high[j])
            down[j] = max(u[j] - step, low[j])
            width = up[j] - down[j]
            (c1, r1), (c0, r0) = self.evaluate(self.values(up)), self.evaluate(self.values(down))
            found.append(((c1 - c0) / width, (r1 - r0) / width))
        return found

    def jacobian(self, u: Float, at: Projected | None = None) -> Float:
        """Jacobian of `residual`, shape (n m, p)."""
        at = at or self.project(u)
        out = np.empty((self.y.size, len(self.free)))
        for j, (columns, rest) in enumerate(self.derivatives(u)):
            if self.weight.shape[1] == 1:
                d_columns = columns * self.weight
                move = d_columns @ at.amplitudes + (rest[:, None] * self.weight)
                inside = move - at.columns @ (at.pseudo_inverse @ move)
                second = at.pseudo_inverse.T @ (d_columns.T @ at.residual)
            else:
                d_stack = columns[None] * self.weight.T[:, :, None]
                move = np.einsum("mnk,km->nm", d_stack, at.amplitudes) + rest[:, None] * self.weight
                inside = move - np.einsum("mnk,km->nm", at.columns, np.einsum("mkn,nm->km", at.pseudo_inverse, move))
                second = np.einsum("mkn,km->nm", at.pseudo_inverse, np.einsum("mnk,nm->km", d_stack, at.residual))
            out[:, j] = (-inside - second).ravel()
        return out

    def compressed(self, u: Float) -> tuple[Float, Float]:
        """Residual (p + 1,) and Jacobian (p + 1, p) with the cost, gradient and normal matrix of the long ones.

        A trust-region step knows the residual only through these, so that a large map costs no more than its products
        with the basis. For one weight common to all data sets; Jacobian without the second term (Kaufman's).
        """
        at = self.project(u)
        p = len(self.free)
        outer = np.vstack([at.amplitudes, np.ones((1, self.y.shape[1]))])  # derivatives of columns, then of the rest
        blocks = [np.column_stack([columns, rest]) * self.weight for columns, rest in self.derivatives(u)]
        gradient = np.array([-np.sum((block.T @ at.residual) * outer) for block in blocks])
        inside = [block - at.columns @ (at.pseudo_inverse @ block) for block in blocks]
        products = outer @ outer.T
        matrix = np.array([[np.sum((one.T @ other) * products) for other in inside] for one in inside]).reshape(p, p)
        values, vectors = np.linalg.eigh(matrix)
        root = np.sqrt(np.maximum(values, 0.0))
        seen = root > 1e-10 * root.max(initial=0.0)
        along = np.where(seen, (vectors.T @ gradient) / np.where(seen, root, 1.0), 0.0)
        beside = np.sqrt(max(at.chi2 - float(along @ along), 0.0))
        return np.append(along, beside), np.vstack([root[:, None] * vectors.T, np.zeros(p)])

    def information(self, u: Float, at: Projected) -> tuple[Float, Float, Float, Float]:
        """J^T J of the full problem, amplitudes included, in blocks.

        Returns
        -------
        theta : ndarray, shape (p, p)
            With all amplitudes refitted: from the projected derivatives, as the difference of products loses all digits
            where amplitudes can hardly be told apart.
        plain : ndarray, shape (p, p)
            With the amplitudes held.
        mixed : ndarray, shape (m, p, k)
        amplitudes : ndarray, shape (m, k, k)
        """
        m, k, p = self.y.shape[1], len(self.linear), len(self.free)
        derivatives = self.derivatives(u)
        full = np.empty((p, *self.y.shape))
        for j, (columns, rest) in enumerate(derivatives):
            full[j] = (columns @ at.amplitudes + rest[:, None]) * self.weight
        plain = np.einsum("inm,jnm->ij", full, full, optimize=True)
        if self.weight.shape[1] == 1:
            inside = full - np.einsum("nk,jkm->jnm", at.columns, at.pseudo_inverse @ full, optimize=True)
            mixed = np.einsum("jnm,nk->mjk", full, at.columns, optimize=True)
            amplitudes = np.broadcast_to(at.columns.T @ at.columns, (m, k, k))
        else:
            solved = np.einsum("mkn,jnm->jmk", at.pseudo_inverse, full, optimize=True)
            inside = full - np.einsum("mnk,jmk->jnm", at.columns, solved, optimize=True)
            mixed = np.einsum("jnm,mnk->mjk", full, at.columns, optimize=True)
            amplitudes = np.einsum("mnk,mnl->mkl", at.columns, at.columns, optimize=True)
        return np.einsum("inm,jnm->ij", inside, inside, optimize=True), plain, mixed, amplitudes

    def slope(self, values: Mapping[str, float]) -> Float:
        """Differentiate each free parameter by its search variable."""
        return np.array([values[n] if n in self._positive else 1.0 for n in self.free])

    def parameter(self, name: str) -> Parameter | None:
        """Find the model's non-linear parameter of that name; None for an amplitude."""
        return next((p for p in self.model.parameters if p.name == name), None)


def pseudo_inverse(columns: Float) -> Float:
    """Invert columns (n, k) of any scale in the least-squares sense; (k, n)."""
    if not columns.shape[1]:
        return np.empty((0, len(columns)))
    norms = np.linalg.norm(columns, axis=0)
    dead = norms < 1e-120  # a function that has decayed before the first point: its amplitude would overflow
    if dead.any():
        columns, norms = np.where(dead, 0.0, columns), np.where(dead, 1.0, norms)
    q, r = np.linalg.qr(columns / norms)
    diagonal = np.abs(np.diag(r))
    if diagonal.min() > _RANK * diagonal.max():
        from scipy.linalg import solve_triangular

        return solve_triangular(r, q.T) / norms[:, None]
    return np.linalg.pinv(columns / norms, rcond=1e-10) / norms[:, None]
