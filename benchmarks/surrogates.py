"""Surrogates: seconds a step, distance from a long run, and how far intervals can be trusted from three rows on.

python benchmarks/surrogates.py [DATA] [--seeds 12] [--parts speed accuracy calibration]

DATA holds the folders `olympus` and `pvlab` of the public tables, for the last part; it is left out if not given.
Seconds are those of the clock, and of the processor in brackets.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

from perospin.navigation import CompetingSurrogates, GPSurrogate, InputColumns, Mean, StructuredSurrogate
from perospin.navigation.surrogates.means import boundary_step, constant
from perospin.navigation.surrogates.priors import LogNormal, Normal, Uniform

TABLES = ("thin_film", "photo_wf3", "photo_pce10", "oer_plate_3496", "p3ht", "agnp")
OTHERS = ("perovskites", "vapdiff_crystal", "pvlab AutoAM", "pvlab Crossed_barrel")
PROCESS = InputColumns.continuous({"temperature_c": (60.0, 160.0), "time_min": (1.0, 30.0), "fraction": (0.0, 1.0)})


def timed(what: str, work: Any) -> Any:
    wall, used = time.perf_counter(), time.process_time()
    made = work()
    print(f"  {what}: {time.perf_counter() - wall:.2f} s ({time.process_time() - used:.2f} s)", flush=True)
    return made


def rows(n: int, seed: int) -> np.ndarray:
    low, high = np.array(PROCESS.lower), np.array(PROCESS.upper)
    return low + (high - low) * np.random.default_rng(seed).random((n, 3))


def measured(x: np.ndarray, seed: int) -> np.ndarray:
    step = 1.0 / (1.0 + np.exp(-(x[:, 2] - 0.62) / 0.02))
    smooth = np.sin(x[:, 0] / 40.0) + 0.3 * np.log(x[:, 1])
    return smooth + 2.0 * step + 0.05 * np.random.default_rng(seed).standard_normal(len(x))


def law() -> Mean:
    wide = Normal(0.0, 3.0)
    return boundary_step("fraction", Uniform(0.1, 0.9), wide, wide, LogNormal(0.03, 2.0))


def speed() -> None:
    known, y, candidates = rows(61, 0), measured(rows(61, 0), 1), rows(100_000, 2)
    plain = GPSurrogate(PROCESS)
    print("plain surrogate, 60 rows and one more, 100,000 candidates:")
    timed("first", lambda: plain.fit(known[:60], y[:60]).predict(candidates))
    timed("next", lambda: plain.fit(known, y).predict(candidates))
    structured = StructuredSurrogate(PROCESS, law())
    print("structured surrogate (step at a boundary), 1,000 candidates:")
    timed("first, 59 rows, with compilation", lambda: structured.fit(known[:59], y[:59]).predict(candidates[:1000]))
    timed("next, 60 rows", lambda: structured.fit(known[:60], y[:60]).predict(candidates[:1000]))
    two = CompetingSurrogates([structured, StructuredSurrogate(PROCESS, constant(Normal(0.0, 3.0)))])
    timed("beside the hypothesis that nothing steps, first", lambda: two.fit(known[:59], y[:59]))
    timed("the same, next", lambda: two.fit(known[:60], y[:60]))
    print(f"  {two.words}")


def accuracy() -> None:
    print(
        "structured surrogate beside a run of 16 times the effort, root mean square over 500 candidates, in shares of"
    )
    print("the range of the means (goal: 2 %) and of the standard deviations; NUTS (NumPyro) beside the same:")
    new = rows(500, 3)
    for n in (10, 30, 60):
        x = rows(n, 4)
        y = measured(x, 5)
        mean, sd = StructuredSurrogate(PROCESS, law(), draws=1000, effort=16, seed=9).fit(x, y).predict(new)
        runs = {
            "usual": StructuredSurrogate(PROCESS, law()),
            "NUTS": StructuredSurrogate(PROCESS, law(), draws=1000, sampler="nuts"),
        }
        for name, surrogate in runs.items():
            other, other_sd = surrogate.fit(x, y).predict(new)
            off = np.sqrt(np.mean((other - mean) ** 2)) / np.ptp(mean)
            off_sd = np.sqrt(np.mean((other_sd / sd - 1.0) ** 2))
            print(f"  {n} rows, {name}: means {off:.1%}, standard deviations {off_sd:.0%}", flush=True)


def calibration(data: Path, seeds: int) -> None:
    """Rows of the table as `backtests.py` reads them: a repeat at random, of training rows and of held-out ones."""
    from backtests import Pool

    print(
        "plain surrogate, random training rows of measured tables, the rest held out (at most 300 rows), each with one"
    )
    print(
        f"of its repeats; {seeds} seeds. Share of held-out values within 90 % intervals, noise included (mean); R2 and"
    )
    print("log density (for values of variance 1) are medians over tables and seeds. The t-interval knows no inputs:")
    print("it is what can be hoped for with so few values of such skewed tables.")
    for what, names in (("priors chosen on", TABLES), ("other tables, seen while choosing", OTHERS)):
        print(f"| rows | {' | '.join(names)} | all | t-interval | R2 | log density | ({what})")
        print("|" + "---|" * (len(names) + 5))
        for n in (3, 6, 12, 30):
            cover: dict[str, list[float]] = {name: [] for name in names}
            plain_t, r2, density = [], [], []
            for name in names:
                pool = Pool(data, name)
                low, high = pool.inputs.min(axis=0), pool.inputs.max(axis=0)
                columns = InputColumns(tuple(pool.names), tuple(pool.kinds), tuple(low), tuple(high))
                for seed in range(seeds):
                    generator = np.random.default_rng(seed)
                    order = generator.permutation(len(pool.means))
                    train, test = order[:n], order[n : n + 300]
                    y, new = (np.array([pool.measure(row, generator) for row in part]) for part in (train, test))
                    if not np.ptp(y) > 0.0:
                        continue
                    known = GPSurrogate(columns).fit(pool.inputs[train], y)
                    mean, sd = known.predict(pool.inputs[test])
                    wide = np.sqrt(sd**2 + known.noise_variance)
                    z = (new - mean) / wide
                    cover[name].append(float(np.mean(np.abs(z) < 1.645)))
                    half = t.ppf(0.95, n - 1) * np.std(y, ddof=1) * np.sqrt(1.0 + 1.0 / n)
                    plain_t.append(float(np.mean(np.abs(new - y.mean()) < half)))
                    r2.append(1.0 - np.mean((new - mean) ** 2) / np.var(new))
                    log_density = -0.5 * z**2 - np.log(wide / np.std(pool.means)) - 0.5 * np.log(2.0 * np.pi)
                    density.append(float(np.mean(log_density)))
            cells = [f"{np.mean(made):.0%}" for made in cover.values()]
            cells += [f"{np.mean([one for made in cover.values() for one in made]):.0%}", f"{np.mean(plain_t):.0%}"]
            cells += [f"{np.median(r2):.2f}", f"{np.median(density):.2f}"]
            print(f"| {n} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--parts", nargs="+", default=["speed", "accuracy", "calibration"])
    given = parser.parse_args()
    if "speed" in given.parts:
        speed()
    if "accuracy" in given.parts:
        accuracy()
    if given.data and "calibration" in given.parts:
        calibration(given.data, given.seeds)


if __name__ == "__main__":
    main()
