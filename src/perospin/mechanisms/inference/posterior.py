"""Full posteriors of sums of mechanisms: NUTS by NumPyro, predictive scores (PSIS-LOO or WAIC) by ArviZ.

The model is that of `candidates`: ln(rate) is normal about the logarithm of the sum, with the stated uncertainty and an
extra scatter in quadrature. All models of a comparison share one compiled program, in which the mechanisms that a model
doesn't have are masked out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from perospin._optional import require
from perospin.mechanisms._arrays import Float
from perospin.mechanisms.inference.candidates import ModelSpace
from perospin.mechanisms.inference.shapes import AMPLITUDE_LOG_SD, CAP_LOG_SD

__all__ = ["Comparison", "Sampled", "Sampling", "compare", "sample"]

EXTRA_SCATTER, UNKNOWN_SCATTER = 0.1, 0.5
_SMALLEST_VARIANCE = 1e-8  # of ln(rate): keeps the density finite when exact data leave no scatter


@dataclass(frozen=True)
class Sampling:
    """How to sample.

    Attributes
    ----------
    warmup, draws, chains
        Steps of adaptation and draws of each chain; chains run side by side.
    seed
        Of the sampler.
    """

    warmup: int = 500
    draws: int = 500
    chains: int = 4
    seed: int = 0


@dataclass(frozen=True)
class Sampled:
    """Posterior of one model.

    Attributes
    ----------
    model
        Index of the model.
    theta
        ln(coefficient) of each mechanism (-inf if absent), then the shape parameters; (n_draws, n_names + n_shapes).
    scatter
        Extra standard deviation of ln(rate), (n_draws,).
    inference_data
        For ArviZ.
    r_hat, divergences
        Largest split R-hat of the parameters the model has; number of divergent draws.
    """

    model: int
    theta: Float
    scatter: Float
    inference_data: Any
    r_hat: float
    divergences: int


def _quiet(function: Callable[[], Any]) -> Any:
    """Call with the notices silenced that ArviZ prints on import and raises inside pandas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*inplace keyword.*")
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto distribution")
        warnings.filterwarnings("ignore", message="For one or more samples the posterior variance")
        return function()


def _arviz() -> Any:
    return _quiet(lambda: require("arviz", "bayes"))


def sample(
    space: ModelSpace,
    log_rate: Float,
    sigma: Float | None,
    models: Sequence[int],
    settings: Sampling,
    on_model: Callable[[str, int, int], None] | None = None,
) -> list[Sampled]:
    """Sample the posterior of some models.

    Parameters
    ----------
    space
        Models and conditions.
    log_rate, sigma
        ln(rate/(1/ps)) and its standard deviation (None if unknown), shape (n,).
    models
        Which models.
    settings
        Chains, draws, seed.
    on_model
        Called with the name of a model, how many are done and how many there are, before each one and at the end.

    Raises
    ------
    MissingExtraError
        If NumPyro or ArviZ is not installed.
    """
    require("numpyro", "bayes")
    az = _arviz()
    import jax

    posterior = _Posterior.build(space, log_rate, sigma)
    masks = space.masks()
    results = []
    with jax.enable_x64(True):
        run = _sampler(posterior, settings)
        for done, index in enumerate(models):
            if on_model is not None:
                on_model(space.model_name(space.models[index]), done, len(models))
            keys = jax.random.split(jax.random.PRNGKey(settings.seed * 1000 + index), settings.chains)
            points, diverging = (np.asarray(item) for item in run(masks[index], keys))
            results.append(_collect(az, space, posterior, index, points, int(diverging.sum())))
        if on_model is not None:
            on_model("", len(models), len(models))
    return results


