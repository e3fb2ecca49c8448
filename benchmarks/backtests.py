"""Backtests on measured tables: how many experiments until the best rows are found, beside random and BayBE.

python benchmarks/backtests.py DATA OUT [--methods random gp probable structured baybe] [--seeds 50] [--sets ...]
python benchmarks/backtests.py DATA OUT --summary [--first 0] [--seeds 50]     (of seeds in this range)

DATA holds the folders `olympus` and `pvlab` of the public tables. Each run starts from the same five random rows of its
seed and chooses one row of the table at a time; a table with repeats answers with one of them at random, and is judged
by their mean. `probable` is the plain surrogate (`gp`) with its most probable hyperparameters alone. Runs are added to
OUT (one JSON line each) as they end, and what is there already is not run again. BayBE runs in an environment of its
own (pip install torch==2.13.0 baybe): run this file there with `--methods baybe`.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

START = 5
BEST_SHARE = 0.01
CRYSTALS = {"clear_solution": 1.0, "fine_powder": 2.0, "small_crystallites": 3.0, "large_crystallites": 4.0}
# name: file, kind of the numeric columns, +1 to maximise and -1 to minimise, rows above the first
SETS = {
    "thin_film": ("olympus/thin_film/data.csv", "fraction", -1, 0),
    "perovskites": ("olympus/perovskites/data.csv", "category", -1, 0),
    "vapdiff_crystal": ("olympus/vapdiff_crystal/data.csv", "continuous", 1, 0),
    "photo_wf3": ("olympus/photo_wf3/data.csv", "fraction", -1, 0),
    "photo_pce10": ("olympus/photo_pce10/data.csv", "fraction", -1, 0),
    "oer_plate_3496": ("olympus/oer_plate_3496/data.csv", "fraction", -1, 0),
    "p3ht": ("olympus/p3ht/data.csv", "fraction", 1, 0),
    "agnp": ("olympus/agnp/data.csv", "continuous", 1, 0),
    "pvlab AgNP": ("pvlab/AgNP_dataset.csv", "continuous", -1, 1),
    "pvlab AutoAM": ("pvlab/AutoAM_dataset.csv", "continuous", 1, 1),
    "pvlab Crossed_barrel": ("pvlab/Crossed_barrel_dataset.csv", "continuous", 1, 1),
    "pvlab P3HT": ("pvlab/P3HT_dataset.csv", "fraction", 1, 1),
    "pvlab Perovskite": ("pvlab/Perovskite_dataset.csv", "fraction", -1, 1),
}


class Pool:
    """Distinct rows of a table, their repeats, and their mean values, all to be maximised."""

    def __init__(self, data: Path, name: str) -> None:
        where, kind, self.sign, header = SETS[name]
        with (data / where).open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))[header:]
        columns: list[np.ndarray] = []
        self.kinds: list[str] = []
        for cells in zip(*(line[:-1] for line in lines), strict=True):
            try:
                columns.append(np.array([float(cell) for cell in cells]))
                self.kinds.append(kind)
            except ValueError:
                columns.append(np.unique(cells, return_inverse=True)[1].astype(float))
                self.kinds.append("category")
        values = [self.sign * (CRYSTALS[line[-1]] if line[-1] in CRYSTALS else float(line[-1])) for line in lines]
        self.inputs, which = np.unique(np.column_stack(columns), axis=0, return_inverse=True)
        self.names = [f"x{j}" for j in range(self.inputs.shape[1])]
        self.repeats = [np.array(values)[which == row] for row in range(len(self.inputs))]
        self.means = np.array([repeat.mean() for repeat in self.repeats])

    def measure(self, row: int, generator: np.random.Generator) -> float:
        """One of the repeats of a row."""
        return float(generator.choice(self.repeats[row]))


def expected_improvement(mean: np.ndarray, sd: np.ndarray, best: float) -> np.ndarray:
    from scipy.special import ndtr

    z = (mean - best) / np.maximum(sd, 1e-300)
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    # far below the best: the leading term of the same, in logarithms
    far = -0.5 * z**2 - 0.5 * np.log(2.0 * np.pi) - 2.0 * np.log(np.maximum(-z, 1.0))
    near = np.log(np.maximum(density + z * ndtr(z), 1e-300))
    return np.log(np.maximum(sd, 1e-300)) + np.where(z < -8.0, far, near)


def surrogate(pool: Pool, name: str, method: str) -> Any:
    from perospin.navigation import GPSurrogate, InputColumns

    lower, upper = pool.inputs.min(axis=0), pool.inputs.max(axis=0)
    columns = InputColumns(tuple(pool.names), tuple(pool.kinds), tuple(lower), tuple(upper))
    if method in ("gp", "probable"):
        return GPSurrogate(columns, averaged=method == "gp")
    from perospin.navigation.surrogates.means import Mean, boundary_step
    from perospin.navigation.surrogates.priors import LogNormal, Normal, Uniform
    from perospin.navigation.surrogates.structured import StructuredSurrogate

    if name == "perovskites":  # each metal, halide and cation adds its share to the gap, in eV
        levels = [(j, level) for j in range(3) for level in range(int(upper[j]) + 1)]
        linear = {f"{j}{level}": Normal(0.0, (0.3, 1.0, 1.5)[j]) for j, level in levels}

        def additive(x: Any, p: Any) -> Any:
            return p["gap"] + sum(p[f"{j}{level}"] * (x[f"x{j}"] == level) for j, level in levels)

        law = Mean("additive gap", additive, linear={"gap": Normal(pool.sign * 4.0, 1.5), **linear})
    else:  # thin_film: caesium beyond some share leaves the perovskite; in units of the instability index
        law = boundary_step("x0", Uniform(0.1, 0.7), Normal(-2.5e5, 2e5), Normal(-1e5, 2e5), LogNormal(0.05, 2.0))
    return StructuredSurrogate(columns, law)


def run(pool: Pool, name: str, method: str, seed: int, steps: int) -> list[int]:
    """Rows in the order in which they were measured."""
    generator = np.random.default_rng(seed)
    order = [int(row) for row in generator.permutation(len(pool.inputs))[:START]]
    total = min(START + steps, len(pool.inputs))
    if method == "random":
        rest = np.setdiff1d(np.arange(len(pool.inputs)), order)
        return order + [int(row) for row in generator.permutation(rest)[: total - START]]
    values = [pool.measure(row, generator) for row in order]
    if method == "baybe":
        return run_baybe(pool, order, values, total, generator)
    model = surrogate(pool, name, method)
    while len(order) < total:
        rest = np.setdiff1d(np.arange(len(pool.inputs)), order)
        model.fit(pool.inputs[order], values)
        mean, sd = model.predict(np.concatenate([pool.inputs[order], pool.inputs[rest]]))
        best = float(mean[: len(order)].max())
        score = expected_improvement(mean[len(order) :], sd[len(order) :], best)
        order.append(int(rest[np.argmax(score)]))
        values.append(pool.measure(order[-1], generator))
    return order


def run_baybe(pool: Pool, order: list[int], values: list[float], total: int, generator: np.random.Generator) -> Any:
    import pandas as pd
    import torch
    from baybe import Campaign
    from baybe.parameters import CategoricalParameter, NumericalDiscreteParameter
    from baybe.recommenders import BotorchRecommender
    from baybe.searchspace import SearchSpace
    from baybe.targets import NumericalTarget
    from baybe.utils.random import set_random_seed

    torch.set_num_threads(1)
    set_random_seed(int(generator.integers(2**31)))
    table = pd.DataFrame(pool.inputs, columns=pool.names)
    parameters: list[Any] = []
    for column, kind in zip(pool.names, pool.kinds, strict=True):
        if kind == "category":
            table[column] = [f"c{int(value)}" for value in table[column]]
            parameters.append(CategoricalParameter(column, tuple(sorted(set(table[column])))))
        else:
            parameters.append(NumericalDiscreteParameter(column, tuple(sorted(set(table[column])))))
    space = SearchSpace.from_dataframe(table, parameters)
    unit = float(np.std(pool.means))
    campaign = Campaign(
        space,
        NumericalTarget("value").to_objective(),
        BotorchRecommender(),
        allow_recommending_already_measured=False,
    )
    keys = {tuple(row): number for number, row in enumerate(table.itertuples(index=False))}
    told = 0
    while len(order) < total:
        new = table.iloc[order[told:]].assign(value=np.array(values[told:]) / unit)
        campaign.add_measurements(new)
        told = len(order)
        row = keys[tuple(campaign.recommend(1)[pool.names].iloc[0])]
        order.append(row)
        values.append(pool.measure(row, generator))
    return order


def summary(data: Path, out: Path, wanted: range) -> None:
    runs: dict[tuple[str, str], list[list[int]]] = defaultdict(list)
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for line in out.read_text(encoding="utf-8").splitlines():
        made = json.loads(line)
        if made["key"][2] not in wanted:
            continue
        runs[made["set"], made["method"]].append(made["order"])
        seconds[made["set"], made["method"]].append(made["seconds"] / max(len(made["order"]) - START, 1))
    print("Experiments to the first row of the best 1 % and of the five best, the five random ones included; the best")
    print("value found in the end, 0 for the mean of the table and 1 for its best row. Medians (quartiles).")
    print(
        "AF, EF: random's experiments over the method's for the best 1 %; the method's end value over random's (means)."
    )
    print("| table | rows | method | seeds | best 1 % | five best | end value | AF | EF | s a step |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in SETS:
        pool = Pool(data, name)
        ranked = np.sort(pool.means)[::-1]
        bars = (ranked[max(1, round(BEST_SHARE * len(ranked))) - 1], ranked[4])
        scores = {}
        for method in ("random", "gp", "probable", "structured", "baybe"):
            if (name, method) not in runs:
                continue
            found = [pool.means[order] for order in runs[name, method]]
            # a run that didn't get there counts as one experiment more than it had
            first = [
                [int(np.argmax(values >= bar)) + 1 if (values >= bar).any() else len(values) + 1 for values in found]
                for bar in bars
            ]
            end = [(values.max() - pool.means.mean()) / (ranked[0] - pool.means.mean()) for values in found]
            scores[method] = (np.array(first[0]), np.array(first[1]), np.array(end))
        for method, (one, five, end) in scores.items():
            ratio = effect = ""
            if "random" in scores and method != "random":
                ratio = f"{np.mean(scores['random'][0]) / np.mean(one):.2f}"
                effect = f"{np.mean(end) / np.mean(scores['random'][2]):.2f}"
            cells = [quartiles(one, 0), quartiles(five, 0), quartiles(end, 2), ratio, effect]
            step = f"{np.median(seconds[name, method]):.2f}"
            print(f"| {name} | {len(ranked)} | {method} | {len(end)} | {' | '.join(cells)} | {step} |")


def quartiles(values: np.ndarray, digits: int) -> str:
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--methods", nargs="+", default=["random", "gp", "structured"])
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--summary", action="store_true")
    given = parser.parse_args()
    wanted = range(given.first, given.seeds)
    if given.summary:
        return summary(given.data, given.out, wanted)
    done = set()
    if given.out.exists():
        done = {tuple(json.loads(line)["key"]) for line in given.out.read_text(encoding="utf-8").splitlines()}
    warnings.filterwarnings("ignore")
    pools = {name: Pool(given.data, name) for name in given.sets}
    for seed in wanted:
        for name, pool in pools.items():
            for method in given.methods:
                key = [name, method, seed, given.steps]
                if tuple(key) in done or (method == "structured" and name not in ("perovskites", "thin_film")):
                    continue
                begin = time.perf_counter()
                order = run(pool, name, method, seed, given.steps)
                line = {"key": key, "set": name, "method": method, "order": order}
                line["seconds"] = round(time.perf_counter() - begin, 2)
                with given.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
                print(*key, line["seconds"], file=sys.stderr, flush=True)
    return summary(given.data, given.out, wanted)


if __name__ == "__main__":
    main()
