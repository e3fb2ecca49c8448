"""Many traces at once give what single fits give."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.models import DECAY
from perospin.errors import FitError
from perospin.fitting import FitStatus, Parameter, Quantity, SeparableModel, fit_batch, fit_model, fixed, namespace

DELAY = np.linspace(0.0, 40.0, 50)


@pytest.fixture(scope="module")
def traces() -> np.ndarray:
    rng = np.random.default_rng(0)
    lifetimes = rng.uniform(2.0, 15.0, 24)
    clean = np.exp(-DELAY / lifetimes[:, None]) * rng.uniform(0.5, 3.0, (24, 1)) + 0.2
    return clean + 0.02 * rng.normal(size=clean.shape)


def test_same_as_single_fits(traces: np.ndarray) -> None:
    batch = fit_batch(DECAY, DELAY, traces)
    assert set(batch.status) == {FitStatus.CONVERGED}
    assert len(batch) == 24
    for i in (0, 5, 23):
        fit = fit_model(DECAY, DELAY, traces[i])
        for j, name in enumerate(batch.names):
            assert batch.values[i, j] == pytest.approx(fit[name].value, rel=1e-6)
            assert batch.uncertainty[i, j] == pytest.approx(fit[name].uncertainty, rel=1e-4)
        assert batch.best_fit[i] == pytest.approx(fit.data["best_fit"].to_numpy(), abs=1e-6)
    table = batch.table()
    assert len(table) == 24
    assert table["status"].iloc[0] == "converged"
    assert np.array_equal(batch["lifetime_ps"], table["lifetime_ps"])


def test_missing_points_weights_and_fixed_values(traces: np.ndarray) -> None:
    y = traces.copy()
    y[0, 10:20] = np.nan
    y[1, 1:] = np.nan
    sigma = np.full(len(DELAY), 0.02)
    batch = fit_batch(DECAY, DELAY, y, sigma=sigma, params={"offset": fixed(0.2)})
    keep = np.isfinite(y[0])
    fit = fit_model(DECAY, DELAY[keep], y[0][keep], sigma=0.02, params={"offset": fixed(0.2)})
    assert batch["lifetime_ps"][0] == pytest.approx(fit.lifetime_ps, rel=1e-6)
    assert batch.uncertainty[0, 0] == pytest.approx(fit["lifetime_ps"].uncertainty, rel=1e-4)
    assert batch.status[1] is FitStatus.TOO_FEW_POINTS
    assert np.isnan(batch.values[1]).all()
    assert np.all(batch["offset"][2:] == 0.2)
    assert batch.n_points[0] == 40


def test_bounds_and_resolution_are_told(traces: np.ndarray) -> None:
    bounded = fit_batch(DECAY, DELAY, traces, params={"lifetime_ps": (5.0, 4.0, 6.0)})
    assert FitStatus.AT_BOUND in bounded.status
    assert np.all((bounded["lifetime_ps"] >= 4.0 - 1e-9) & (bounded["lifetime_ps"] <= 6.0 + 1e-9))
    coarse = fit_batch(DECAY, DELAY, traces, resolution={"lifetime_ps": 8.0})
    below = coarse["lifetime_ps"] < 8.0
    assert [s is FitStatus.UNRESOLVED for s in coarse.status] == below.tolist()


def test_linear_and_purely_nonlinear_models() -> None:
    def line(x, p):  # type: ignore[no-untyped-def]
        return [x, namespace(x).ones_like(x)]

    x = np.linspace(0.0, 5.0, 20)
    batch = fit_batch(SeparableModel("line", (), (Quantity("a"), Quantity("b")), line), x, np.stack([2 * x + 1, 1 - x]))
    assert batch.values == pytest.approx(np.array([[2.0, 1.0], [-1.0, 1.0]]), abs=1e-9)
    root = SeparableModel(
        "root", (Parameter("w", value=1.0, low=0.1, high=10.0, positive=True),),
        base=lambda x, p: namespace(x, p["w"]).sqrt(1.0 + p["w"] * x),
    )  # fmt: skip
    assert fit_batch(root, x, np.sqrt(1 + 3 * x)[None])["w"][0] == pytest.approx(3.0, rel=1e-6)


def test_errors(traces: np.ndarray) -> None:
    with pytest.raises(FitError, match="shape"):
        fit_batch(DECAY, DELAY, traces[:, :-1])
    with pytest.raises(FitError, match="ties"):
        fit_batch(DECAY, DELAY, traces, params={"offset": "amplitude / 2"})
    with pytest.raises(FitError, match="above zero"):
        fit_batch(DECAY, DELAY, traces, sigma=0.0)
    with pytest.raises(FitError, match="no quantity"):
        fit_batch(DECAY, DELAY, traces)["tau"]


def test_each_trace_starts_where_it_is_told() -> None:
    x = np.linspace(0.0, 10.0, 200)
    centres = np.array([1.0, 5.0, 9.0])

    def basis(x, theta):
        return [namespace(x).exp(-0.5 * ((x - theta["centre"]) / 0.3) ** 2)]

    model = SeparableModel("line", (Parameter("centre", scale=0.1),), (Quantity("height"),), basis)
    y = np.stack([3.0 * np.exp(-0.5 * ((x - c) / 0.3) ** 2) for c in centres])
    fit = fit_batch(model, x, y, starts={"centre": centres + 0.2})
    assert fit["centre"] == pytest.approx(centres, abs=1e-9)
    assert fit["height"] == pytest.approx(3.0)
    with pytest.raises(FitError, match=r"shape \(2,\); \(3,\) is wanted"):
        fit_batch(model, x, y, starts={"centre": centres[:2]})
