from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perospin.chemistry import Perovskite
from perospin.database import load_table
from perospin.errors import StudyError
from perospin.learning import build_estimator, evaluate, leave_one_out
from synthetic_tables import synthetic_law, synthetic_paper_table

EIGHT = [
    "dipole_debye", "molar_mass", "electronegativity", "polarisability_bohr3", "tolerance_factor", "homo_ev", "lumo_ev",
    "inverse_n",
]  # fmt: skip


def problem(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    table = synthetic_paper_table(seed=seed)
    X = table.assign(inverse_n=np.where(table["n_layers"] >= 100, 0.0, 1.0 / table["n_layers"]))
    return X, np.log10(table["rate_per_ps"].to_numpy())


def leave_one_out_r2(spec: dict, seed: int = 0) -> float:
    X, y = problem(seed)
    return evaluate(build_estimator({**spec, "features": EIGHT}, seed=3), X, y, leave_one_out(len(y))).scores().r2


def test_columns_are_those_of_the_published_table():
    table, published = synthetic_paper_table(), load_table("spin52")
    assert list(table.columns) == list(published.columns)
    assert len(table) == 52
    assert not table.isna().any().any()
    assert np.allclose(table["homo_lumo_gap_ev"], table["lumo_ev"] - table["homo_ev"], atol=1e-9)
    for column in ("dipole_debye", "molecular_radius_a", "tolerance_factor", "rate_per_ps"):
        real = published[column]
        assert 0.3 * real.min() <= table[column].min(), column
        assert table[column].max() <= 1.2 * real.max(), column


def test_formulas_carry_the_layer_number():
    table = synthetic_paper_table(seed=5)
    for formula, layers in zip(table["formula"], table["n_layers"], strict=True):
        material = Perovskite.parse(formula)
        assert material.n_layers == (None if layers == 100 else layers), formula


def test_rates_follow_the_law():
    exact = synthetic_paper_table(n=20, seed=2, noise=0.0)
    law = synthetic_law(exact["tolerance_factor"], exact["dipole_debye"])
    assert np.allclose(np.log10(exact["rate_per_ps"]), law, atol=1e-3)  # the printed descriptors are rounded
    # by hand: s = d = 1 and s = d = 0
    assert synthetic_law(1.147 + 0.208, 15.3) == pytest.approx(0.25 - 0.5 + 0.45 - 0.1)
    assert synthetic_law(1.147, 10.0) == pytest.approx(0.25)
    noisy = synthetic_paper_table(n=2000, seed=2, noise=0.1)
    scatter = np.log10(noisy["rate_per_ps"]) - synthetic_law(noisy["tolerance_factor"], noisy["dipole_debye"])
    assert scatter.std() == pytest.approx(0.1, rel=0.1)


def test_seed_decides_the_table():
    pd.testing.assert_frame_equal(synthetic_paper_table(seed=1), synthetic_paper_table(seed=1))
    assert not synthetic_paper_table(seed=1)["rate_per_ps"].equals(synthetic_paper_table(seed=2)["rate_per_ps"])


@pytest.mark.parametrize(("n", "noise"), [(3, 0.0), (52, -0.1), (52, np.nan), (52, np.inf)])
def test_impossible_tables_are_refused(n, noise):
    with pytest.raises(StudyError):
        synthetic_paper_table(n=n, noise=noise)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gaussian_process_recovers_the_law_and_a_line_does_not(seed):
    assert leave_one_out_r2({"kind": "gp", "mode": "map"}, seed) >= 0.95
    assert leave_one_out_r2({"kind": "ridge", "tune": {"alpha": [0.1, 1.0, 10.0]}}, seed) <= 0.6


@pytest.mark.slow
def test_averaged_gaussian_process_recovers_the_law():
    assert leave_one_out_r2({"kind": "gp"}) >= 0.95


@pytest.mark.slow
def test_networks_follow_the_curves_that_a_line_misses():
    assert leave_one_out_r2({"kind": "mlp_ensemble", "tune": {"alpha": [0.01, 0.1, 1.0]}}) >= 0.8
