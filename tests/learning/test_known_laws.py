"""Tables whose law is known: curved models must find it, a line must not, and formulas must be the law."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from perospin.learning import build_estimator, evaluate, k_fold
from perospin.mechanisms.inference.synthetic import SYNTHETIC_FEATURES, synthetic_table

BEHIND = ["true_exciton_binding_energy_mev", "true_momentum_scattering_time_ps", "true_rashba_ev_a", "true_spin_mixing"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return synthetic_table(120, seed=0)


def eight_fold_r2(spec: dict, table: pd.DataFrame) -> float:
    model = build_estimator({**spec, "features": list(SYNTHETIC_FEATURES)}, 3)
    return evaluate(model, table, np.log10(table["rate_per_ps"].to_numpy()), k_fold(len(table), 8, 0)).scores().r2


def test_processes_find_the_sum_of_mechanisms_and_a_line_does_not(table):
    assert eight_fold_r2({"kind": "gp", "mode": "map"}, table) >= 0.95
    assert eight_fold_r2({"kind": "ridge", "tune": {"alpha": [0.1, 1.0, 10.0]}}, table) <= 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "gp", "mode": "map", "likelihood": "student_t"},
        {"kind": "mlp_ensemble", "alpha": 0.05, "hidden": [24]},
        {"kind": "mlp_ensemble", "alpha": 0.05, "hidden": [24], "heteroscedastic": True},
    ],
    ids=["student", "networks", "heteroscedastic"],
)
def test_other_curved_models_find_it_too(spec, table):
    assert eight_fold_r2(spec, table) >= 0.9


def test_the_law_of_exciton_exchange_is_recovered_as_a_product_of_powers(table):
    """8 E^2 (tau / 6 fs), E in eV: from E in meV and tau in ps, c = 8e-6 / 0.006."""
    model = build_estimator({"kind": "power_law", "features": BEHIND}, 0)
    model.fit(table, np.log10(table["true_exciton_exchange_per_ps"]))
    assert model.exponents_ == {BEHIND[0]: 2.0, BEHIND[1]: 1.0}
    assert model.formula_.constants[0].value == pytest.approx(np.log10(8e-6 / 0.006), abs=0.01)
    assert model.unit_ == "meV^-2 ps^-1"
    elliott = build_estimator({"kind": "power_law", "features": BEHIND}, 0)
    elliott.fit(table, np.log10(table["true_elliott_yafet_per_ps"]))
    assert elliott.exponents_ == {BEHIND[1]: -1.0, BEHIND[3]: 1.0}


def test_the_law_of_exciton_exchange_is_recovered_by_symbolic_regression(table):
    pytest.importorskip("pyoperon")
    rng = np.random.default_rng(0)
    rate = table["true_exciton_exchange_per_ps"].to_numpy() * (1.0 + 0.02 * rng.standard_normal(len(table)))
    spec = {"kind": "symbolic", "features": BEHIND[:3], "operations": ["add", "sub", "mul", "div", "square"]}
    model = build_estimator(spec, 1).fit(table, rate)
    assert set(model.formula_.used_columns) == set(BEHIND[:2])
    fresh = synthetic_table(60, seed=5)
    law = fresh["true_exciton_exchange_per_ps"].to_numpy()
    assert np.sqrt(np.mean((model.predict(fresh) - law) ** 2)) < 0.03 * law.std()
