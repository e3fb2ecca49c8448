"""Time the training of the network ensemble beside a loop over scikit-learn's MLPRegressor.

Both see the published eight columns of the 52-material table in leave-one-out folds, one hidden layer of 12 tanh
units, Adam, 1300 passes over each full fold. Run: ``python benchmarks/mlp_ensemble.py [--folds 8]``; the loop is
timed on a few folds and scaled up, the ensemble on all of them.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from perospin.database import load_table
from perospin.learning import MLPEnsemble, leave_one_out

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
STEPS, MEMBERS, UNITS = 1300, 8, 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=int, default=6, help="folds of the scikit-learn loop to time")
    folds = parser.parse_args().folds
    table = load_table("spin52")
    X = table[COLUMNS].to_numpy(dtype=float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = np.log10(table["rate_per_ps"].to_numpy(dtype=float))
    y = (y - y.mean()) / y.std()
    trains = leave_one_out(len(y)).trains

    ensemble = MLPEnsemble(hidden=(UNITS,), members=MEMBERS, steps=STEPS)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        ensemble.fit_many(X, y, trains)
        seconds.append(time.process_time() - start)
    first, warm = seconds[0], min(seconds[1:])

    start = time.process_time()
    for rows in trains[:folds]:
        loop = MLPRegressor(
            hidden_layer_sizes=(UNITS,),
            activation="tanh",
            solver="adam",
            alpha=1.0,
            batch_size=len(rows),
            learning_rate_init=0.01,
            max_iter=STEPS,
            tol=0.0,
            n_iter_no_change=STEPS,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed number of steps is the point
            loop.fit(X[rows], y[rows])
    one_net = (time.process_time() - start) / folds * len(trains)
    size = f"{MEMBERS} nets x {len(trains)} folds x {STEPS} steps"
    print(f"MLPEnsemble, {size}: {first:.1f} s with compilation, {warm:.1f} s warm")
    print(f"MLPRegressor loop, 1 net x {len(trains)} folds (from {folds} folds): {one_net:.1f} s")
    print(f"ratio per network: {one_net * MEMBERS / warm:.0f} warm, {one_net * MEMBERS / first:.0f} with compilation")


if __name__ == "__main__":
    main()
