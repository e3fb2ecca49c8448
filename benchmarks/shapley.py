"""Time exact Shapley values beside shap's Exact and Kernel explainers.

The same fitted model (eight columns of the 52-material table) explains the same rows against the same background.
All three are exact here (shap's kernel explainer enumerates all 2^8 coalitions), so the values are compared too.
Run: ``python benchmarks/shapley.py [--rows 8]`` (needs the extra `explain`).
"""

from __future__ import annotations

import argparse
import logging
import time

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=8, help="rows to explain")
    n_rows = parser.parse_args().rows
    shap = require("shap", "explain")
    logging.getLogger("shap").setLevel(logging.ERROR)
    table = load_table("spin52")
    X = table[COLUMNS].to_numpy(dtype=float)
    y = np.log10(table["rate_per_ps"].to_numpy(dtype=float))
    for spec in (
        {"kind": "ridge"},
        {"kind": "mlp_ensemble", "steps": 300},
        {"kind": "gp", "mode": "map"},
        {"kind": "random_forest", "n_estimators": 60},
    ):
        predict = build_estimator(spec, 0).fit(X, y).predict
        predict(X)
        start = time.perf_counter()
        ours, _ = exact_shapley(predict, X[:n_rows], X)
        own = time.perf_counter() - start
        exact = shap.explainers.ExactExplainer(predict, shap.maskers.Independent(X, max_samples=len(X)))
        exact(X[:1])  # compile its numba parts
        start = time.perf_counter()
        theirs = exact(X[:n_rows]).values
        exact_s = time.perf_counter() - start
        start = time.perf_counter()
        kernel = shap.KernelExplainer(predict, X).shap_values(X[:n_rows], nsamples=2**8, silent=True, l1_reg=False)
        kernel_s = time.perf_counter() - start
        print(
            f"{spec['kind']}: ours {own:.2f} s, ExactExplainer {exact_s:.2f} s ({exact_s / own:.1f}x), "
            f"KernelExplainer {kernel_s:.2f} s ({kernel_s / own:.1f}x); largest difference "
            f"{np.abs(ours - theirs).max():.1e}, {np.abs(ours - kernel).max():.1e}"
        )


if __name__ == "__main__":
    main()
