"""Series over fields: g, its spread in both conventions, T2* at zero field, the nuclear field."""

from __future__ import annotations

import numpy as np
import pytest

from perospin import mechanisms
from perospin.errors import DataError
from perospin.spectra import fit_kerr, fit_kerr_series, fit_nuclear_precession
from perospin.spectra.signals import simulate
from perospin.spectra.signals.signals import RADIANS_PER_PS_TESLA
from recovering import near

DELAY = np.linspace(0.0, 3000.0, 300)
FIELDS = [0.1, 0.2, 0.4, 0.7, 1.0]


def ensemble(convention: str, *, seed: int = 0, noise: float = 0.03) -> list[tuple[np.ndarray, np.ndarray]]:
    """Transients of g = 1.96 with a spread of 0.03 and 2 ns at zero field, averaged over g in closed form."""
    rng = np.random.default_rng(seed)
    out = []
    for field in FIELDS:
        turn = RADIANS_PER_PS_TESLA * field * DELAY
        spread = 0.03 * turn if convention == "linear" else 0.5 * (0.03 * turn) ** 2
        clean = np.exp(-DELAY / 2000.0 - spread) * np.cos(1.96 * turn + 0.3)
        out.append((DELAY, clean + 0.1 + noise * rng.standard_normal(DELAY.size)))
    return out


@pytest.mark.parametrize("convention", ["linear", "gaussian"])
def test_joint_fit_recovers_the_spread_in_its_convention(convention):
    fit = fit_kerr_series(ensemble(convention), FIELDS, convention=convention)
    for name, truth in {"g_factor": 1.96, "g_spread": 0.03, "dephasing_time_zero_field_ps": 2000.0}.items():
        assert near(fit, name, truth), name
    assert fit["g_spread"].uncertainty < 0.002
    assert fit.conventions["spread of g"].startswith(convention)
    assert "lower" not in str(fit["g_spread"])


def test_the_conventions_differ_and_the_data_tell_which():
    traces = ensemble("gaussian")
    right, wrong = (fit_kerr_series(traces, FIELDS, convention=c) for c in ("gaussian", "linear"))
    assert right.statistics["aicc"] < wrong.statistics["aicc"] - 50
    assert abs(wrong["g_spread"].value - 0.03) > 3 * wrong["g_spread"].uncertainty


def test_two_steps_by_the_law_of_the_mechanisms():
    traces = [
        (DELAY, simulate.kerr_trace(
            DELAY, field_t=b, g_factor=1.96, dephasing_time_ps=mechanisms.dephasing_time_ps(b, 2000.0, 0.03),
            noise=0.03, seed=i,
        )) for i, b in enumerate(FIELDS)
    ]  # fmt: skip
    fits = [fit_kerr(delay, signal, field_t=b) for (delay, signal), b in zip(traces, FIELDS, strict=True)]
    fit = fit_kerr_series(fits)
    for name, truth in {"g_factor": 1.96, "g_spread": 0.03, "dephasing_time_zero_field_ps": 2000.0}.items():
        assert near(fit, name, truth), name
    again = fit_kerr_series(traces, FIELDS, joint=False)
    assert again.g_spread == pytest.approx(fit.g_spread, rel=1e-6)


def test_two_steps_overstate_a_normal_spread_and_say_so():
    fit = fit_kerr_series(ensemble("gaussian"), FIELDS, convention="gaussian", joint=False)
    assert 0.034 < fit.g_spread < 0.045
    assert any("overstate" in sentence for sentence in fit.warnings)


def test_two_carriers_a_field_offset_and_signs():
    rng = np.random.default_rng(1)
    traces = []
    for field in FIELDS:
        turn = RADIANS_PER_PS_TESLA * (field - 0.01) * DELAY
        electron = np.exp(-DELAY / 2000.0 - 0.03 * turn) * np.cos(1.96 * turn)
        hole = 0.7 * np.exp(-DELAY / 1000.0 - 0.01 * turn) * np.cos(0.7 * turn)
        traces.append((DELAY, electron + hole + 0.03 * rng.standard_normal(DELAY.size)))
    fit = fit_kerr_series(traces, FIELDS, components=2, offset=True, g_signs=[1, -1])
    truths = {"g_factor_1": 1.96, "g_factor_2": -0.7, "g_spread_1": 0.03, "g_spread_2": 0.01, "offset_t": 0.01}
    for name, truth in truths.items():
        assert near(fit, name, truth), name
    assert fit.conventions["sign of g"] == "given"
    record = fit.to_record("CsPbBr3", source="A", quantity="g_factor_2", carrier="hole")
    assert record.value == pytest.approx(-0.7, abs=0.01)


