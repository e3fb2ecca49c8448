"""Laws that a Gaussian process deviates from: any function with priors on its parameters, and ready-made ones.

A law is a function of the columns and of its parameters, both by name. Parameters that it is linear in, declared as
such, have normal priors and are integrated in closed form; the others are sampled::

    def kinetics(x, p):
        return p["plateau"] + p["gain"] * jnp.exp(-x["time_s"] / p["lifetime_s"])

    law = Mean("kinetics", kinetics, {"lifetime_s": LogNormal(30.0, 3.0)},
               linear={"plateau": Normal(0.0, 1.0), "gain": Normal(0.0, 1.0)})

A function is written with `jax.numpy` (or arithmetic alone), so that it can be compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin.errors import NavigationError
from perospin.learning.estimators.gaussian_processes.marginal_likelihood import namespace
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.priors import LogNormal, Normal, Prior, Uniform

__all__ = [
    "Mean",
    "arrhenius",
    "boundary_step",
    "constant",
    "inverse_power",
    "of_rate_law",
    "straight_line",
    "vegard",
]

Array = Any  # NumPy's or JAX's
Function = Callable[[Mapping[str, Array], Mapping[str, Array]], Array]
FloatArray = NDArray[np.float64]

BOLTZMANN_MEV_PER_K = 0.08617333262
BOWING, EXPONENT, COEFFICIENT = Normal(0.3, 0.3), Normal(1.0, 0.5), LogNormal(1.0, 3.0)


@dataclass(frozen=True, eq=False)
class Mean:
    """A law: what the values would be without any deviation.

    Attributes
    ----------
    name : str
    function : callable
        Takes the columns and the parameters, both by name, to the values, (n_rows,).
    priors : mapping of str to Prior
        Of the parameters that are sampled.
    linear : mapping of str to Normal
        Of the parameters that the function is linear in.
    words : str
        The law in words, with the columns it reads.
    """

    name: str
    function: Function
    priors: Mapping[str, Prior] = field(default_factory=dict)
    linear: Mapping[str, Normal] = field(default_factory=dict)
    words: str = ""

    def __post_init__(self) -> None:
        twice = set(self.priors) & set(self.linear)
        if twice:
            raise NavigationError(f"the parameter '{sorted(twice)[0]}' of the law '{self.name}' has two priors")
        for name, prior in self.linear.items():
            if not isinstance(prior, Normal):
                raise NavigationError(
                    f"the parameter '{name}' is linear, so its prior is a Normal; else give it among 'priors'"
                )

    def parts(self, columns: Mapping[str, Array], parameters: Mapping[str, Array], like: Array) -> tuple[Array, Array]:
        """Split the law: values with linear parameters at their prior means, and the slope by each, scaled.

        Parameters
        ----------
        columns : mapping
            Columns by name, (n_rows,) each.
        parameters : mapping
            Parameters that are sampled.
        like : array, shape (n_rows,)
            Zeros, to which a law that reads no column is broadcast.

        Returns
        -------
        centre : array, shape (n_rows,)
        basis : array, shape (n_rows, n_linear)
            Slopes, each times the standard deviation of the prior.
        """
        xp = namespace(like)
        means = {name: prior.mean for name, prior in self.linear.items()}
        centre = like + self.function(columns, {**parameters, **means})
        slopes = [
            like + self.function(columns, {**parameters, **means, name: prior.mean + prior.sd}) - centre
            for name, prior in self.linear.items()
        ]
        return centre, xp.stack(slopes, axis=1) if slopes else like[:, None][:, :0]

    def check(self, columns: InputColumns) -> None:
        """Try the law on rows of these columns.

        Raises
        ------
        NavigationError
            If it reads a column that isn't there, can't be compiled, gives no finite numbers, or isn't linear in the
            parameters that are declared so.
        """
        import jax

        share = np.array([[0.25], [0.5], [0.75]])
        rows = np.asarray(columns.lower) + share * (np.asarray(columns.upper) - np.asarray(columns.lower))
        drawn = {name: prior.value(np.float64(0.3)) for name, prior in self.priors.items()}

        def values(by: float, inputs: Array) -> Array:
            table = {name: inputs[:, j] for j, name in enumerate(columns.names)}
            linear = {name: prior.mean + by * prior.sd for name, prior in self.linear.items()}
            return self.function(table, {**drawn, **linear}) + 0.0 * inputs[:, 0]

        try:
            with jax.enable_x64(True):
                compiled = jax.jit(values)
                low, middle, high = (np.asarray(compiled(by, rows)) for by in (-1.0, 0.0, 1.0))
        except KeyError as error:
            raise NavigationError(
                f"the law '{self.name}' reads {error}, which is neither a column ({', '.join(columns.names)}) nor one "
                "of its parameters"
            ) from None
        except jax.errors.JAXTypeError as error:
            raise NavigationError(
                f"the law '{self.name}' can't be compiled; write it with jax.numpy in place of numpy, without 'if'"
            ) from error
        if low.shape != (3,) or not np.isfinite([low, middle, high]).all():
            raise NavigationError(f"the law '{self.name}' doesn't give one finite number a row of these columns")
        size = np.abs([low, middle, high]).max() or 1.0
        if np.abs(high + low - 2.0 * middle).max() > 1e-6 * size:
            raise NavigationError(
                f"the law '{self.name}' isn't linear in {', '.join(self.linear)}; give such parameters among 'priors'"
            )


# -- ready-made laws -----------------------------------------------------------------------------------------


def constant(level: Normal) -> Mean:
    """Build the law that nothing matters."""
    return Mean("constant", lambda x, p: p["level"], linear={"level": level}, words="one level")


def straight_line(column: str, level: Normal, slope: Normal) -> Mean:
    """Build a straight line in one column."""
    return Mean(
        f"straight line in {column}",
        lambda x, p: p["level"] + p["slope"] * x[column],
        linear={"level": level, "slope": slope},
        words=f"level + slope * {column}",
    )


def vegard(fractions: Sequence[str], ends: Sequence[Normal], bowing: Normal = BOWING) -> Mean:
    """Build Vegard's law with bowing: sum_i f_i E_i - sum_(i<j) b_ij f_i f_j over fractions that sum to 1.

    Parameters
    ----------
    fractions : sequence of str
        Columns of the fractions.
    ends : sequence of Normal
        Prior of the value of each pure compound.
    bowing : Normal
        Prior of each bowing parameter, in the unit of the value; 0.3 eV is usual for gaps of mixed halides.

    Raises
    ------
    NavigationError
        Unless there is one end a fraction, and two fractions.

    Notes
    -----
    With one fraction x beside 1 - x this is E_0 (1 - x) + E_1 x - b x (1 - x). All parameters are linear.
    """
    if len(fractions) != len(ends) or len(fractions) < 2:
        raise NavigationError(f"Vegard's law needs two or more fractions and one end each, not {len(ends)} ends")
    pairs = list(combinations(fractions, 2))

    def function(x: Mapping[str, Array], p: Mapping[str, Array]) -> Array:
        straight = sum(x[name] * p[f"value at {name}"] for name in fractions)
        return straight - sum(x[a] * x[b] * p[f"bowing {a}, {b}"] for a, b in pairs)

    linear = {f"value at {name}": end for name, end in zip(fractions, ends, strict=True)}
    linear |= {f"bowing {a}, {b}": bowing for a, b in pairs}
    return Mean("Vegard's law with bowing", function, linear=linear, words=f"Vegard's law over {', '.join(fractions)}")


def inverse_power(column: str, limit: Normal, gain: Normal, exponent: Prior = EXPONENT, log10: bool = False) -> Mean:
    """Build a power law in 1/n, such as of the rate against the number of layers: limit + gain * n^-exponent.

    Parameters
    ----------
    column : str
        Holds n, above 0.
    limit, gain : Normal
        Value for n without end, and what n = 1 adds.
    exponent : Prior
    log10 : bool
        The values are logarithms: limit - exponent * log10(n), where `limit` is the value at n = 1, `gain` isn't used
        and `exponent`, a Normal, is linear too.
    """
    if log10:
        if not isinstance(exponent, Normal):
            raise NavigationError("the exponent of a power law of logarithms is linear, so its prior is a Normal")
        return Mean(
            f"power of 1/{column}",
            lambda x, p: p["value at 1"] - p["exponent"] * _log(x[column]) / float(np.log(10.0)),
            linear={"value at 1": limit, "exponent": exponent},
            words=f"log10(value) = a - p log10({column})",
        )
    return Mean(
        f"power of 1/{column}",
        lambda x, p: p["limit"] + p["gain"] * _exp(-p["exponent"] * _log(x[column])),
        {"exponent": exponent},
        {"limit": limit, "gain": gain},
        f"limit + gain * {column}^-p",
    )


def arrhenius(
    temperature_k: str,
    barrier_mev: Prior,
    attempt: Normal,
    floor: Normal | None = None,
    ln: bool = False,
) -> Mean:
    """Build Arrhenius' law: floor + attempt * exp(-barrier / (k_B T)).

    Parameters
    ----------
    temperature_k : str
        Column of the temperature, K.
    barrier_mev : Prior
        Of the barrier, meV.
    attempt : Normal
        Of the value at infinite temperature (of its natural logarithm if `ln`).
    floor : Normal, optional
        Of what is left at low temperature; not with `ln`.
    ln : bool
        The values are natural logarithms; the barrier, a Normal, is then linear.
    """
    if ln:
        if not isinstance(barrier_mev, Normal) or floor is not None:
            raise NavigationError("Arrhenius' law of logarithms takes a Normal for the barrier, and no floor")
        return Mean(
            "Arrhenius",
            lambda x, p: p["ln attempt"] - p["barrier_mev"] / (BOLTZMANN_MEV_PER_K * x[temperature_k]),
            linear={"ln attempt": attempt, "barrier_mev": barrier_mev},
            words=f"ln(value) = ln(attempt) - barrier / (k_B {temperature_k})",
        )
    linear = {"attempt": attempt} if floor is None else {"attempt": attempt, "floor": floor}
    return Mean(
        "Arrhenius",
        lambda x, p: (
            p.get("floor", 0.0) + p["attempt"] * _exp(-p["barrier_mev"] / (BOLTZMANN_MEV_PER_K * x[temperature_k]))
        ),
        {"barrier_mev": barrier_mev},
        linear,
        f"attempt * exp(-barrier / (k_B {temperature_k})){' + floor' if floor else ''}",
    )


def boundary_step(column: str, place: Uniform, below: Normal, step: Normal, width: Prior) -> Mean:
    """Build a step at a (morphotropic) phase boundary: below + step / (1 + exp(-(x - place) / width)).

    Parameters
    ----------
    column : str
        Such as a fraction or a tolerance factor.
    place : Uniform
        Where the boundary may be.
    below, step : Normal
        Value far below the boundary, and what is added far above.
    width : Prior
        Of the transition, in units of the column.
    """

    def function(x: Mapping[str, Array], p: Mapping[str, Array]) -> Array:
        return p["below"] + p["step"] * _expit((x[column] - p["place"]) / p["width"])

    return Mean(
        f"step in {column}",
        function,
        {"place": place, "width": width},
        {"below": below, "step": step},
        f"a step where {column} crosses a boundary",
    )


def of_rate_law(
    name: str,
    law: Callable[..., Array],
    arguments: Mapping[str, str | float | Prior],
    coefficient: LogNormal = COEFFICIENT,
    options: Mapping[str, Any] | None = None,
) -> Mean:
    """Build a law of log10(rate) from any rate law of `perospin.mechanisms`, times a coefficient.

    Parameters
    ----------
    name : str
    law : callable
        Such as ``perospin.mechanisms.get_law("dyakonov_perel").function``; takes JAX arrays, gives rates in 1/ps.
    arguments : mapping
        Each argument of the law: the name of a column, a number, or a prior.
    coefficient : LogNormal
        What the rate is multiplied by; 1 within a factor of 3 unless said otherwise.
    options : mapping, optional
        Arguments that are passed on as they are, such as ``{"dimension": 2}``.
    """
    read = {key: value for key, value in arguments.items() if isinstance(value, str)}
    priors = {key: value for key, value in arguments.items() if hasattr(value, "value")}
    fixed = {key: value for key, value in arguments.items() if key not in read and key not in priors}

    def function(x: Mapping[str, Array], p: Mapping[str, Array]) -> Array:
        given = {key: x[column] for key, column in read.items()}
        rate = law(**given, **{key: p[key] for key in priors}, **fixed, **(options or {}))
        return p["log10 coefficient"] + _log(rate) / float(np.log(10.0))

    centre, spread = float(np.log10(coefficient.median)), float(np.log10(coefficient.factor))
    return Mean(name, function, priors, {"log10 coefficient": Normal(centre, spread)}, f"log10 of the rate by {name}")


def _exp(values: Array) -> Array:
    return namespace(values).exp(values)


def _log(values: Array) -> Array:
    return namespace(values).log(values)


def _expit(values: Array) -> Array:
    return 0.5 + 0.5 * namespace(values).tanh(0.5 * values)
