"""NUTS: slow, as each test compiles a sampler."""

from __future__ import annotations

import builtins
import sys

import numpy as np
import pytest

from perospin.errors import MissingExtraError
from perospin.mechanisms import MechanismResult, Sampling, activation_rate, infer, nuclear_fluctuation_rate

SHORT = Sampling(warmup=300, draws=300, chains=2)


def scattered(rates: np.ndarray, seed: int) -> np.ndarray:
    return rates * np.exp(0.1 * np.random.default_rng(seed).standard_normal(len(rates)))


@pytest.fixture(scope="module")
def temperature_data() -> dict[str, np.ndarray]:
    t = np.array([1.6, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])
    return {"temperature_k": t, "rate_per_ps": scattered(activation_rate(t, 20e-6, 3.2, spin_lifetime_ps=0.8e9), 1)}


@pytest.mark.slow
def test_published_parameters_come_back_from_the_temperature_dependence(temperature_data):
    """arXiv 2603.03038: T10 = 0.8 ms, gamma_a = 20 per us, E_a = 3.2 meV."""
    pytest.importorskip("numpyro")
    steps = []
    found = infer(
        temperature_data, mode="nuts", relative_uncertainty=0.1, sampling=SHORT, on_model=lambda *a: steps.append(a),
        candidates=["constant", "activation", "bir_aronov_pikus"],
    )  # fmt: skip
    assert found.verdict.decided
    assert set(found.verdict.mechanisms) == {"constant", "activation"}
    assert found.best.name == "constant + activation"
    for name, true in (
        ("spin_lifetime_ps", 0.8e9), ("activation_rate_per_ps", 20e-6), ("activation_energy_mev", 3.2)
    ):  # fmt: skip
        assert found.best[name].low <= true <= found.best[name].high
    assert found.best.r_hat < 1.05
    assert steps[0][1] == 0
    assert steps[-1][1] == steps[-1][2]
    again = MechanismResult.from_json(found.to_json())
    assert again.to_json() == found.to_json()
    # both modes see the same posterior
    fast = infer(temperature_data, relative_uncertainty=0.1, candidates=["constant", "activation", "bir_aronov_pikus"])
    for name in ("spin_lifetime_ps", "activation_energy_mev"):
        assert found.best[name].value == pytest.approx(fast.best[name].value, rel=0.05)


@pytest.mark.slow
def test_published_parameters_come_back_from_the_field_dependence():
    """arXiv 2603.03038: tau_s = 0.8 ms, tau_c = 60 us with Delta_N = 12 mT."""
    pytest.importorskip("numpyro")
    field = np.array([0.013, 0.018, 0.025, 0.035, 0.05, 0.07, 0.1, 0.15])
    rates = scattered(nuclear_fluctuation_rate(field, 0.012, 60e6, spin_lifetime_ps=0.8e9), 0)
    found = infer({"field_t": field, "rate_per_ps": rates}, mode="nuts", relative_uncertainty=0.1, sampling=SHORT,
                  known={"nuclear_field_t": 0.012}, criterion="waic")  # fmt: skip
    assert found.verdict.decided
    for name, true in (("spin_lifetime_ps", 0.8e9), ("correlation_time_ps", 60e6)):
        assert found.best[name].low <= true <= found.best[name].high


@pytest.mark.slow
def test_nuts_says_when_it_cannot_tell():
    pytest.importorskip("numpyro")
    t = np.linspace(80, 300, 8)
    data = {"temperature_k": t, "rate_per_ps": scattered(0.2 * (t / 300) ** 0.5, 5)}
    found = infer(data, mode="nuts", relative_uncertainty=0.1, sampling=SHORT, max_mechanisms=1)
    assert not found.verdict.decided
    assert "can't tell" in found.verdict.sentence


def test_without_numpyro_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, temperature_data):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "numpyro":
            raise ModuleNotFoundError("No module named 'numpyro'", name="numpyro")
        return real(name, *args, **kwargs)

    for name in [n for n in sys.modules if n.split(".")[0] == "numpyro"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("importlib.import_module", lambda name, package=None: without(name))
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'perospin\[bayes\]'"):
        infer(temperature_data, mode="nuts")
