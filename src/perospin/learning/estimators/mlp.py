"""Ensembles of small neural networks, all trained at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.validation import check_is_fitted, validate_data

from perospin.errors import StudyError
from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.estimators.kinds.terms import EXPONENT, SeparableTerm, Take, Term, sums
from perospin.learning.options import MOST_DRAWS, Option
from perospin.learning.training.folds import take
from perospin.learning.training.weights import checked_weights, checked_y_sd, part_of, row_weights

__all__ = ["MLPEnsemble"]

FloatArray = NDArray[np.float64]

# Bounds of the logarithm of a learnt noise variance, for a target of variance 1.
_LOG_NOISE = (-9.2, 2.3)
_ROWS = 8  # training sets are padded (with weight 0) to a multiple of this, so that similar sizes share one program


class _Set(NamedTuple):
    """One training set: columns (n, d), targets (n,), weights and uncertainties (n,) or None."""

    X: FloatArray
    y: FloatArray
    weights: FloatArray | None
    sd: FloatArray | None


class MLPEnsemble(RegressorMixin, BaseEstimator):
    """Average of small fully connected networks that differ in their random start.

    Each network minimises 1/2 mean (error^2) + alpha / (2 n_rows) sum (weights^2), the target scaled to
    standard deviation 1, by full-batch Adam with a learning rate that falls to zero along a cosine. All networks
    of all training sets are trained by one compiled, vectorised program (`fit_sets`). With weights of rows the mean is
    the weighted one and n_rows the sum of the weights.

    With `heteroscedastic` a network has a second output, the logarithm of the noise variance s^2 of its row, and
    1/2 mean (error^2) is replaced by 1/2 mean (error^2 / v + log v), v = s^2 + u^2 with u the row's own uncertainty
    `y_sd`. The first third of the steps trains at s^2 = 1 (the variance of the target), because a network that is free
    to call everything noise early on never learns the law; s^2 is kept between 1e-4 and 10. Without
    `heteroscedastic`, `y_sd` becomes weights (`row_weights`).

    Parameters
    ----------
    hidden : tuple of int
        Units of each hidden layer.
    members : int
        Networks.
    steps : int
        Adam steps.
    learning_rate : float
        At the start.
    alpha : float
        Weight penalty; biases are free.
    activation : {"tanh", "relu"}
        Of the hidden units.
    heteroscedastic : bool
        Learn how large the noise is, row by row, beside the target.
    seed : int
        Of the starting weights.

    Notes
    -----
    Columns should have mean 0 and standard deviation 1 (as `ColumnModel` makes them). Adam: Kingma and Ba,
    arXiv:1412.6980. Start: uniform weights of variance 2 / (units in + units out) (Glorot and Bengio, 2010). Noise as
    a second output: Nix and Weigend, IEEE ICNN (1994); ensembles of such networks: Lakshminarayanan, Pritzel and
    Blundell, arXiv:1612.01474.
    """

    about: ClassVar[Kind] = Kind(
        "mlp_ensemble",
        "average of small neural networks",
        {
            "hidden": Option((12,), "units of each hidden layer", low=1, high=10_000, whole=True, many=True),
            "members": Option(8, "networks", low=1, high=10_000, whole=True),
            "steps": Option(1300, "steps of the optimiser", low=1, high=MOST_DRAWS, whole=True),
            "learning_rate": Option(0.01, "length of the first steps", above=0.0),
            "alpha": Option(1.0, "weight of the penalty on squared weights", low=0.0),
            "activation": Option("tanh", "of the hidden units", words=("tanh", "relu")),
            "heteroscedastic": Option(False, "learn how large the noise is, row by row"),
        },
        references=("Kingma2014Adam", "Lakshminarayanan2016Ensembles"),
        cites_if=(({"heteroscedastic": True}, ("Nix1994Variance",)),),
    )

    def __init__(
        self,
        hidden: tuple[int, ...] = (12,),
        members: int = 8,
        steps: int = 1300,
        learning_rate: float = 0.01,
        alpha: float = 1.0,
        activation: str = "tanh",
        heteroscedastic: bool = False,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.members = members
        self.steps = steps
        self.learning_rate = learning_rate
        self.alpha = alpha
        self.activation = activation
        self.heteroscedastic = heteroscedastic
        self.seed = seed

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None, y_sd: ArrayLike | None = None
    ) -> MLPEnsemble:
        """Train on X of shape (n_rows, n_features) and y, weights and uncertainties of shape (n_rows,)."""
        values, target = validate_data(self, X, y, dtype=float, y_numeric=True)
        self._check()
        weights, sd = checked_weights(sample_weight, len(values)), checked_y_sd(y_sd, len(values))
        self._train([self], [_Set(values, np.asarray(target, dtype=float), weights, sd)])
        return self

    def fit_sets(
        self,
        sets: Sequence[tuple[FloatArray, FloatArray]],
        sample_weights: Sequence[FloatArray | None] | None = None,
        y_sds: Sequence[FloatArray | None] | None = None,
    ) -> list[MLPEnsemble]:
        """One fitted clone for each training set (X, y), all trained together; numbers of columns may differ."""
        self._check()
        fitted = [clone(self) for _ in sets]
        nothing: list[FloatArray | None] = [None] * len(sets)
        checked = []
        for model, (X, y), weights, sd in zip(fitted, sets, sample_weights or nothing, y_sds or nothing, strict=True):
            values, target = validate_data(model, X, y, dtype=float, y_numeric=True)
            n = len(values)
            target = np.asarray(target, dtype=float)
            checked.append(_Set(values, target, checked_weights(weights, n), checked_y_sd(sd, n)))
        if fitted:
            self._train(fitted, checked)
        return fitted

    def fit_many(
        self,
        X: Any,
        y: ArrayLike,
        trains: Sequence[NDArray[np.int64]],
        groups: ArrayLike | None = None,
        sample_weight: FloatArray | None = None,
        y_sd: FloatArray | None = None,
    ) -> list[MLPEnsemble]:
        """One fitted clone for each set of training rows, all trained together."""
        target = np.asarray(y, dtype=float)
        sets = [(np.asarray(take(X, rows), dtype=float), target[rows]) for rows in trains]
        return self.fit_sets(
            sets, [part_of(sample_weight, rows) for rows in trains], [part_of(y_sd, rows) for rows in trains]
        )

    def array_terms(self, columns: tuple[str, ...], take: Take) -> Iterator[Term]:
        """One term of the fitted networks: what the units of the first layer receive adds up over columns."""
        (weights, bias), *later = self.layers_
        members, width = bias.shape
        flat = weights.transpose(1, 0, 2).reshape(weights.shape[1], -1)
        start = np.zeros_like(flat)
        start[0] = bias.ravel()  # one of the columns brings it along
        scale = float(self._y_sd) / members
        weight = np.asarray(-2.0 * later[-1][0][:, :, 0].ravel(), dtype=np.float32)
        logistic = self.activation == "tanh" and len(later) == 1

        def received(values: FloatArray) -> FloatArray:
            return np.asarray(values.T[:, :, None] * flat[:, None, :] + start[:, None, :])

        def exponentials(values: FloatArray) -> FloatArray:
            most = EXPONENT / len(flat)
            return np.asarray(np.exp(np.clip(2.0 * received(values), -most, most)), dtype=np.float32)

        def join_exponentials(inside: FloatArray, outside: FloatArray) -> FloatArray:
            # tanh z = 1 - 2 / (1 + exp 2z), and exp 2z is a product a b over columns: no tanh is left to compute.
            # Single precision, as in training, is good to 1e-7 of the target's spread. With
            # 1 / (1 + a b) = (1 / a) / (1 / a + b) each hybrid costs one sum and one division a unit.
            against = np.reciprocal(inside)
            joined = sums(against, outside)
            np.divide(np.float32(1.0), joined, out=joined)
            return np.asarray((joined @ (against * weight)[:, :, None])[:, :, 0], dtype=float)

        def join(inside: FloatArray, outside: FloatArray) -> FloatArray:
            joined = sums(inside, outside)
            signal: Any = joined.reshape(-1, members, width).transpose(1, 0, 2)
            for W, b in later:
                signal = np.tanh(signal) if self.activation == "tanh" else np.maximum(signal, 0.0)
                signal = signal @ W + b[:, None, :]
            return np.asarray(signal[:, :, 0].sum(axis=0).reshape(joined.shape[:2]))

        if logistic:
            yield SeparableTerm(columns, take, exponentials, join_exponentials, multiply=True, scale=scale)
        else:
            yield SeparableTerm(columns, take, received, join, scale=scale)

    def _check(self) -> None:
        if self.activation not in ("tanh", "relu"):
            raise StudyError(f"unknown activation '{self.activation}'; known are tanh, relu")
        if self.members < 1 or self.steps < 1 or not self.hidden or min(self.hidden) < 1:
            raise StudyError("a network ensemble needs at least one member, one step and one hidden unit a layer")

    def _train(self, models: list[MLPEnsemble], sets: list[_Set]) -> None:
        n_sets = len(sets)
        n_columns = max(part.X.shape[1] for part in sets)
        n_rows = -(-max(len(part.y) for part in sets) // _ROWS) * _ROWS
        values = np.zeros((n_sets, n_rows, n_columns), dtype=np.float32)
        target, weight, known = (np.zeros((n_sets, n_rows), dtype=np.float32) for _ in range(3))
        penalty = np.zeros(n_sets, dtype=np.float32)
        for i, (model, part) in enumerate(zip(models, sets, strict=True)):
            n, d = part.X.shape
            weights = part.weights if self.heteroscedastic else row_weights(part.y, part.weights, part.sd)
            share = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
            model._y_mean, spread = float(part.y.mean()), float(part.y.std())
            if weights is not None:
                model._y_mean = float(share @ part.y)
                spread = float(np.sqrt(share @ (part.y - model._y_mean) ** 2))
            # A constant target is predicted by its value: the networks' output is multiplied by 0.
            model._y_sd = spread if spread > 1e-12 * max(1.0, float(np.abs(part.y).max())) else 0.0
            values[i, :n, :d] = part.X
            target[i, :n] = (part.y - model._y_mean) / (model._y_sd or 1.0)
            weight[i, :n] = share
            if part.sd is not None:
                known[i, :n] = (part.sd / (model._y_sd or 1.0)) ** 2
            penalty[i] = self.alpha / (n if weights is None else weights.sum())
        start = [
            tuple(np.broadcast_to(part, (n_sets, *part.shape)) for part in layer)
            for layer in self._starting_weights(n_columns)
        ]
        program = _program(len(self.hidden), self.steps, self.activation, self.heteroscedastic)
        trained, loss = program(start, values, target, weight, known, penalty, np.float32(self.learning_rate))
        layers = [tuple(np.asarray(part, dtype=np.float64) for part in layer) for layer in trained]
        final = np.asarray(loss, dtype=np.float64)
        for i, (model, part) in enumerate(zip(models, sets, strict=True)):
            model.layers_ = [(W[i], b[i]) for W, b in layers]
            model.layers_[0] = (model.layers_[0][0][:, : part.X.shape[1]], model.layers_[0][1])
            model.loss_ = final[i]

    def _starting_weights(self, n_columns: int) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Weights (members, units in, units out) and biases (members, units out) of each layer.

        A network's numbers come row by row from its own stream, so its start doesn't depend on how many columns
        of zeros a wider training set adds behind its own.
        """
        widths = [n_columns, *self.hidden, 2 if self.heteroscedastic else 1]
        layers = []
        for depth, (n_in, n_out) in enumerate(pairwise(widths)):
            weights = np.empty((self.members, n_in, n_out), dtype=np.float32)
            for member in range(self.members):
                rng = np.random.default_rng([self.seed, depth, member])
                # The bound of the first layer uses a fixed 8 columns for the same reason.
                bound = np.sqrt(6.0 / ((8 if depth == 0 else n_in) + n_out))
                weights[member] = rng.uniform(-bound, bound, (n_in, n_out))
            layers.append((weights, np.zeros((self.members, n_out), dtype=np.float32)))
        return layers

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Mean prediction of the networks, shape (n_rows,), and with `return_std` a standard deviation.

        That is the spread of the networks; heteroscedastic ones add the mean of the noise variances they learnt.
        """
        each, noise = self._outputs(X)
        mean = np.asarray(each.mean(axis=0))
        if not return_std:
            return mean
        variance = each.var(axis=0)
        return mean, np.sqrt(variance if noise is None else variance + noise.mean(axis=0))

    def predict_members(self, X: ArrayLike) -> FloatArray:
        """Prediction of each network, shape (members, n_rows)."""
        return self._outputs(X)[0]

    def predict_noise(self, X: ArrayLike) -> FloatArray:
        """Return the standard deviation of the noise that heteroscedastic networks see at each row, shape (n_rows,).

        Raises
        ------
        StudyError
            If the networks were not asked to learn it.
        """
        noise = self._outputs(X)[1]
        if noise is None:
            raise StudyError("this network ensemble learnt no noise; fit it with heteroscedastic = true")
        return np.asarray(np.sqrt(noise.mean(axis=0)))

    def _outputs(self, X: ArrayLike) -> tuple[FloatArray, FloatArray | None]:
        """Prediction and, of heteroscedastic networks, noise variance of each network, shape (members, n_rows)."""
        check_is_fitted(self)
        values = validate_data(self, X, dtype=float, reset=False)
        n_out = self.layers_[-1][0].shape[2]
        out = np.empty((len(self.layers_[0][0]), len(values), n_out))
        for start in range(0, len(values), 8192):
            signal: Any = values[start : start + 8192]
            for depth, (weights, bias) in enumerate(self.layers_):
                signal = signal @ weights + bias[:, None, :]
                if depth < len(self.layers_) - 1:
                    signal = np.tanh(signal) if self.activation == "tanh" else np.maximum(signal, 0.0)
            out[:, start : start + 8192] = signal
        mean = out[:, :, 0] * self._y_sd + self._y_mean
        if n_out == 1:
            return mean, None
        return mean, np.exp(np.clip(out[:, :, 1], *_LOG_NOISE)) * self._y_sd**2


@lru_cache(maxsize=16)
def _program(n_hidden: int, steps: int, activation: str, heteroscedastic: bool) -> Any:
    """Compile the training program: (weights, data) -> (trained weights, losses) for all sets and members."""
    import jax
    import jax.numpy as jnp

    activate = jnp.tanh if activation == "tanh" else jax.nn.relu

    def forward(layers: Any, x: Any) -> Any:
        for W, b in layers[:-1]:
            x = activate(x @ W + b)
        W, b = layers[-1]
        return x @ W + b

    def loss(layers: Any, x: Any, y: Any, weight: Any, known: Any, penalty: Any, free: Any) -> Any:
        out = forward(layers, x)
        error = out[:, 0] - y
        squares = sum(jnp.sum(W * W) for W, _ in layers)
        if not heteroscedastic:
            return 0.5 * jnp.sum(weight * error * error) + 0.5 * penalty * squares
        log_noise = jnp.clip(out[:, 1], *_LOG_NOISE)
        variance = jnp.where(free, jnp.exp(log_noise), 1.0) + known
        fit = 0.5 * jnp.sum(weight * (error * error / variance + jnp.log(variance)))
        return fit + 0.5 * penalty * squares

    def train(layers: Any, x: Any, y: Any, weight: Any, known: Any, penalty: Any, rate: Any) -> Any:
        zeros = jax.tree.map(jnp.zeros_like, layers)

        def step(state: Any, t: Any) -> Any:
            w, m, v = state
            g = jax.grad(loss)(w, x, y, weight, known, penalty, 3 * t >= steps)
            m = jax.tree.map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
            v = jax.tree.map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
            count = (t + 1).astype(jnp.float32)
            now = rate * 0.5 * (1.0 + jnp.cos(jnp.pi * t.astype(jnp.float32) / steps))
            size = now * jnp.sqrt(1.0 - 0.999**count) / (1.0 - 0.9**count)
            w = jax.tree.map(lambda a, b, c: a - size * b / (jnp.sqrt(c) + 1e-8), w, m, v)
            return (w, m, v), None

        (w, _, _), _ = jax.lax.scan(step, (layers, zeros, zeros), jnp.arange(steps))
        return w, loss(w, x, y, weight, known, penalty, True)

    over_members = jax.vmap(train, in_axes=(0, None, None, None, None, None, None))
    over_sets = jax.vmap(over_members, in_axes=(0, 0, 0, 0, 0, 0, None))
    return jax.jit(over_sets)
