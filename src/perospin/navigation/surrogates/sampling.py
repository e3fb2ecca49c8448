"""Posterior draws by NUTS where the prior is a standard normal cloud: the independent check of the annealed sampler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perospin._optional import require

__all__ = ["by_nuts"]

FloatArray = NDArray[np.float64]
Array = Any  # JAX's


def by_nuts(
    log_likelihood: Callable[[Array, Any], Array], k: int, warm_up: int, draws: int, depth: int = 10
) -> Callable[[Any, int], FloatArray]:
    """Make a No-U-turn sampler.

    Parameters
    ----------
    log_likelihood : callable
        Takes a point (k,) and the data to the log likelihood; written for JAX.
    k : int
        Dimension.
    warm_up, draws : int
    depth : int
        Doublings of a trajectory, at most.

    Returns
    -------
    callable
        Takes data and a seed to draws, (draws, k).

    Raises
    ------
    MissingExtraError
        Without NumPyro.
    """
    numpyro = require("numpyro", "bayes")
    import jax
    import jax.numpy as jnp

    def model(data: Any) -> None:
        normal = numpyro.distributions.Normal(jnp.zeros(k), 1.0).to_event(1)
        numpyro.factor("likelihood", log_likelihood(numpyro.sample("z", normal), data))

    kernel = numpyro.infer.NUTS(model, max_tree_depth=depth, init_strategy=numpyro.infer.init_to_median)
    made = numpyro.infer.MCMC(kernel, num_warmup=warm_up, num_samples=draws, progress_bar=False, jit_model_args=True)

    def sample(data: Any, seed: int) -> FloatArray:
        with jax.enable_x64(True):
            made.run(jax.random.key(seed), data)
            return np.asarray(made.get_samples()["z"])

    return sample
