"""Fit 10,000 pump-probe traces in one batched call and, for comparison, some of them one by one with lmfit.

Both fit the same model (decay through a known Gaussian response: lifetime, time zero, amplitude, offset) to the same
data, in one process, one after the other. The batch is timed twice, with and without import and compilation of JAX,
which happen once a process, model and shape. The loop starts from the true median lifetime, the batch from its own
guesses. Asked: 20 times faster per fit, and parameters that agree within 0.1 %.
Run: ``python benchmarks/spectra_batch.py [--traces 10000] [--loop 300]`` (about a minute).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import Any

import lmfit
import numpy as np

from perospin.fitting import FitStatus, Parameter, Quantity, SeparableModel, fit_batch, fixed
from perospin.spectra.signals.irf import gaussian_decay

FWHM_PS, NOISE = 0.2, 0.02
DELAY_PS = np.concatenate([np.linspace(-2.0, 2.0, 60), np.geomspace(2.1, 60.0, 68)])


def _basis(delay: Any, p: Mapping[str, Any]) -> list[Any]:
    return [gaussian_decay(delay - p["time_zero_ps"], p["lifetime_ps"], p["irf_fwhm_ps"]), 1.0]


MODEL = SeparableModel(
    "decay through a response",
    (
        Parameter("lifetime_ps", "ps", "lifetime", 5.0, 1e-3, 1e4, positive=True),
        Parameter("time_zero_ps", "ps", "time zero", 0.0, -1.0, 1.0, scale=0.01),
        Parameter("irf_fwhm_ps", "ps", "response", FWHM_PS, 0.01, 2.0, positive=True),
    ),
    (Quantity("amplitude"), Quantity("offset")),
    _basis,
)


def simulate(n: int) -> np.ndarray:
    """Draw traces of lifetimes from 1 to 20 ps, (n, n_delay)."""
    rng = np.random.default_rng(0)
    lifetime, zero = np.exp(rng.uniform(0.0, np.log(20.0), n)), rng.uniform(-0.1, 0.1, n)
    clean = gaussian_decay(DELAY_PS - zero[:, None], lifetime[:, None], FWHM_PS)
    return rng.uniform(0.5, 2.0, (n, 1)) * clean + 0.05 + NOISE * rng.normal(size=clean.shape)


def loop(y: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit one trace after the other with lmfit: (n, 4) values, seconds per fit."""
    model = lmfit.Model(
        lambda x, lifetime, zero, amplitude, offset: amplitude * gaussian_decay(x - zero, lifetime, FWHM_PS) + offset
    )
    values = np.empty((len(y), 4))
    start = time.perf_counter()
    for i, trace in enumerate(y):
        params = model.make_params(
            lifetime={"value": 4.5, "min": 1e-3, "max": 1e4}, zero={"value": 0.0, "min": -1.0, "max": 1.0},
            amplitude=float(trace.max()), offset=0.0,
        )  # fmt: skip
        best = model.fit(trace, params, x=DELAY_PS).params
        values[i] = [best[name].value for name in ("lifetime", "zero", "amplitude", "offset")]
    return values, (time.perf_counter() - start) / len(y)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=10_000)
    parser.add_argument("--loop", type=int, default=300, help="traces that lmfit fits, to time one fit")
    asked = parser.parse_args()
    y = simulate(asked.traces)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        batch = fit_batch(MODEL, DELAY_PS, y, params={"irf_fwhm_ps": fixed(FWHM_PS)})
        seconds.append(time.perf_counter() - start)
    converged = sum(s is FitStatus.CONVERGED for s in batch.status)
    print(f"batch of {len(y)}: {seconds[0]:.1f} s with compilation, {seconds[1]:.2f} s without; {converged} converged")
    one_by_one, per_fit = loop(y[: asked.loop])
    print(f"lmfit, {asked.loop} of them one by one: {1e3 * per_fit:.1f} ms a fit")
    for what, total in (("with compilation", seconds[0]), ("without", seconds[1])):
        print(f"per fit, {what}: {1e3 * total / len(y):.3f} ms, {per_fit * len(y) / total:.0f} times faster")
    for name, column in (("lifetime_ps", 0), ("amplitude", 2)):
        off = np.max(np.abs(batch[name][: asked.loop] / one_by_one[:, column] - 1))
        print(f"{name}: largest deviation from lmfit {off:.1e}")
    faster = per_fit * len(y) / seconds[1]
    agree = float(np.max(np.abs(batch["lifetime_ps"][: asked.loop] / one_by_one[:, 0] - 1))) < 1e-3
    print(
        f"20 times faster per fit: {'yes' if faster >= 20 else 'NO'} (import and compilation, once a model and shape: "
        f"{seconds[0] - seconds[1]:.1f} s); within 0.1 %: {'yes' if agree else 'NO'}"
    )


if __name__ == "__main__":
    main()
