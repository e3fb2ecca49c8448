"""Hypothesis learning on the published benchmark: how often the right law is found, and the error of the curve.

python benchmarks/hypothesis_learning.py DATA OUT [--seeds 20] [--rewards evidence original] [--policies epsilon-greedy]
python benchmarks/hypothesis_learning.py DATA OUT --summary

DATA is the folder with `benchmark.json` of hypoAL (truth, grid, noise, seed points, laws, priors; arXiv:2112.06649).
Runs are added to OUT (one JSON line each) as they end; what is there already is not run again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from perospin.navigation import GPSurrogate, InputColumns
from perospin.navigation.surrogates.hypotheses import CompetingSurrogates, HypothesisLearning
from perospin.navigation.surrogates.means import Mean
from perospin.navigation.surrogates.priors import LogNormal, Normal, Uniform
from perospin.navigation.surrogates.structured import Deviation, StructuredSurrogate

RIGHT = "piecewise3"


def laws() -> list[Mean]:
    import jax.numpy as jnp

    place, any_slope = Uniform(0.5, 2.0), Normal(3.0, 1.0)

    def power_line(x: Any, p: Any) -> Any:
        return jnp.where(x["x"] < p["t"], x["x"] ** p["beta"], p["c"] * x["x"])

    def line_line(x: Any, p: Any) -> Any:
        return jnp.where(x["x"] < p["t"], p["b"], p["c"]) * x["x"]

    def power_power(x: Any, p: Any) -> Any:
        return x["x"] ** jnp.where(x["x"] < p["t"], p["beta1"], p["beta2"])

    return [
        Mean("piecewise1", power_line, {"t": place, "beta": any_slope}, {"c": any_slope}),
        Mean("piecewise2", line_line, {"t": place}, {"b": any_slope, "c": any_slope}),
        Mean("piecewise3", power_power, {"t": place, "beta1": any_slope, "beta2": any_slope}),
    ]


def run(given: dict[str, Any], means: list[Mean], policy: str, reward: str, seed: int) -> dict[str, Any]:
    grid = np.linspace(given["grid"]["low"], given["grid"]["high"], given["grid"]["n"])
    p = given["params"]
    truth = np.where(grid < p["t"], grid ** p["beta1"], grid ** p["beta2"])
    generator = np.random.default_rng(seed)
    columns = InputColumns.continuous({"x": (grid[0], grid[-1])})
    # priors of the published run: length scale in units of x, variances in units of y squared
    one = LogNormal(1.0, float(np.e))
    deviation = Deviation(one, one, Uniform(0.0, 1.0 / (grid[-1] - grid[0])), 1.0)
    competing = CompetingSurrogates([StructuredSurrogate(columns, mean, deviation, seed=seed) for mean in means])
    learning = HypothesisLearning(competing, policy, reward, given["epsilon"], warm_up=given["warmup_steps"], seed=seed)
    order, record, history = list(given["seed_indices"]), None, []
    values = [float(truth[i] + given["noise_sd"] * generator.standard_normal()) for i in order]
    for _ in range(given["exploration_steps"]):
        rest = np.setdiff1d(np.arange(len(grid)), order)
        advice = learning.advise(record, grid[order, None], values, grid[rest, None])
        record = advice.record
        history.append(advice.probabilities)
        order.append(int(rest[advice.row]))
        values.append(float(truth[order[-1]] + given["noise_sd"] * generator.standard_normal()))
    competing.fit(grid[order, None], values)
    best = learning.best(record)
    curve = competing.models[competing.names.index(best)].predict(grid[:, None])[0]
    # the same number of points for the plain surrogate, where it is least certain itself
    own = list(given["seed_indices"])
    seen = values[: len(own)]
    plain = GPSurrogate(columns)
    for _ in range(given["exploration_steps"]):
        rest = np.setdiff1d(np.arange(len(grid)), own)
        own.append(int(rest[np.argmax(plain.fit(grid[own, None], seen).predict(grid[rest, None])[1])]))
        seen.append(float(truth[own[-1]] + given["noise_sd"] * generator.standard_normal()))
    plain_curve = plain.fit(grid[own, None], seen).predict(grid[:, None])[0]
    return {
        "best": best,
        "decided": competing.decided,
        "probability": competing.probabilities()[RIGHT],
        "steps_to_decide": next((i for i, made in enumerate(history) if made[RIGHT] >= competing.decided_at), None),
        "error": float(np.sqrt(np.mean((curve - truth) ** 2))),
        "average_error": float(np.sqrt(np.mean((competing.predict(grid[:, None])[0] - truth) ** 2))),
        "plain_error": float(np.sqrt(np.mean((plain_curve - truth) ** 2))),
    }


def summary(out: Path) -> None:
    made = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    groups = defaultdict(list)
    for line in made:
        groups[line["key"][0], line["key"][1]].append(line)
    print("Four seed points and 15 steps, noise as published. Error: root mean square over the grid against the truth.")
    for (policy, reward), lines in groups.items():
        right = sum(line["best"] == RIGHT for line in lines)
        decided = [line["decided"] for line in lines]
        wrong = sum(one not in (None, RIGHT) for one in decided)
        print(f"{policy}, {reward} reward: right law ahead in {right} of {len(lines)} seeds;", end=" ")
        print(f"by evidence decided right {decided.count(RIGHT)}, wrong {wrong}, can't tell {decided.count(None)}")
        steps = [line["steps_to_decide"] for line in lines if line["steps_to_decide"] is not None]
        if steps:
            print(f"  median steps until its probability passes 0.95: {np.median(steps):.0f} ({len(steps)} runs)")
        errors = {name: np.median([line[name] for line in lines]) for name in ("error", "average_error", "plain_error")}
        print(f"  median error: law ahead {errors['error']:.3f}, laws averaged {errors['average_error']:.3f},", end=" ")
        print(f"plain surrogate with as many points of its own {errors['plain_error']:.3f};", end=" ")
        print(f"a run takes {np.median([line['seconds'] for line in lines]):.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rewards", nargs="+", default=["evidence", "original"])
    parser.add_argument("--policies", nargs="+", default=["epsilon-greedy"])
    parser.add_argument("--summary", action="store_true")
    given = parser.parse_args()
    done = set()
    if given.out.exists():
        done = {tuple(json.loads(line)["key"]) for line in given.out.read_text(encoding="utf-8").splitlines()}
    benchmark = json.loads((given.data / "benchmark.json").read_text(encoding="utf-8"))
    means = laws()
    for seed in () if given.summary else range(given.seeds):
        for policy in given.policies:
            for reward in given.rewards:
                key = [policy, reward, seed]
                if tuple(key) in done:
                    continue
                begin = time.perf_counter()
                line = {"key": key, **run(benchmark, means, policy, reward, seed)}
                line["seconds"] = round(time.perf_counter() - begin, 1)
                with given.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
                print(line, file=sys.stderr, flush=True)
    summary(given.out)


if __name__ == "__main__":
    main()