def test_negative_g_keeps_its_interval_and_correlations():
    traces = ensemble("linear")
    plus, minus = (
        fit_kerr_series(traces, FIELDS, offset=True),
        fit_kerr_series(traces, FIELDS, offset=True, g_signs=[-1]),
    )
    assert minus["g_factor"].low == -plus["g_factor"].high
    assert minus.correlation.loc["g_factor", "offset_t"] == -plus.correlation.loc["g_factor", "offset_t"]
    assert minus.correlation.loc["g_factor", "g_factor"] == 1.0


def test_zero_field_gives_the_nuclear_field():
    dark = simulate.nuclear_trace(DELAY, nuclear_field_t=0.012, g_factor=1.96, noise=0.02)
    fit = fit_kerr_series([(DELAY, dark), *ensemble("linear")], [0.0, *FIELDS])
    assert near(fit, "nuclear_field_t", 0.012)
    assert fit["nuclear_field_t"].status == "derived"


def test_fits_bring_their_transients():
    dark = simulate.nuclear_trace(DELAY, nuclear_field_t=0.012, g_factor=1.96, noise=0.02)
    traces = [(DELAY, dark), *ensemble("gaussian")]
    fits = [fit_kerr(*pair, field_t=b) for pair, b in zip(traces, [0.0, *FIELDS], strict=True)]
    fit = fit_kerr_series(fits, convention="gaussian")
    assert near(fit, "g_spread", 0.03)
    assert near(fit, "nuclear_field_t", 0.012)


def test_transients_through_a_response_and_before_the_pump():
    rng = np.random.default_rng(2)
    delay = np.linspace(-30.0, 2000.0, 407)
    fits = []
    for field in FIELDS:
        inside = np.maximum(delay - 3.0, 0.0)  # time zero at 3 ps
        turn = RADIANS_PER_PS_TESLA * field * inside
        clean = np.exp(-inside / 2000.0 - 0.5 * (0.03 * turn) ** 2) * np.cos(1.96 * turn)
        signal = np.where(delay >= 3.0, clean, 0.0) + 0.03 * rng.standard_normal(delay.size)
        fits.append(fit_kerr(delay, signal, field_t=field, irf_fwhm_ps=2.0))
    fit = fit_kerr_series(fits, convention="gaussian")
    for name, truth in {"g_factor": 1.96, "g_spread": 0.03, "dephasing_time_zero_field_ps": 2000.0}.items():
        assert near(fit, name, truth), name


def test_nuclear_precession_alone():
    dark = simulate.nuclear_trace(DELAY, nuclear_field_t=0.012, g_factor=-1.68, amplitude=3.0, noise=0.05)
    fit = fit_nuclear_precession(DELAY, dark, g_factor=-1.68)
    assert near(fit, "nuclear_field_t", 0.012)
    assert near(fit, "amplitude", 3.0)
    time = mechanisms.hyperfine_dephasing_time_ps(0.012, 1.68)
    assert near(fit, "dephasing_time_ps", time)
    damped = dark * np.exp(-DELAY / 4000.0)
    assert near(fit_nuclear_precession(DELAY, damped, decay=True), "g_nuclear_field_t", 0.012 * 1.68)
    assert near(fit_nuclear_precession(DELAY, dark + 1.0, offset=True), "g_nuclear_field_t", 0.012 * 1.68)
    with pytest.raises(DataError, match="g_factor"):
        fit_nuclear_precession(DELAY, dark, g_factor=0.0)


def test_what_is_wrong_is_named():
    traces = ensemble("linear")
    with pytest.raises(DataError, match="5 transients need as many fields"):
        fit_kerr_series(traces, [0.1])
    with pytest.raises(DataError, match="give field_t"):
        fit_kerr_series(traces)
    with pytest.raises(DataError, match="three different fields"):
        fit_kerr_series(traces[:2], FIELDS[:2])
    with pytest.raises(DataError, match="unknown convention"):
        fit_kerr_series(traces, FIELDS, convention="normal")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="g_signs"):
        fit_kerr_series(traces, FIELDS, g_signs=[1, -1])
    with pytest.raises(DataError, match="must be a pair"):
        fit_kerr_series([DELAY], [0.1])
    fits = [fit_kerr(*traces[4]) for _ in range(3)]
    with pytest.raises(DataError, match="has no field"):
        fit_kerr_series(fits)
