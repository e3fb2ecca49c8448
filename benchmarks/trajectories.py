"""Annealing profiles: a deep kernel beside a process on all set points and one on simple summaries.

python benchmarks/trajectories.py [--seeds 5] [--rows 15 30 60]

Intervals are those of the noise-free value: what summaries leave out passes for noise and is not in them. Synthetic
and labelled so: a film heated along twelve set points crystallises (Arrhenius, 0.9 eV) and decomposes
(1.5 eV); the value is what is crystallised and whole, measured with noise of 0.02. R2 and cover of 90 % intervals are
those of 300 held-out profiles. The summaries are what a chemist would write down: mean, highest and last temperature
and the time above 110 C.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from perospin.navigation import GPSurrogate, InputColumns
from perospin.navigation.surrogates.deep_kernel import DeepKernelSurrogate

POINTS, MINUTES, NOISE = 12, 2.0, 0.02
PROFILE = InputColumns.continuous({f"set point {j}": (50.0, 170.0) for j in range(POINTS)})
SUMMARIES = InputColumns.continuous(
    {"mean": (50.0, 170.0), "highest": (50.0, 170.0), "last": (50.0, 170.0), "above 110 C": (0.0, POINTS * MINUTES)}
)


def profiles(n: int, generator: np.random.Generator) -> np.ndarray:
    """Temperatures in C: smooth walks within 50 and 170."""
    steps = generator.normal(0.0, 18.0, (n, POINTS))
    return np.clip(generator.uniform(60.0, 150.0, (n, 1)) + np.cumsum(steps, axis=1), 50.0, 170.0)


def whole_crystals(profile: np.ndarray) -> np.ndarray:
    kt_ev = 8.617333262e-5 * (profile + 273.15)
    at_110, at_150 = 8.617333262e-5 * 383.15, 8.617333262e-5 * 423.15
    grow = 0.15 * np.exp(-0.9 * (1.0 / kt_ev - 1.0 / at_110))
    decay = 0.10 * np.exp(-1.5 * (1.0 / kt_ev - 1.0 / at_150))
    amorphous, crystals = np.ones(len(profile)), np.zeros(len(profile))
    for j in range(POINTS):
        turned = amorphous * (1.0 - np.exp(-grow[:, j] * MINUTES))
        amorphous -= turned
        crystals = (crystals + turned) * np.exp(-decay[:, j] * MINUTES)
    return crystals


def summaries(profile: np.ndarray) -> np.ndarray:
    hot = MINUTES * (profile > 110.0).sum(axis=1)
    return np.column_stack([profile.mean(axis=1), profile.max(axis=1), profile[:, -1], hot])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, nargs="+", default=[15, 30, 60])
    given = parser.parse_args()
    print("| training rows | surrogate | held-out R2, median (range) of seeds | cover of 90 % | processor s a fit |")
    print("|---|---|---|---|---|")
    for n in given.rows:
        found: dict[str, list[tuple[float, float, float]]] = {}
        for seed in range(given.seeds):
            generator = np.random.default_rng(seed)
            train, new = profiles(n, generator), profiles(300, generator)
            y, truth = whole_crystals(train) + NOISE * generator.standard_normal(n), whole_crystals(new)
            for name, model, read in (
                ("deep kernel on set points", DeepKernelSurrogate(PROFILE), np.asarray),
                ("process on set points", GPSurrogate(PROFILE), np.asarray),
                ("process on summaries", GPSurrogate(SUMMARIES), summaries),
            ):
                begin = time.process_time()
                mean, sd = model.fit(read(train), y).predict(read(new))
                used = time.process_time() - begin
                r2 = 1.0 - np.mean((mean - truth) ** 2) / truth.var()
                found.setdefault(name, []).append((r2, float(np.mean(np.abs(mean - truth) < 1.645 * sd)), used))
        for name, scores in found.items():
            r2, cover, used = np.array(scores).T
            print(f"| {n} | {name} | {np.median(r2):.2f} ({r2.min():.2f} to {r2.max():.2f})", end=" ")
            print(f"| {np.mean(cover):.0%} | {np.median(used):.2f} |", flush=True)


if __name__ == "__main__":
    main()
