"""Attenuation against check values of the issue and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin import detectors as d
from perospin.errors import DataError

DEVICE, DENSITY = "(m-F-PEA)2PbI4", 2.665811


@pytest.mark.parametrize(
    ("formula", "value"),
    [("Pb", 14.358), ("I", 22.096), ("Br", 7.900), ("Cs", 23.804), ("CdTe", 19.300), ("Se", 7.183), (DEVICE, 14.325)],
)
def test_mass_coefficient_at_40_kev(formula, value):
    assert d.mass_attenuation(formula, 40.0) == pytest.approx(value, abs=6e-4)


@pytest.mark.parametrize(
    ("energy", "fraction"),
    [(20, 0.9969892), (33.1, 0.7883671), (33.2, 0.9867101), (40, 0.9309666), (50, 0.7760220), (60, 0.6039568)],
)
def test_absorbed_fraction_of_the_papers_device(energy, fraction):
    assert d.absorbed_fraction(DENSITY * d.mass_attenuation(DEVICE, energy), 0.7) == pytest.approx(fraction, abs=3e-6)


def test_photo_absorption_density_and_thickness():
    photo = DENSITY * d.mass_attenuation(DEVICE, 40.0, kind="photo")
    assert d.absorbed_fraction(photo, 0.7) == pytest.approx(0.9232437, abs=1e-5)
    assert d.density_from_cell(DEVICE, 9918.380, 16) == pytest.approx(DENSITY, abs=1e-5)
    assert d.thickness_for(0.94, 38.18807) == pytest.approx(0.7367, abs=1e-4)
    assert 4.16 * d.mass_attenuation("MAPbI3", 40.0) == pytest.approx(76.45960, abs=1e-3)


def test_k_edges():
    edges = d.edges_within(DEVICE, 10, 150)
    assert list(edges) == ["I", "Pb"]
    assert edges["I"] == pytest.approx(33.17, abs=0.01)
    assert edges["Pb"] == pytest.approx(88.0, abs=0.02)


@given(fraction=st.floats(1e-6, 0.999999), mu=st.floats(1e-3, 1e5))
def test_thickness_is_the_inverse_of_the_fraction(fraction, mu):
    assert d.absorbed_fraction(mu, d.thickness_for(fraction, mu)) == pytest.approx(fraction, rel=1e-9)


def test_mixture_is_the_compound_and_layers_add():
    # CdTe as its elements by mass
    mixture = d.mixture_attenuation({"Cd": 112.411, "Te": 127.6}, 40.0)
    assert mixture == pytest.approx(d.mass_attenuation("CdTe", 40.0), rel=1e-4)
    halves = d.stack_absorption([d.Layer("Si", 0.5, 2.33), d.Layer("Si", 0.5, 2.33)], np.array([20.0, 40.0]))
    whole = d.stack_absorption([d.Layer("Si", 1.0, 2.33)], np.array([20.0, 40.0]))
    np.testing.assert_allclose(halves.sum(axis=0), whole[0], rtol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: d.mass_attenuation("CdTe", 40000.0),
        lambda: d.mass_attenuation("notachemical?", 40.0),
        lambda: d.mass_attenuation("CdTe", math.nan),
        lambda: d.thickness_for(94.0, 1.0),
        lambda: d.Layer("Si", -1.0, 2.33),
        lambda: d.mixture_attenuation({"Si": 0.0}, 40.0),
        lambda: d.stack_absorption([], 40.0),
    ],
)
def test_refused(call):
    with pytest.raises(DataError):
        call()


@pytest.mark.parametrize(
    ("formula", "density", "linear"),
    [("(PEA)2PbI4", 2.60, 38.61523), ("Si", 2.33, 1.633220), ("Se", 4.3, 30.88824), ("MAPbI3", 4.16, 76.45960)],
)
def test_worked_linear_coefficients_at_40_kev(formula, density, linear):
    assert density * d.mass_attenuation(formula, 40.0) == pytest.approx(linear, rel=2e-6)
