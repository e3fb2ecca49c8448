"""Time the search of the paper's public script beside the same search by the vectorised ensemble.

The script of 10.1039/d5sc07406a tries 36 networks (six sets of hidden layers, two activations, three weight penalties)
on the ten published descriptors, each in all 52 leave-one-out folds, and fits the best one again to all rows: 1873 fits
of scikit-learn's MLPRegressor, one after the other. Here the same 36 networks see the same scaled columns, folds and
targets; each is fitted to all rows as well. Training is comparable if it ends at no larger error on its own training
rows, which is printed; the number of steps was chosen by that alone. Both times are processor time in this process,
ours with all compilation.

Held-out scores of single networks hang on their random start, so ours are shown for several seeds; the script has one.
The loop is timed on a few folds of every network and scaled up; with ``--full`` nothing is scaled (a quarter of an
hour) and its leave-one-out scores are printed too.
Run: ``python benchmarks/published_search.py [--folds 2 | --full] [--seeds 6]``.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

from perospin.database import load_table
from perospin.learning import MLPEnsemble, leave_one_out

COLUMNS = [
    "dipole_debye",
    "molar_mass",
    "electronegativity",
    "polarisability_bohr3",
    "molecular_radius_a",
    "tolerance_factor",
    "homo_ev",
    "lumo_ev",
    "homo_lumo_gap_ev",
    "n_layers",
]
HIDDEN = [(20,), (30,), (50,), (100,), (10, 10), (40, 10)]
NETWORKS = list(itertools.product(HIDDEN, ["relu", "tanh"], [1e-4, 1e-3, 1e-2]))
SEED, STEPS, RATE = 44, 800, 0.02

Array = NDArray[np.float64]


def ours(X: Array, y: Array, seed: int) -> tuple[Array, float]:
    """Predictions (network, fold, row), the last fold with no row left out, and the seconds they took."""
    n = len(y)
    trains = [*leave_one_out(n).trains, np.arange(n)]
    found = np.empty((len(NETWORKS), n + 1, n))
    start = time.process_time()
    for i, (hidden, activation, alpha) in enumerate(NETWORKS):
        ensemble = MLPEnsemble(
            hidden=hidden, activation=activation, alpha=alpha, members=1, steps=STEPS, learning_rate=RATE, seed=seed
        )
        found[i] = [model.predict(X) for model in ensemble.fit_many(X, y, trains)]
    return found, time.process_time() - start


def theirs(X: Array, y: Array, folds: NDArray[np.int64]) -> tuple[Array, float]:
    """Predictions (network, fold, row) of the script's loop, and its seconds scaled up to all fits."""
    n = len(y)
    found, seconds = np.empty((len(NETWORKS), len(folds), n)), np.empty((len(NETWORKS), len(folds)))
    for (i, (hidden, activation, alpha)), (j, fold) in itertools.product(enumerate(NETWORKS), enumerate(folds)):
        train = np.delete(np.arange(n), fold)
        model = MLPRegressor(
            hidden_layer_sizes=hidden,
            activation=activation,
            alpha=alpha,
            solver="adam",
            max_iter=5000,
            random_state=SEED,
        )
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X[train], y[train])
        seconds[i, j] = time.process_time() - start
        found[i, j] = model.predict(X)
    return found, float(seconds.mean(axis=1).sum() * n + seconds.mean())


def on_own_rows(predicted: Array, y: Array, folds: NDArray[np.int64]) -> float:
    """Mean R2 on training rows of the networks of these folds."""
    trained = ~np.eye(len(y), dtype=bool)[folds]
    return float(1 - ((predicted - y) ** 2)[:, trained].mean() / y.var())


def left_out(predicted: Array, y: Array) -> Array:
    """R2 of each network under leave one out, shape (n_networks,)."""
    own = np.diagonal(predicted[:, : len(y)], axis1=1, axis2=2)
    return 1 - ((own - y) ** 2).mean(axis=1) / float(y.var())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=2, help="folds of each network that the loop is timed on")
    parser.add_argument("--full", action="store_true", help="run the loop on all folds")
    parser.add_argument("--seeds", type=int, default=6, help="seeds of ours for the held-out scores")
    asked = parser.parse_args()
    table = load_table("spin52")
    X = table[COLUMNS].to_numpy(dtype=float)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    y = table["rate_per_ps"].to_numpy(dtype=float)
    n = len(y)
    folds = np.arange(n) if asked.full else np.linspace(0, n - 1, asked.folds).round().astype(np.int64)
    mine, our_seconds = ours(X, y, SEED)
    print(
        f"perospin: {len(NETWORKS)} networks x {n} folds and {len(NETWORKS)} final fits, {our_seconds:.0f} s",
        flush=True,
    )
    loop, their_seconds = theirs(X, y, folds)
    told = "all folds" if asked.full else f"scaled up from {len(folds)} folds of each network"
    print(f"loop over MLPRegressor: {len(NETWORKS) * n + 1} fits, {their_seconds:.0f} s ({told})")
    print(f"ratio: {their_seconds / our_seconds:.0f}")
    own = on_own_rows(mine[:, folds], y, folds), on_own_rows(loop, y, folds)
    print(f"R2 on own training rows, mean over networks and the same folds: {own[0]:.3f}, loop {own[1]:.3f}")
    print("leave one out, R2 of the network that does best on these folds, and mean over the 36:")
    for seed in range(SEED, SEED + asked.seeds):
        scores = left_out(mine if seed == SEED else ours(X, y, seed)[0], y)
        print(f"  seed {seed}: {scores.max():.2f}, {scores.mean():.2f}", flush=True)
    if asked.full:
        scores = left_out(loop, y)
        print(f"  loop, seed {SEED}: {scores.max():.2f}, {scores.mean():.2f}")


if __name__ == "__main__":
    main()
