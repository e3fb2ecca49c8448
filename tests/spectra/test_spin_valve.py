"""Spin-valve Hanle curves: a published graphene measurement with its published fit, and simulations."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest

from perospin.errors import DataError
from perospin.spectra import fit_spin_valve
from perospin.spectra.signals import simulate
from recovering import near

FIELD = np.linspace(-0.2, 0.2, 201)


@pytest.fixture(scope="module")
def graphene():
    """Figure 4a of a graphene spin valve (repository evansosenko/aps-spin-lifetime-plots, MIT)."""
    text = (files("perospin.database") / "tables" / "hanle" / "fig_4a_difference.json").read_text(encoding="utf-8")
    content = json.loads(text)
    published = {entry["symbol"]: entry["value"] for entry in content["meta"]["fitted_parameters"]}
    return np.array(content["data"]), published, content["meta"]["quality"][0]["value"]


OPTIONS = {"length_um": 2.1, "width_um": 2.2, "sheet_conductance_ms": 0.5, "difference": True, "magnitude": True}


@pytest.mark.parametrize("contacts", ["tunnel", "finite"])
def test_published_fit_comes_back(graphene, contacts):
    data, published, chi2 = graphene
    fit = fit_spin_valve(data[:, 0], data[:, 1], contacts=contacts, **OPTIONS)
    assert fit.lifetime_ps == pytest.approx(published["τ"], rel=2e-3)  # 514.3 ps
    assert fit.diffusion_cm2_s == pytest.approx(1e4 * published["D"], rel=2e-3)  # 0.018788 m2/s
    assert fit.polarisation == pytest.approx(published["P"], rel=2e-3)  # 0.1930
    assert fit.diffusion_length_um == pytest.approx(3.1085, rel=2e-3)
    assert fit.spin_resistance_ohm == pytest.approx(2825.93, rel=2e-3)
    assert fit.statistics["chi2"] <= chi2 * (1 + 1e-6)  # 1045.77 ohm^2
    for name, truth in (("lifetime_ps", published["τ"]), ("diffusion_cm2_s", 1e4 * published["D"])):
        assert near(fit, name, truth, sigmas=1.0)
    if contacts == "finite":  # the published contact resistance, 20 Gohm, is "none": the data give a bound
        assert fit["contact_ratio"].status == "upper bound"
        assert fit["contact_resistance_ohm"].status == "lower bound"
        assert 1e4 < fit.contact_resistance_ohm < 1e7


def test_published_curve_shows_correlated_residuals(graphene):
    data, _, _ = graphene
    fit = fit_spin_valve(data[:, 0], data[:, 1], **OPTIONS)
    assert any("not noise" in sentence for sentence in fit.warnings)
    record = fit.to_record("graphene", source="10.1103/PhysRevB.89.245436", composition="other", temperature_k=300.0)
    assert record.property == "tau_spin"
    assert record.conditions.technique == "Hanle_nonlocal"


def test_sizes_taken_for_signed_data_are_noticed(graphene):
    data, _, _ = graphene
    fit = fit_spin_valve(data[:, 0], data[:, 1], length_um=2.1)
    assert any("magnitude=True" in sentence for sentence in fit.warnings)


@pytest.mark.parametrize(
    ("lifetime", "diffusion", "length"), [(500.0, 180.0, 2.1), (100.0, 300.0, 5.0), (3000.0, 50.0, 1.0)]
)
def test_tunnel_contacts(lifetime, diffusion, length):
    clean = simulate.spin_valve_curve(FIELD, lifetime_ps=lifetime, diffusion_cm2_s=diffusion, length_um=length)
    rng = np.random.default_rng(0)
    signal = 40.0 * clean / clean.max() + 0.3 * rng.standard_normal(clean.size) + 2.0
    fit = fit_spin_valve(FIELD, signal, length_um=length, offset=True)
    for name, truth in (("lifetime_ps", lifetime), ("diffusion_cm2_s", diffusion), ("offset_ohm", 2.0)):
        assert near(fit, name, truth), name


def test_contacts_of_known_resistance():
    # r = R_C W sigma = 2000 ohm 2 um 1 mS = 4 um; lambda = 3 um
    lifetime, diffusion = 500.0, 180.0
    signal = simulate.spin_valve_curve(
        FIELD, lifetime_ps=lifetime, diffusion_cm2_s=diffusion, length_um=2.0, contact_ratio=3.0 / 4.0,
        amplitude_ohm=100.0, noise=0.05,
    )  # fmt: skip
    known = {"length_um": 2.0, "width_um": 2.0, "sheet_conductance_ms": 1.0}
    fit = fit_spin_valve(FIELD, signal, contact_resistance_ohm=2000.0, **known)
    assert near(fit, "lifetime_ps", lifetime)
    assert near(fit, "diffusion_cm2_s", diffusion)
    free = fit_spin_valve(FIELD, signal, contacts="finite", **known)
    assert near(free, "lifetime_ps", lifetime)
    ignored = fit_spin_valve(FIELD, signal, **known)
    assert ignored.lifetime_ps < 0.8 * lifetime  # the back-flow is taken for a shorter lifetime


def test_drift_is_a_shorter_lifetime():
    signal = simulate.spin_valve_curve(
        FIELD, lifetime_ps=500.0, diffusion_cm2_s=180.0, length_um=2.1, drift_m_s=5000.0, amplitude_ohm=50.0, noise=0.05
    )
    given = fit_spin_valve(FIELD, signal, length_um=2.1, drift_m_s=5000.0)
    assert near(given, "lifetime_ps", 500.0)
    ignored = fit_spin_valve(FIELD, signal, length_um=2.1)
    apparent = 1.0 / (1.0 / 500e-12 + 5000.0**2 / (4 * 180e-4)) * 1e12
    assert near(ignored, "lifetime_ps", apparent)
    assert ignored.statistics["chi2"] == pytest.approx(given.statistics["chi2"], rel=1e-6)


def test_what_is_wrong_is_named():
    signal = np.cos(FIELD)
    wrong = [
        ({"length_um": -1.0}, "length_um"), ({"length_um": 1.0, "width_um": 0.0}, "width_um"),
        ({"length_um": 1.0, "contact_resistance_ohm": 10.0}, "needs width_um"),
        ({"length_um": 1.0, "contacts": "ohmic"}, "unknown contacts"),
        ({"length_um": 1.0, "contacts": "finite", "drift_m_s": 10.0}, "without drift"),
        ({"length_um": 1.0, "magnitude": True, "offset": True}, "without sign"),
        ({"length_um": 1.0, "g_factor": 0.0}, "g_factor"),
    ]  # fmt: skip
    for options, message in wrong:
        with pytest.raises(DataError, match=message):
            fit_spin_valve(FIELD, signal, **options)


def test_unknown_contacts_give_both_lifetimes() -> None:
    signal = simulate.spin_valve_curve(
        FIELD, lifetime_ps=130.0, diffusion_cm2_s=180.0, length_um=2.0, contact_ratio=2.0, amplitude_ohm=100.0,
        noise=0.5, seed=1,
    )  # fmt: skip
    fit = fit_spin_valve(FIELD, signal, length_um=2.0)
    finite = fit_spin_valve(FIELD, signal, length_um=2.0, contacts="finite")
    assert fit["finite_contacts_lifetime_ps"].value == pytest.approx(finite.lifetime_ps)
    assert any(
        "contacts of finite resistance" in sentence and "contacts='tunnel'" in sentence for sentence in fit.warnings
    )
    told = fit_spin_valve(FIELD, signal, length_um=2.0, contacts="tunnel")
    assert told.lifetime_ps == pytest.approx(fit.lifetime_ps)
    assert "finite_contacts_lifetime_ps" not in told
