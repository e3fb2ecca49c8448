"""Surrogates: seconds a step, distance from a long run, and how far intervals can be trusted from three rows on.

python benchmarks/surrogates.py [DATA] [--seeds 12]

DATA holds the folder `olympus` of the public tables, for the last part; it is left out if not given. Seconds are those
of the clock, and of the processor in brackets.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from perospin.navigation import CompetingSurrogates, GPSurrogate, InputColumns, Mean, StructuredSurrogate
from perospin.navigation.surrogates.means import boundary_step, constant
from perospin.navigation.surrogates.priors import LogNormal, Normal, Uniform

TABLES = ("thin_film", "photo_wf3", "photo_pce10", "oer_plate_3496", "p3ht", "agnp")
FRACTIONS = ("thin_film", "photo_wf3", "photo_pce10", "oer_plate_3496", "p3ht")
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
    print("plain surrogate on measured tables, random training rows, the rest held out (at most 300 rows), medians of")
    print(
        f"{len(TABLES)} tables x {seeds} seeds: R2, and cover of new values by 90 % intervals (noise included), mean:"
    )
    for n in (3, 6, 12, 30):
        cover, r2 = [], []
        for name in TABLES:
            table = np.loadtxt(data / "olympus" / name / "data.csv", delimiter=",")
            inputs, values = table[:, :-1], table[:, -1]
            kind = "fraction" if name in FRACTIONS else "continuous"
            names = tuple(f"x{j}" for j in range(inputs.shape[1]))
            columns = InputColumns(names, (kind,) * len(names), tuple(inputs.min(axis=0)), tuple(inputs.max(axis=0)))
            for seed in range(seeds):
                order = np.random.default_rng(seed).permutation(len(values))
                train, test = order[:n], order[n : n + 300]
                known = GPSurrogate(columns).fit(inputs[train], values[train])
                mean, sd = known.predict(inputs[test])
                noise = known.hyperparameters["noise variance"] * np.var(values[train], ddof=1)
                cover.append(np.mean(np.abs(values[test] - mean) < 1.645 * np.sqrt(sd**2 + noise)))
                r2.append(1.0 - np.mean((values[test] - mean) ** 2) / np.var(values[test]))
        print(f"  {n} rows: R2 {np.median(r2):.2f}, cover {np.mean(cover):.0%}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=12)
    given = parser.parse_args()
    speed()
    accuracy()
    if given.data:
        calibration(given.data, given.seeds)


if __name__ == "__main__":
    main()
