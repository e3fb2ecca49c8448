"""Find a phase boundary: a structured surrogate with a crude boundary beside the plain one, on the 2D Ising model.

python benchmarks/ising.py OUT [--seeds 10] [--steps 30] [--figure ising.png]

A labelled substitute for the perspective's figure (MRS Bull. 2023, 10.1557/s43577-023-00490-y, Fig. 3), whose lattice
and axes could not be read: the infinite square lattice with the couplings J1 = 1 along one axis and J2 along the other,
whose spontaneous magnetisation is exact, M = (1 - 1 / (sinh(2 J1 / T) sinh(2 J2 / T))^2)^(1/8) below T_c and 0 above
(T_c = 2.269185 for J2 = 1). Each value is measured with noise of 0.02. The crude law knows only that M falls from about
1 to 0 somewhere near a straight line in (J2, T). Both surrogates choose points where they are least certain, from the
same five. The figure of merit is the share of the map that is put on the wrong side of the boundary (M above one half).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from perospin.navigation import GPSurrogate, InputColumns, Mean, StructuredSurrogate
from perospin.navigation.surrogates.priors import LogNormal, Normal, Uniform

NOISE, START, GOAL = 0.02, 5, 0.03
COUPLINGS, TEMPERATURES = np.linspace(0.2, 1.6, 29), np.linspace(0.8, 3.4, 27)
GRID = np.array([(j, t) for j in COUPLINGS for t in TEMPERATURES])


def magnetisation(rows: np.ndarray) -> np.ndarray:
    both = np.sinh(2.0 / rows[:, 1]) * np.sinh(2.0 * rows[:, 0] / rows[:, 1])
    return np.maximum(1.0 - both**-2.0, 0.0) ** 0.125


def boundary() -> np.ndarray:
    """Exact temperature of the transition for each coupling."""
    from scipy.optimize import brentq

    def above(t: float, j: float) -> float:
        return float(np.sinh(2.0 / t) * np.sinh(2.0 * j / t) - 1.0)

    return np.array([brentq(above, 0.3, 6.0, args=(j,)) for j in COUPLINGS])


def surrogates() -> dict[str, Any]:
    import jax

    def crude(x: Any, p: Any) -> Any:
        return p["height"] * jax.nn.sigmoid((p["at 0"] + p["slope"] * x["J2"] - x["T"]) / p["width"])

    priors = {"at 0": Uniform(0.0, 2.0), "slope": Uniform(0.3, 3.0), "width": LogNormal(0.1, 2.0)}
    law = Mean("crude boundary", crude, priors, {"height": Normal(1.0, 0.1)})
    columns = InputColumns.continuous({"J2": (0.2, 1.6), "T": (0.8, 3.4)})
    return {"plain": GPSurrogate(columns), "structured": StructuredSurrogate(columns, law)}


def run(model: Any, seed: int, steps: int) -> dict[str, Any]:
    generator = np.random.default_rng(seed)
    noise, truth = NOISE * generator.standard_normal(len(GRID)), magnetisation(GRID)
    order, wrong = [int(row) for row in generator.permutation(len(GRID))[:START]], []
    while True:
        mean, sd = model.fit(GRID[order], (truth + noise)[order]).predict(GRID)
        wrong.append(float(np.mean((mean > 0.5) != (truth > 0.5))))
        if len(wrong) > steps:
            return {"order": order, "wrong": wrong}
        sd[order] = -1.0
        order.append(int(np.argmax(sd)))


def figure(lines: list[dict[str, Any]], where: Path, shown: int) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from perospin.look import BLUE, GREY, RC, VERMILLION, WIDE

    shape, truth = (len(COUPLINGS), len(TEMPERATURES)), magnetisation(GRID)
    with plt.rc_context(RC):
        drawn, axes = plt.subplots(1, 4, figsize=(WIDE * 1.25, 2.5), width_ratios=[1, 1, 1, 1.2])
        first = {line["key"][0]: line for line in lines if line["key"][1] == 0}
        maps = [("exact", truth, [])]
        for name, model in surrogates().items():
            order = first[name]["order"][:shown]
            generator = np.random.default_rng(0)
            noise = NOISE * generator.standard_normal(len(GRID))
            mean = model.fit(GRID[order], (truth + noise)[order]).predict(GRID)[0]
            maps.append((f"{name}, {shown} points", mean, order))
        for axis, (title, values, order) in zip(axes, maps, strict=False):
            image = axis.pcolormesh(
                COUPLINGS, TEMPERATURES, values.reshape(shape).T, vmin=0, vmax=1, cmap="cividis", rasterized=True
            )
            axis.plot(COUPLINGS, boundary(), color="white", linewidth=1.6)
            if order:
                axis.contour(COUPLINGS, TEMPERATURES, values.reshape(shape).T, [0.5], colors=VERMILLION, linewidths=1.2)
                axis.plot(*GRID[order].T, "o", color="white", markeredgecolor="black", markersize=3, clip_on=False)
            axis.set(title=title, xlabel="coupling $J_2$ / $J_1$")
        axes[0].set_ylabel("temperature ($J_1$/$k_B$)")
        drawn.colorbar(image, ax=list(axes[:3]), label="magnetisation", shrink=0.9)
        for name, colour in (("plain", GREY), ("structured", BLUE)):
            wrong = 100 * np.array([line["wrong"] for line in lines if line["key"][0] == name])
            points = START + np.arange(wrong.shape[1])
            low, middle, high = np.percentile(wrong, [25, 50, 75], axis=0)
            axes[3].fill_between(points, low, high, color=colour, alpha=0.25, linewidth=0)
            axes[3].plot(points, middle, color=colour, label=name)
        axes[3].axhline(100 * GOAL, color="black", linewidth=0.7, linestyle=":")
        axes[3].set(xlabel="measured points", ylabel="map on the wrong side (%)", ylim=(0, None))
        axes[3].set_title(f"median of {len(lines) // 2} seeds")
        axes[3].legend()
        drawn.savefig(where)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--shown", type=int, default=20)
    given = parser.parse_args()
    lines = []
    if given.out.exists():
        lines = [json.loads(line) for line in given.out.read_text(encoding="utf-8").splitlines()]
    done = {tuple(line["key"]) for line in lines}
    for seed in range(given.seeds):
        for name, model in surrogates().items():
            key = [name, seed, given.steps]
            if tuple(key) not in done:
                lines.append({"key": key, **run(model, seed, given.steps)})
                with given.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(lines[-1]) + "\n")
                print(*key, lines[-1]["wrong"][-1], file=sys.stderr, flush=True)
    print(f"check: T_c(J2 = 1) = {np.interp(1.0, COUPLINGS, boundary()):.6f} (exact 2.269185), ", end="")
    print(f"M(2.0) = {magnetisation(np.array([[1.0, 2.0]]))[0]:.7f} (exact 0.9113194), ", end="")
    print(f"M(2.2) = {magnetisation(np.array([[1.0, 2.2]]))[0]:.7f} (exact 0.7847551)")
    for name in ("plain", "structured"):
        wrong = np.array([line["wrong"] for line in lines if line["key"][0] == name])
        # from where it stays: one lucky map is no boundary; of two middle seeds the later counts
        over = [np.flatnonzero(one > GOAL) for one in wrong]
        reached = sorted(START + (int(one[-1]) + 1 if len(one) else 0) for one in over)
        middle = reached[len(reached) // 2]
        points = f"{middle}" if middle < START + wrong.shape[1] else f"more than {START + wrong.shape[1] - 1}"
        print(
            f"{name}: {points} points (median of {len(wrong)} seeds) until {GOAL:.0%} of the map or less stay wrong;",
            end=" ",
        )
        print(", ".join(f"{np.median(wrong[:, n - START]):.1%} wrong at {n} points" for n in (10, 15, 20, 35)))
    if given.figure:
        figure(lines, given.figure, given.shown)


if __name__ == "__main__":
    main()