@dataclass(frozen=True)
class _Posterior:
    """The density in coordinates that are standard normal a priori: levels, shape parameters, extra scatter."""

    space: ModelSpace
    y: Float
    variance: Float
    prior_scatter: float
    centre: float

    @classmethod
    def build(cls, space: ModelSpace, log_rate: Float, sigma: Float | None) -> _Posterior:
        variance = np.zeros_like(log_rate) if sigma is None else sigma**2
        scatter = UNKNOWN_SCATTER if sigma is None else EXTRA_SCATTER
        return cls(space, log_rate, variance, scatter, math.log(float(np.mean(np.exp(log_rate)))))

    @property
    def size(self) -> int:
        return len(self.space.names)

    @property
    def width(self) -> int:
        return self.size + len(self.space.shape_names) + 1

    def physical(self, z: Any, xp: Any) -> tuple[Any, Any]:
        """Theta (..., n_names + n_shapes) and extra variance (...) behind coordinates z."""
        n = self.size
        level, spread, low, high = self.space.shape_priors
        from scipy.special import ndtr

        if xp is not np:
            from jax.scipy.special import ndtr
        first_end, last_end, _ = self.space.coefficient_priors
        own = np.isfinite(first_end)
        low_end, span = np.where(own, first_end, 0.0), np.where(own, last_end - first_end, 0.0)
        # the box is that of the least-squares fits; outside it nothing changes any more
        shape = xp.clip(level + spread * z[..., n:-1], low, high)
        ranged = low_end + span * ndtr(z[..., :n])
        first = xp.where(own, ranged, 0.0)
        # a law that scales is led by its mean contribution, the others by their coefficient, uniform in its range
        parts = self.space.log_rates(range(n), xp.concatenate([first, shape], axis=-1), xp=xp)
        top = parts.max(axis=-2)
        mean_part = top + xp.log(xp.mean(xp.exp(parts - top[..., None, :]), axis=-2))
        scaled = self.centre + AMPLITUDE_LOG_SD * z[..., :n] - mean_part
        coefficients = xp.where(own, ranged, scaled)
        return xp.concatenate([coefficients, shape], axis=-1), (self.prior_scatter * z[..., -1]) ** 2

    def log_likelihood(self, z: Any, mask: Any, xp: Any) -> Any:
        """Of each measurement; (..., n)."""
        theta, extra = self.physical(z, xp)
        parts = self.space.log_rates(range(self.size), theta, xp=xp) - 1e9 * (1.0 - mask)
        top = parts.max(axis=-1)
        total = top + xp.log(xp.sum(xp.exp(parts - top[..., None]), axis=-1))
        variance = self.variance + extra[..., None] + _SMALLEST_VARIANCE
        return -0.5 * ((total - self.y) ** 2 / variance + xp.log(2.0 * math.pi * variance))

    def log_cap(self, z: Any, mask: Any, xp: Any) -> Any:
        """Log density of the caps: where a law leaves its physics."""
        cap = self.space.coefficient_priors[2]
        theta, _ = self.physical(z, xp)
        above = xp.maximum(theta[..., : self.size] - np.where(np.isfinite(cap), cap, 1e9), 0.0) / CAP_LOG_SD
        return -0.5 * xp.sum(mask * above**2, axis=-1)


def _sampler(posterior: _Posterior, settings: Sampling) -> Any:
    """Compile all chains of one model into one program; the model is its argument, so that one program serves all.

    NumPyro's own driver (`MCMC.run`) compiles anew for each model, which takes a hundred times longer than sampling.
    """
    import jax
    import jax.numpy as jnp
    from numpyro.infer import NUTS

    width = posterior.width

    def chain(mask: Any, key: Any) -> Any:
        def potential(z: Any) -> Any:
            likelihood = jnp.sum(posterior.log_likelihood(z, mask, jnp)) + posterior.log_cap(z, mask, jnp)
            return 0.5 * jnp.sum(z**2) - likelihood

        kernel = NUTS(potential_fn=potential, target_accept_prob=0.85)
        first, second = jax.random.split(key)
        start = 0.3 * jax.random.normal(first, (width,))
        state = kernel.init(second, settings.warmup, start, (), {})

        def step(current: Any, _: Any) -> Any:
            following = kernel.sample(current, (), {})
            return following, (following.z, following.diverging)

        state, _ = jax.lax.scan(step, state, None, length=settings.warmup)
        _, out = jax.lax.scan(step, state, None, length=settings.draws)
        return out

    return jax.jit(jax.vmap(chain, in_axes=(None, 0)))


