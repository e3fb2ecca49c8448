"""Every product of powers of a few columns: the laws that physicists write down first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from math import comb
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perospin.errors import StudyError
from perospin.learning.estimators.formulas.formulas import Formula, make_formula, refit, unit_of
from perospin.learning.estimators.formulas.symbolic import FormulaModel
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.options import Option
from perospin.learning.training.weights import checked_weights, checked_y_sd, row_weights

__all__ = ["PowerLaw"]

FloatArray = NDArray[np.float64]

EXPONENTS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
_MOST_PRODUCTS = 5_000_000
_CHUNK = 20_000
# What units are made of; a unit that isn't here counts as one of its own.
_BASE: Mapping[str, Mapping[str, float]] = {
    "1": {},
    "meV": {"eV": 1},
    "1/ps": {"ps": -1},
    "Å²": {"Å": 2},
    "Å³": {"Å": 3},
    "1/Å³": {"Å": -3},
    "bohr³": {"Å": 3},
    "pm": {"Å": 1},
    "nm": {"Å": 1},
}


class PowerLaw(FormulaModel):
    """The best product of powers of at most a few columns, found by trying all of them.

    With P = product of x_j^a_j over chosen columns and the exponents on offer, a target that is a logarithm follows
    y = c0 + log10 P (``form="log"``: one constant, which carries whatever unit is missing) and any other target
    y = c0 + c1 P (``form="linear"``). Every product is fitted at once by closed-form (weighted) least squares; the
    best of each number of columns stands on the front. The one that predicts has the least description length,
    n/2 ln(mse) + k/2 ln(n) + ln(products with as many columns), so that the size of the search is paid for; the mean
    competes too. The whole search sees training rows only.

    A column must keep one sign on the training rows: negative ones (HOMO energies) enter as -x, columns with zeros or
    both signs take no part. A new row where such a column vanishes or changes sign is given the smallest magnitude of
    the training rows.

    Parameters
    ----------
    features : list of str, optional
        Columns; all if None.
    exponents : sequence of float
        On offer for each column; small halves and integers, as dimensional analysis gives them.
    max_columns : int
        Most columns in a product.
    form : {"log", "linear"}
        See above.
    dimensionless : bool
        Only products in which the columns' units (read from their names) cancel, such as ratios of lengths.

    Attributes
    ----------
    exponents_ : dict of str to float
        Exponent of each column in the formula that predicts.
    left_out_ : list of str
        Columns that can't stand under a power.
    n_products_ : int
        Products that were tried.
    unit_ : str
        What the target's unit is multiplied by in the unit of the constant, for example "D^-2 Å^3".

    Notes
    -----
    The penalty for the search is that of the extended Bayesian information criterion (Chen and Chen, Biometrika 95,
    759 (2008)). As a way of finding laws: Ouyang et al., Phys. Rev. Materials 2, 083802 (2018), its first rung.
    """

    about: ClassVar[Kind] = Kind(
        "power_law",
        "the best product of powers of a few columns, of all there are",
        {
            "exponents": Option(EXPONENTS, "on offer for each column", many=True),
            "max_columns": Option(3, "most columns in a product", low=1, high=1000, whole=True),
            "form": Option("log", "of the target: a logarithm, or not", words=("log", "linear")),
            "dimensionless": Option(False, "only products in which units cancel"),
        },
        on_columns=False,
        takes=("features",),
        references=("Bartlett2024Exhaustive",),
        ends_in_formula=True,
    )

    def __init__(
        self,
        features: list[str] | None = None,
        exponents: Sequence[float] = EXPONENTS,
        max_columns: int = 3,
        form: str = "log",
        dimensionless: bool = False,
    ) -> None:
        self.features = features
        self.exponents = exponents
        self.max_columns = max_columns
        self.form = form
        self.dimensionless = dimensionless

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> PowerLaw:
        """Try every product on X of shape (n_rows, n_columns) and y, weights and uncertainties of shape (n_rows,).

        Raises
        ------
        StudyError
            If a setting is out of range or there are too many products to try.
        """
        exponents = [float(a) for a in self.exponents]
        if not exponents or 0.0 in exponents or not np.isfinite(exponents).all() or self.max_columns < 1:
            raise StudyError("products of powers need finite exponents other than 0 and max_columns of at least 1")
        if self.form not in ("log", "linear"):
            raise StudyError(f"unknown form '{self.form}' of a product of powers; known are log, linear")
        columns, target = self._columns(X, y)
        n = len(target)
        weights = row_weights(target, checked_weights(sample_weight, n), checked_y_sd(y_sd, n))
        weights = np.ones(n) if weights is None else weights / weights.mean()
        self.signs_ = np.array([_sign(column) for column in columns])
        self.least_ = np.array([np.abs(column).min() for column in columns])
        usable = [i for i, column in enumerate(columns) if self.signs_[i] and np.ptp(column) > 0]
        self.left_out_ = [name for name, sign in zip(self.names_, self.signs_, strict=True) if not sign]
        counts = [comb(len(usable), k) * len(exponents) ** k for k in range(1, self.max_columns + 1)]
        if sum(counts) > _MOST_PRODUCTS:
            raise StudyError(
                f"{len(usable)} columns, {len(exponents)} exponents and up to {self.max_columns} columns at a time are "
                f"{sum(counts):,} products, more than {_MOST_PRODUCTS:,}; offer fewer"
            )
        products: list[dict[int, float]] = [{}]
        formulas = [self._formula({}, columns, target, weights, 1)]
        logs = np.array([np.log10(np.abs(columns[i])) for i in usable]).reshape(len(usable), n)
        self.n_products_ = 0
        for k in range(1, min(self.max_columns, len(usable)) + 1):
            best, tried = self._best(k, usable, logs, exponents, target, weights)
            self.n_products_ += tried
            if best is not None:
                products.append(best)
                formulas.append(self._formula(best, columns, target, weights, tried))
        self._settle(formulas)
        product = products[formulas.index(self.formula_)]
        self.exponents_ = {self.names_[i]: power for i, power in product.items()}
        self.unit_ = _constant_unit(self.exponents_)
        return self

    def _best(
        self,
        k: int,
        usable: list[int],
        logs: FloatArray,
        exponents: list[float],
        y: FloatArray,
        weights: FloatArray,
    ) -> tuple[dict[int, float] | None, int]:
        """Column -> exponent of the best product of k columns, and how many were tried."""
        powers = np.array(list(itertools.product(exponents, repeat=k)))
        units = [_dimensions(self.names_[i]) for i in usable]
        best: tuple[float, dict[int, float]] | None = None
        tried = 0
        for chosen in _blocks(len(usable), k, max(1, _CHUNK // len(powers))):
            exponent = np.repeat(powers[None], len(chosen), axis=0)  # (m, p, k)
            allowed = np.ones(exponent.shape[:2], dtype=bool)
            if self.dimensionless:
                for row, members in enumerate(chosen):
                    total: dict[str, FloatArray] = {}
                    for position, member in enumerate(members):
                        for base, power in units[member].items():
                            total[base] = total.get(base, np.zeros(len(powers))) + power * powers[:, position]
                    for sums in total.values():
                        allowed[row] &= np.abs(sums) < 1e-9
            if not allowed.any():
                continue
            product = np.einsum("mpk,mkn->mpn", exponent, logs[chosen])[allowed]
            tried += len(product)
            error = _squared_error(product, y, weights, self.form)
            winner = int(np.argmin(error))
            if np.isfinite(error[winner]) and (best is None or error[winner] < best[0]):
                row, column = (int(v[winner]) for v in np.nonzero(allowed))
                where = (usable[i] for i in chosen[row])
                best = float(error[winner]), dict(zip(where, powers[column].tolist(), strict=True))
        return (None if best is None else best[1]), tried

    def _formula(
        self, product: dict[int, float], columns: list[FloatArray], y: FloatArray, weights: FloatArray, tried: int
    ) -> Formula:
        text = _write(product, self.signs_)
        if not product:
            text, start = "c0", np.array([np.average(y, weights=weights)])
        elif self.form == "log":
            text, start = f"c0 + log10({text})", np.array([0.0])
        else:
            # Written out, so that least squares starts at the answer whatever the product's magnitude.
            value = 10.0 ** sum(a * np.log10(np.abs(columns[i])) for i, a in product.items())
            slope, level = np.polyfit(value, y, 1, w=np.sqrt(weights))
            text, start = f"c0 + c1*{text}", np.array([level, slope])
        fit = refit(text, columns, y, weights, start)
        assert fit is not None  # every column under a power has one sign and no zero here
        return make_formula(text, self.names_, fit, len(y), 1, extra=float(np.log(tried)))

    def _new_columns(self, X: Any) -> list[FloatArray]:
        columns = super()._new_columns(X)
        return [
            sign * np.maximum(sign * column, least) if sign else column
            for column, sign, least in zip(columns, self.signs_, self.least_, strict=True)
        ]


def _sign(column: FloatArray) -> float:
    """Sign that all entries share; 0 if they don't, or one is zero."""
    return 1.0 if (column > 0).all() else -1.0 if (column < 0).all() else 0.0


