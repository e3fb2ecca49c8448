"""Time a whole validation matrix, eight estimators under five schemes, and its growth with rows and columns.

The matrix is a study on the 192 computed band gaps of the shipped table with twelve descriptors: every estimator in
leave one out, leave one cation out, leave one cluster out, ten-fold and five times five-fold (the last two guarded like
the others against the same material on both sides), about 250 training sets each. Growth is measured on made-up tables
with a known law: processor time of ten-fold validation of each estimator, all else equal.
Run: ``python benchmarks/validation_matrix.py [--figure growth.png] [--quick]`` (a few minutes; ``--quick`` leaves the
growth out).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from perospin.learning import build_estimator, evaluate, k_fold
from perospin.studies import Study
from perospin.studies.declaration.reading import parse_study

ESTIMATORS: dict[str, dict[str, Any]] = {
    "mean": {"kind": "mean"},
    "ridge": {"kind": "ridge"},
    "elastic net": {"kind": "elastic_net"},
    "support vectors": {"kind": "svr"},
    "random forest": {"kind": "random_forest"},
    "boosted trees": {"kind": "xgboost"},
    "networks": {"kind": "mlp_ensemble"},
    "Gaussian process": {"kind": "gp", "mode": "map"},
}
SCHEMES = [
    {"kind": "leave_one_out"},
    {"kind": "leave_one_group_out", "group": "cation"},
    {"kind": "leave_cluster_out", "features": ["equivalent_radius_a", "electronegativity", "dipole_debye"]},
    {"kind": "k_fold", "k": 10},
    {"kind": "repeated_k_fold", "k": 5, "n_repeats": 5},
]
ROWS, COLUMNS = (48, 96, 192, 384), (3, 6, 12, 24, 48)
USUAL_ROWS, USUAL_COLUMNS = 192, 12
REFERENCE_SECONDS = 600


def matrix() -> Study:
    """Make the study: the shipped one with other estimators and schemes, and nothing but scores."""
    shipped = Study.load("hoip-band-gap")
    content = {
        key: value for key, value in shipped.raw.items() if key not in ("explain", "predict", "claims", "stated")
    }
    content["estimators"] = [
        {
            "name": name.replace(" ", "-").lower(),
            "label": name,
            **spec,
            **({} if name == "mean" else {"features": "all"}),
        }
        for name, spec in ESTIMATORS.items()
    ]
    content["schemes"], content["baseline"] = SCHEMES, "mean"
    content["checks"] = {"n_bootstrap": 200, "bootstrap_group": "cation", "n_shuffles": 0}
    content["verdict"] = {"estimator": "gaussian-process", "scheme": "loo"}
    header, parts, raw = parse_study(content, "validation-matrix")
    return Study(header.name, header.title, "", parts, next(iter(parts)), raw)


def made_up(n_rows: int, n_columns: int, seed: int = 0) -> tuple[Any, Any]:
    """Rows of a law with one bend and one product in the first three columns."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_columns))
    return X, np.tanh(X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.standard_normal(n_rows)


def seconds_of(spec: dict[str, Any], n_rows: int, n_columns: int) -> float:
    """Processor time of ten-fold validation, the second time, when everything is compiled."""
    X, y = made_up(n_rows, n_columns)
    spent = []
    for _ in range(2):
        start = time.process_time()
        evaluate(build_estimator(spec, 0), X, y, k_fold(n_rows, 10, 0))
        spent.append(time.process_time() - start)
    return min(spent)


def grow() -> dict[str, tuple[list[float], list[float]]]:
    """Seconds by rows and by columns of each estimator."""
    found = {}
    for name, spec in ESTIMATORS.items():
        rows = [seconds_of(spec, n, USUAL_COLUMNS) for n in ROWS]
        columns = [seconds_of(spec, USUAL_ROWS, d) for d in COLUMNS]
        found[name] = rows, columns
        powers = [np.polyfit(np.log(x[-3:]), np.log(t[-3:]), 1)[0] for x, t in ((ROWS, rows), (COLUMNS, columns))]
        told = [
            "  ".join(f"{n}: {t:.2f}" for n, t in zip(x, t_, strict=True))
            for x, t_ in ((ROWS, rows), (COLUMNS, columns))
        ]
        print(
            f"  {name:17} s by rows {told[0]} (power {powers[0]:.1f}); by columns {told[1]} (power {powers[1]:.1f})",
            flush=True,
        )
    return found


def draw(growth: dict[str, tuple[list[float], list[float]]], path: Path) -> None:
    """Seconds of ten-fold validation against rows and columns."""
    import matplotlib
    from matplotlib.figure import Figure

    from perospin import look as style

    colours = [
        style.GREY,
        style.BLUE,
        style.SKY,
        style.GREEN,
        style.ORANGE,
        style.VERMILLION,
        style.PINK,
        style.BLACK,
    ]
    with matplotlib.rc_context(style.RC):
        figure = Figure(figsize=(style.WIDE, 3.1))
        left, right = figure.subplots(1, 2, sharey=True)
        for place, (name, values) in enumerate(growth.items()):
            for axes, x, y in ((left, ROWS, values[0]), (right, COLUMNS, values[1])):
                axes.loglog(x, y, "osD^vPX*"[place] + "-", color=colours[place], markersize=4, linewidth=1, label=name)
        for axes, x, what in (
            (left, ROWS, f"rows ({USUAL_COLUMNS} descriptors)"),
            (right, COLUMNS, f"descriptors ({USUAL_ROWS} rows)"),
        ):
            axes.set_xticks(x, [str(n) for n in x])
            axes.minorticks_off()
            axes.set_xlabel(what)
        left.set_ylabel("ten-fold validation (s of processor time)")
        figure.legend(*left.get_legend_handles_labels(), loc="outside right center", fontsize=7)
        figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", type=Path, help="draw the growth here")
    parser.add_argument("--quick", action="store_true", help="the matrix alone")
    asked = parser.parse_args()
    wall, start = time.perf_counter(), time.process_time()
    part = next(iter(matrix().run(progress=False).parts.values()))
    spent, wall = time.process_time() - start, time.perf_counter() - wall
    scores = part.scores.pivot(index="label", columns="scheme_label", values="r2").reindex(list(ESTIMATORS))
    print(scores.round(2).to_string())
    print(
        f"{len(ESTIMATORS)} estimators x {len(SCHEMES)} schemes on {len(part.rows)} rows: {spent:.0f} s of processor "
        f"time, {wall:.0f} s on the clock ({REFERENCE_SECONDS / spent:.1f} times as fast as ten minutes on one core)"
    )
    by_estimator = part.scores.groupby("label")["seconds"].sum()
    print("  seconds on the clock: " + ", ".join(f"{name} {by_estimator[name]:.0f}" for name in ESTIMATORS))
    if asked.quick:
        return
    growth = grow()
    if asked.figure:
        draw(growth, asked.figure)


if __name__ == "__main__":
    main()