def _collect(az: Any, space: ModelSpace, posterior: _Posterior, index: int, points: Float, divergences: int) -> Sampled:
    """Keep the parameters that the model has (the others only follow their priors); points (chains, draws, width)."""
    members = list(space.models[index])
    size = posterior.size
    uses = np.flatnonzero(space.shape_masks()[index])
    found, extra = posterior.physical(points, np)
    kept = {"coefficient": found[..., members], "scatter": np.sqrt(extra)}
    if uses.size:
        kept["shape"] = found[..., size + uses]
    likelihood = posterior.log_likelihood(points, space.masks()[index], np)
    data = _quiet(lambda: az.from_dict(posterior=kept, log_likelihood={"y": likelihood}))
    r_hat = _quiet(lambda: max(float(v.max()) for v in az.rhat(data).data_vars.values()))
    count = points.shape[0] * points.shape[1]
    theta = np.array(found.reshape(count, -1))
    absent = [i for i in range(size) if i not in members]
    theta[:, absent] = -np.inf
    return Sampled(index, theta, np.sqrt(extra).ravel(), data, r_hat, divergences)


@dataclass(frozen=True)
class Comparison:
    """Predictive comparison of sampled models, in their order.

    Attributes
    ----------
    probability
        Pseudo-Bayesian model averaging weights with Bayesian bootstrap (pseudo-BMA+).
    elpd, elpd_se
        Expected log predictive density and its standard error.
    pareto_k
        Largest Pareto k of each model (PSIS-LOO; above 0.7 the score is unreliable); NaN with WAIC.
    criterion
        ``"loo"`` or ``"waic"``.
    """

    probability: Float
    elpd: Float
    elpd_se: Float
    pareto_k: Float
    criterion: str


def compare(models: Sequence[Sampled], criterion: Literal["loo", "waic"], seed: int) -> Comparison:
    """Compare models by leave-one-out prediction (PSIS-LOO) or WAIC.

    Parameters
    ----------
    models
        Sampled models.
    criterion
        ``"loo"`` or ``"waic"``.
    seed
        Of the bootstrap.

    Notes
    -----
    Yao, Vehtari, Simpson, Gelman, Bayesian Analysis 13, 917 (2018), doi 10.1214/17-BA1091, as ArviZ implements it.
    """
    az = _arviz()
    data = {str(m.model): m.inference_data for m in models}
    if len(models) == 1:
        only = _score(az, models[0], criterion)
        return Comparison(np.ones(1), np.array([only[0]]), np.array([only[1]]), np.array([only[2]]), criterion)
    table = _quiet(lambda: az.compare(data, ic=criterion, method="BB-pseudo-BMA", seed=seed, scale="log"))
    order = [str(m.model) for m in models]
    scores = [_score(az, m, criterion) for m in models]
    return Comparison(
        table.loc[order, "weight"].to_numpy(dtype=float),
        np.array([s[0] for s in scores]),
        np.array([s[1] for s in scores]),
        np.array([s[2] for s in scores]),
        criterion,
    )


def _score(az: Any, model: Sampled, criterion: str) -> tuple[float, float, float]:
    if criterion == "waic":
        found = _quiet(lambda: az.waic(model.inference_data, pointwise=True, scale="log"))
        return float(found.elpd_waic), float(found.se), math.nan
    found = _quiet(lambda: az.loo(model.inference_data, pointwise=True, scale="log"))
    return float(found.elpd_loo), float(found.se), float(np.max(np.asarray(found.pareto_k)))
