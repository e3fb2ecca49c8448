"""Time exact Shapley values beside shap's Exact and Kernel explainers.

The same fitted models (eight columns of the 52-material table) explain the same 52 rows against the same 52 background
rows. All three are exact here (shap's kernel explainer enumerates all 2^8 coalitions), so the values are compared too.
Everything is warm: each is called once on one row before it is timed, and the best of a few runs counts, because the
machine may be busy with other work. "As a black box" is the same game with nothing known of the model but `predict`,
which is all that shap's two explainers use.
Run: ``python benchmarks/shapley.py [--rows 52] [--repeats 3]`` (needs the extras `explain` and `boost`).
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from perospin._optional import require
from perospin.database import load_table
from perospin.learning import build_estimator, exact_shapley

COLUMNS = [
    "dipole_debye",
    "molar_mass",
    "electronegativity",
    "molecular_radius_a",
    "tolerance_factor",
    "homo_ev",
    "lumo_ev",
    "n_layers",
]
MODELS = {
    "ridge": {"kind": "ridge"},
    "support vectors": {"kind": "svr"},
    "Gaussian process": {"kind": "gp", "mode": "map"},
    "networks (8 x 12 tanh)": {"kind": "mlp_ensemble", "steps": 300},
    "random forest (60)": {"kind": "random_forest", "n_estimators": 60},
    "boosted trees (200)": {"kind": "xgboost"},
}


def best(what: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Least processor time of some runs, and the result."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        found = what()
        seconds.append(time.process_time() - start)
    return min(seconds), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=52, help="rows to explain")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; the best counts")
    asked = parser.parse_args()
    shap = require("shap", "explain")
    logging.getLogger("shap").setLevel(logging.ERROR)
    table = load_table("spin52")
    X = table[COLUMNS].to_numpy(dtype=float)
    y = np.log10(table["rate_per_ps"].to_numpy(dtype=float))
    rows = X if asked.rows >= len(X) else X[: asked.rows]
    print(f"{len(rows)} rows x {X.shape[1]} columns, {len(X)} background rows; ms for all rows, ratio to ours")
    print(
        f"{'model':24} {'ours':>8} {'as a black box':>16} {'ExactExplainer':>18} {'KernelExplainer':>18} "
        f"{'additivity':>10} {'difference':>10}"
    )
    for name, spec in MODELS.items():
        model = build_estimator(spec, 0).fit(X, y)
        exact = shap.explainers.ExactExplainer(model.predict, shap.maskers.Independent(X, max_samples=len(X)))
        kernel = shap.KernelExplainer(model.predict, X)

        def by_exact(some: Any, explainer: Any = exact) -> Any:
            return explainer(some).values

        def by_kernel(some: Any, explainer: Any = kernel) -> Any:
            return explainer.shap_values(some, silent=True, l1_reg=False)

        ways: list[Callable[[Any], Any]] = [
            lambda some, model=model: exact_shapley(model, some, X),
            lambda some, model=model: exact_shapley(model.predict, some, X),
            by_exact,
            by_kernel,
        ]
        for way in ways:
            way(rows[:1])
        seconds, found = zip(*[best(lambda way=way: way(rows), asked.repeats) for way in ways], strict=True)
        (values, base), (plain, _), *theirs = found
        additivity = float(np.abs(base + values.sum(axis=1) - model.predict(rows)).max())
        difference = max(float(np.abs(values - other).max()) for other in (plain, theirs[1]))
        ratios = [f"{1000 * s:.0f} ({s / seconds[0]:.1f}x)" for s in seconds[1:]]
        print(
            f"{name:24} {1000 * seconds[0]:8.1f} {ratios[0]:>16} {ratios[1]:>18} {ratios[2]:>18} "
            f"{additivity:10.0e} {difference:10.0e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
