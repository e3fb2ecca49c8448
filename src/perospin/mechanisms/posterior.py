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
from perospin.mechanisms.candidates import (
    AMPLITUDE_LOG_SD,
    EA_LOG_SD,
    EA_MEV,
    R_HIGH,
    R_LOW,
    R_MEAN,
    R_SD,
    ModelSpace,
)

__all__ = ["Comparison", "Sampled", "Sampling", "compare", "sample"]

EXTRA_SCATTER, UNKNOWN_SCATTER = 0.1, 0.5


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

    warmup: int = 400
    draws: int = 400
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
        ln(coefficient) of each mechanism (-inf if absent), then r and ln(E_a/meV); (n_draws, n_names + 2).
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
    import jax.numpy as jnp
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer import MCMC, NUTS

    size = len(space.names)
    base, exponent, energy = space.tables()
    masks = space.masks()
    width = np.zeros_like(log_rate) if sigma is None else sigma
    prior_scatter = UNKNOWN_SCATTER if sigma is None else EXTRA_SCATTER
    centre = math.log(float(np.mean(np.exp(log_rate))))

    def model(mask: Any) -> None:
        with numpyro.plate("mechanisms", size):
            level = numpyro.sample("level", dist.Normal(centre, AMPLITUDE_LOG_SD))
        r = numpyro.sample("r", dist.TruncatedNormal(R_MEAN, R_SD, low=R_LOW, high=R_HIGH))
        log_energy = numpyro.sample("log_energy", dist.Normal(math.log(EA_MEV), EA_LOG_SD))
        scatter = numpyro.sample("scatter", dist.HalfNormal(prior_scatter))
        shapes = base + r * exponent + jnp.exp(log_energy) * energy
        coefficients = level - jax.scipy.special.logsumexp(shapes, axis=0) + math.log(len(log_rate))
        parts = jnp.where(mask > 0, coefficients + shapes, -jnp.inf)
        numpyro.deterministic("coefficients", coefficients)
        total = jax.scipy.special.logsumexp(parts, axis=1)
        numpyro.sample("y", dist.Normal(total, jnp.sqrt(width**2 + scatter**2)), obs=log_rate)

    results = []
    with jax.enable_x64(True):
        engine = MCMC(
            NUTS(model, target_accept_prob=0.85, init_strategy=numpyro.infer.init_to_median),
            num_warmup=settings.warmup,
            num_samples=settings.draws,
            num_chains=settings.chains,
            chain_method="vectorized",
            progress_bar=False,
            jit_model_args=True,
        )
        for done, index in enumerate(models):
            name = space.model_name(space.models[index])
            if on_model is not None:
                on_model(name, done, len(models))
            mask = jnp.asarray(masks[index])
            engine.run(jax.random.PRNGKey(settings.seed * 1000 + index), mask, extra_fields=("diverging",))
            draws = engine.get_samples(group_by_chain=True)
            likelihood = numpyro.infer.log_likelihood(model, draws, mask, batch_ndims=2)["y"]
            posterior = {key: np.asarray(value) for key, value in draws.items()}
            results.append(
                _collect(az, space, index, posterior, np.asarray(likelihood),
                         int(np.sum(np.asarray(engine.get_extra_fields()["diverging"]))))
            )  # fmt: skip
        if on_model is not None:
            on_model("", len(models), len(models))
    return results


def _collect(
    az: Any, space: ModelSpace, index: int, posterior: dict[str, Float], likelihood: Float, divergences: int
) -> Sampled:
    """Keep the parameters that the model has; the masked ones only follow their priors."""
    members = list(space.models[index])
    uses = space.shape_masks()[index]
    kept = {"level": posterior["level"][:, :, members], "scatter": posterior["scatter"]}
    kept |= {key: posterior[key] for key, used in zip(("r", "log_energy"), uses, strict=True) if used}
    data = _quiet(lambda: az.from_dict(posterior=kept, log_likelihood={"y": likelihood}))
    r_hat = _quiet(lambda: max(float(v.max()) for v in az.rhat(data).data_vars.values()))
    flat = {key: value.reshape(-1, *value.shape[2:]) for key, value in posterior.items()}
    theta = np.full((len(flat["r"]), len(space.names) + 2), -np.inf)
    theta[:, members] = flat["coefficients"][:, members]
    theta[:, -2], theta[:, -1] = flat["r"], flat["log_energy"]
    return Sampled(index, theta, flat["scatter"], data, r_hat, divergences)


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