def _constant_unit(exponents: Mapping[str, float]) -> str:
    total: dict[str, float] = {}
    for name, power in exponents.items():
        unit = unit_of(name)
        if unit != "1":
            total[unit] = total.get(unit, 0.0) - power
    return " ".join(f"{unit}^{power:g}" for unit, power in total.items() if power) or "1"


def _dimensions(column: str) -> Mapping[str, float]:
    unit = unit_of(column)
    return _BASE.get(unit, {unit: 1.0})


def _blocks(n: int, k: int, size: int) -> Iterator[NDArray[np.int64]]:
    """All sets of k of n columns, in blocks of shape (at most size, k)."""
    sets = itertools.combinations(range(n), k)
    while block := list(itertools.islice(sets, size)):
        yield np.array(block, dtype=np.int64)


def _squared_error(logs: FloatArray, y: FloatArray, weights: FloatArray, form: str) -> FloatArray:
    """Weighted squared error of the best fit for each product, from its logarithm, shape (m, n) -> (m,)."""
    share = weights / weights.sum()
    if form == "log":
        residual = y - logs
        residual -= (residual @ share)[:, None]
        return np.asarray(residual**2 @ share)
    values = 10.0 ** (logs - logs.max(axis=1, keepdims=True))
    values -= (values @ share)[:, None]
    target = y - share @ y
    spread = values**2 @ share
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = (values @ (share * target)) ** 2 / spread
    return np.asarray(np.where(spread > 1e-24, share @ target**2 - explained, np.inf))


def _write(product: Mapping[int, float], signs: FloatArray) -> str:
    """``x0**2/sqrt(x1)``: powers above the line first."""

    def factor(i: int, power: float) -> str:
        name = f"x{i}" if signs[i] > 0 else f"(-x{i})"
        if power == 0.5:
            return f"sqrt({name})" if signs[i] > 0 else f"sqrt(-x{i})"
        return name if power == 1.0 else f"{name}**{power:g}"

    above = [factor(i, a) for i, a in product.items() if a > 0]
    below = [factor(i, -a) for i, a in product.items() if a < 0]
    text = "*".join(above) or "1"
    return f"{text}/({'*'.join(below)})" if len(below) > 1 else f"{text}/{below[0]}" if below else text
