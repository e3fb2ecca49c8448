"""A Gaussian process on the likeness of spacers, scored with the folds of the study ``spin-relaxation``.

``python scripts/tanimoto.py`` prints R2 (log10 rate and rate), the typical factor and the squares on the 49 other rows,
leave one spacer out and leave one out. Declared before it was scored; one variant: log10 rate = constant + class (n = 1
and monovalent, or not) + spacer + layer number, with the covariances 1, s_c^2 [same class], s_t^2 T(spacer, spacer'),
s_n^2 exp(-(1/n - 1/n')^2 / (2 0.3^2)) and noise s^2. T is the Tanimoto similarity of Morgan counts of radius 2 without
chirality (sum of the smaller over sum of the larger). The four standard deviations have log-normal priors (width 0.7)
about 0.4, 0.3, 0.2 and 0.25 decades, and are set to their most probable values in each fold. No column marks single
rows: nothing is read but spacer, class and 1/n.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, RegressorMixin

from perospin.chemistry import Perovskite
from perospin.descriptors.packing import spacer_key
from perospin.learning.validation.evaluation import evaluate
from perospin.studies import Study
from perospin.studies.running.plan import build_schemes

Float = NDArray[np.float64]
CENTRES = np.log([0.4, 0.3, 0.2, 0.25])
WIDTH = 0.7
REACH = 0.3
TRIO = ("(EOA)2PbI4", "(3I-PA)2PbI4", "(4I-BA)2PbI4")


@cache
def counts(smiles: str) -> tuple[tuple[int, int], ...]:
    """Morgan counts of a molecule."""
    made = rdFingerprintGenerator.GetMorganGenerator(radius=2)
    found: dict[int, int] = {}
    for part in smiles.split(" + "):
        molecule = Chem.MolFromSmiles(f"[{part}]" if part.isalpha() and len(part) < 3 else part)  # an atom's symbol
        found_here = made.GetSparseCountFingerprint(molecule)
        for bit, count in found_here.GetNonzeroElements().items():
            found[bit] = found.get(bit, 0) + count
    return tuple(found.items())


def likeness(first: str, second: str) -> float:
    """Tanimoto similarity of counts: the sum of the smaller over the sum of the larger."""
    a, b = dict(counts(first)), dict(counts(second))
    bits = a.keys() | b.keys()
    least, most = (sum(pick(a.get(k, 0), b.get(k, 0)) for k in bits) for pick in (min, max))
    return least / most


class TanimotoGP(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Reads (number of the spacer, fast class, 1/n); the likeness of spacers by number is given."""

    def __init__(self, similarity: Float) -> None:
        self.similarity = similarity

    def _parts(self, A: Float, B: Float) -> list[Float]:
        spacer = self.similarity[np.ix_(A[:, 0].astype(int), B[:, 0].astype(int))]
        same = (A[:, None, 1] == B[None, :, 1]).astype(float)
        layers = np.exp(-((A[:, None, 2] - B[None, :, 2]) ** 2) / (2 * REACH**2))
        return [same, spacer, layers]

    def _covariance(self, A: Float, B: Float, theta: Float) -> Float:
        same, spacer, layers = self._parts(A, B)
        class_var, spacer_var, layer_var = np.exp(2 * theta[:3])
        return np.asarray(1.0 + class_var * same + spacer_var * spacer + layer_var * layers)

    def fit(self, X: Any, y: Any) -> TanimotoGP:
        """Most probable standard deviations, then the weights of the rows."""
        X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        self.centre_ = float(y.mean())
        away = y - self.centre_

        def cost(theta: Float) -> float:
            factor = cho_factor(self._covariance(X, X, theta) + np.exp(2 * theta[3]) * np.eye(len(y)), lower=True)
            fit = 0.5 * away @ cho_solve(factor, away) + np.log(np.diag(factor[0])).sum()
            return float(fit + 0.5 * np.sum(((theta - CENTRES) / WIDTH) ** 2))

        self.theta_ = minimize(cost, CENTRES, method="L-BFGS-B").x
        total = self._covariance(X, X, self.theta_) + np.exp(2 * self.theta_[3]) * np.eye(len(y))
        self.rows_, self.weights_ = X, np.linalg.solve(total, away)
        return self

    def predict(self, X: Any) -> Float:
        """Mean of log10 of the rate."""
        X = np.asarray(X, dtype=float)
        return self.centre_ + self._covariance(X, self.rows_, self.theta_) @ self.weights_


def main() -> None:
    study = Study.load("spin-relaxation")
    part = study.parts["spacing"]
    data = study.dataset("spacing")
    materials = [Perovskite.parse(text) for text in data.rows["described_as"]]
    names = [spacer_key(material) for material in materials]
    distinct = sorted(set(names))
    similarity = np.array([[likeness(a, b) for b in distinct] for a in distinct])
    fast = [
        float(m.n_layers == 1 and all(ion.charge == 1 for ion, _ in m.spacers) and bool(m.spacers)) for m in materials
    ]
    inverse = [0.0 if m.n_layers is None else 1 / m.n_layers for m in materials]
    X = pd.DataFrame({"spacer": [float(distinct.index(n)) for n in names], "fast": fast, "inverse_n": inverse})
    others = ~data.rows["described_as"].isin(TRIO).to_numpy()
    print(f"{len(data)} rows, {len(distinct)} spacers, {int((~others).sum())} of the three rows left out of 'others'")
    schemes = build_schemes(part, data)
    for key in ("loso", "loo"):
        done = evaluate(TanimotoGP(similarity), X, data.y, schemes[key])
        residual = done.residual_by_row()
        mean = data.y + residual
        rate, told = 10**data.y, 10**mean
        print(
            f"{schemes[key].label}: R2 log {1 - np.sum(residual**2) / np.sum((data.y - data.y.mean()) ** 2):.2f}, "
            f"R2 rate {1 - np.sum((rate - told) ** 2) / np.sum((rate - rate.mean()) ** 2):.2f}, "
            f"typical factor {10 ** np.median(np.abs(residual)):.2f}, "
            f"squares on the others {np.sum(residual[others] ** 2):.2f}"
        )


if __name__ == "__main__":
    main()
