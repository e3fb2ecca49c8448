"""Choose molecule and composition together, against one after the other, on the 192 gaps and the layer spacings.

python benchmarks/conavigation.py OUT [--seeds 50] [--steps 30] [--tables gaps spacings]
python benchmarks/conavigation.py OUT --summary

Each seed draws a target from the middle 90 % of the table (a gap in eV, a spacing in A) and asks for a material as
close to it as the closest two, or the closest 1 % if that is more. All ways start from the same two rows of one
molecule and use the same surrogate and the same score, the expected gain in closeness. "together" may choose any row.
"composition, then molecule" keeps the molecule for the first half of the steps, then the composition that came
closest; "molecule, then composition" the other way round. Where nothing is left to choose from, all rows are open
again. The gaps are computed (HSE06) for all combinations; the spacings are crystals that exist: a molecule has few
compositions.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from perospin.navigation import GPSurrogate, InputColumns
from perospin.studies import Study

TABLES = {
    "gaps": (
        "hoip-band-gap",
        "cation",
        ("homo_ev", "lumo_ev", "dipole_debye", "polarisability_a3", "equivalent_radius_a", "polar_hydrogens_per_a3"),
        {"metal": ("metal_electronegativity", "metal_radius_a"), "halide": ("halide_radius_a",)},
    ),
    "spacings": (
        "layer-spacing",
        "spacer",
        ("spacer_gap_length_a", "spacer_section_a2", "spacer_charge", "spacer_rings", "spacer_rotors"),
        {"sheets": ("n_sheets",), "halide": ("halide_radius_a",), "metal": ("metal_radius_a",)},
    ),
}
WAYS = ("together", "composition, then molecule", "molecule, then composition", "random")
START = 2


class Table:
    """Distinct materials: inputs, values, and which molecule and composition each has."""

    def __init__(self, name: str) -> None:
        study, group, molecular, parts = TABLES[name]
        data = Study.load(study).dataset()
        names = [*molecular, *(column for part in parts.values() for column in part)]
        inputs = data.features[names].to_numpy(dtype=float)
        whole = np.isfinite(inputs).all(axis=1)
        rows, which = np.unique(inputs[whole], axis=0, return_inverse=True)
        first = [int(np.flatnonzero(which == i)[0]) for i in range(len(rows))]
        self.inputs = rows
        self.values = np.array([data.y[whole][which == i].mean() for i in range(len(rows))])
        self.molecule = np.unique(np.asarray(data.groups(group))[whole][first], return_inverse=True)[1]
        self.composition = np.unique(rows[:, len(molecular) :], axis=0, return_inverse=True)[1]
        groups = [group] * len(molecular) + [part for part, columns in parts.items() for _ in columns]
        # the number of sheets has a length scale of its own, as everything that isn't a property of a molecule or ion
        kinds = ["continuous" if column == "n_sheets" else "descriptor" for column in names]
        self.columns = InputColumns(
            tuple(names), tuple(kinds), tuple(rows.min(axis=0)), tuple(rows.max(axis=0)), tuple(groups)
        )


def gain(mean: np.ndarray, sd: np.ndarray, target: float, nearest: float) -> np.ndarray:
    """Take the expected gain in closeness to the target, by the normal's quantiles."""
    from scipy.special import ndtri

    z = ndtri((np.arange(64) + 0.5) / 64)
    away = np.abs(mean[:, None] + sd[:, None] * z - target)
    return np.asarray(np.maximum(nearest - away, 0.0).mean(axis=1)) + 1e-9 * sd


def run(table: Table, way: str, seed: int, steps: int) -> int:
    """Experiments until the goal; one more than there were if it wasn't reached."""
    generator = np.random.default_rng(seed)
    target = float(generator.uniform(*np.percentile(table.values, [5, 95])))
    away = np.abs(table.values - target)
    goal = np.sort(away)[max(2, round(0.01 * len(away))) - 1]
    counts = np.bincount(table.molecule)
    molecule = generator.choice(np.flatnonzero(counts >= 3))
    order = [int(i) for i in generator.permutation(np.flatnonzero(table.molecule == molecule))[:START]]
    surrogate = GPSurrogate(table.columns)
    first, second = table.molecule, table.composition
    if way == "molecule, then composition":
        first, second = second, first
    while len(order) < START + steps:
        if away[order].min() <= goal:
            return 1 + int(np.argmax(away[order] <= goal))
        rest = np.setdiff1d(np.arange(len(away)), order)
        step = len(order) - START
        if way not in ("together", "random"):
            fixed, like = (first, order[0]) if step < steps // 2 else (second, order[int(np.argmin(away[order]))])
            narrow = rest[fixed[rest] == fixed[like]]
            rest = narrow if narrow.size else rest
        if way == "random":
            order.append(int(generator.choice(rest)))
            continue
        mean, sd = surrogate.fit(table.inputs[order], table.values[order]).predict(table.inputs[rest])
        order.append(int(rest[np.argmax(gain(mean, sd, target, float(away[order].min())))]))
    return 1 + int(np.argmax(away[order] <= goal)) if away[order].min() <= goal else len(order) + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--tables", nargs="+", default=list(TABLES))
    parser.add_argument("--summary", action="store_true")
    given = parser.parse_args()
    done = {}
    if given.out.exists():
        lines = [json.loads(line) for line in given.out.read_text(encoding="utf-8").splitlines()]
        done = {tuple(line["key"]): line["experiments"] for line in lines}
    tables = {} if given.summary else {name: Table(name) for name in given.tables}
    for seed in () if given.summary else range(given.seeds):
        for name, table in tables.items():
            for way in WAYS:
                key = (name, way, seed, given.steps)
                if key not in done:
                    done[key] = run(table, way, seed, given.steps)
                    with given.out.open("a", encoding="utf-8") as file:
                        file.write(json.dumps({"key": key, "experiments": done[key]}) + "\n")
        print(seed, file=sys.stderr, flush=True)
    print(f"Experiments to the goal, {START} given ones included; not reached counts as one more than there were.")
    print("| table | way | seeds | median (quartiles) | reached |")
    print("|---|---|---|---|---|")
    for name in TABLES:
        for way in WAYS:
            counts = np.array(
                [value for key, value in done.items() if key[:2] == (name, way) and key[3] == given.steps]
            )
            if len(counts):
                low, middle, high = np.percentile(counts, [25, 50, 75])
                reached = np.mean(counts <= START + given.steps)
                print(f"| {name} | {way} | {len(counts)} | {middle:.0f} ({low:.0f} to {high:.0f}) | {reached:.0%} |")


if __name__ == "__main__":
    main()
