"""Descriptors from a stored geometry, and the ammonium head."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.descriptors.quantum.ammonium import ammonium_heads, ammonium_values, head_charge_e
from perospin.descriptors.quantum.geometry import Geometry, conformers, gfn2_charges
from perospin.descriptors.quantum.shape import chirality, ellipsoid_axes_a, frontier_descriptors


def _turn(positions, seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(positions) @ q + [3.0, -2.0, 0.5]


def test_frontier_descriptors_of_methylammonium():
    # eta = (21.28 - 2.48) / 2, chi = (21.28 + 2.48) / 2
    assert frontier_descriptors(-21.28, -2.48) == {"hardness_ev": 9.4, "electronegativity_ev": 11.88}


def test_an_atom_is_a_sphere_of_its_van_der_waals_radius():
    assert ellipsoid_axes_a(["C"], [[1.0, 2.0, 3.0]]) == pytest.approx((1.7, 1.7, 1.7))  # Bondi 1964


def test_a_dense_row_of_atoms_has_the_axes_of_a_rod():
    # n equal spheres of radius r along a length L: second moment L^2/12 + r^2/5 along it, r^2/5 across
    x = np.linspace(-5, 5, 2001)
    long, middle, short = ellipsoid_axes_a(["C"] * len(x), np.stack([x, 0 * x, 0 * x], axis=1))
    assert long == pytest.approx(np.sqrt(5 * (100 / 12 + 1.7**2 / 5)), rel=2e-3)
    assert (middle, short) == pytest.approx((1.7, 1.7), rel=1e-6)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 12))
def test_ellipsoid_does_not_depend_on_place_direction_or_order(seed, n):
    rng = np.random.default_rng(seed)
    positions = rng.normal(scale=2.0, size=(n, 3))
    symbols = rng.choice(["C", "N", "H", "I"], size=n)
    axes = ellipsoid_axes_a(symbols, positions)
    order = rng.permutation(n)
    assert ellipsoid_axes_a(symbols[order], _turn(positions, seed)[order]) == pytest.approx(axes, abs=2e-6)
    assert axes[0] >= axes[1] >= axes[2] > 0


@pytest.mark.parametrize(
    ("smiles", "chiral", "open_centres"),
    [
        ("C[C@H]([NH3+])c1ccccc1", 1, 0),
        ("CC([NH3+])c1ccccc1", 0, 1),
        ("CCC[NH3+]", 0, 0),
        ("C[C@H]([NH3+])[C@H](C)[NH3+]", 1, 0),
        ("C[C@H]([NH3+])[C@@H](C)[NH3+]", 0, 0),  # meso
    ],
)
def test_chirality(smiles, chiral, open_centres):
    assert chirality(smiles) == {"chiral": chiral, "open_stereocentres": open_centres}


@pytest.mark.parametrize(
    ("smiles", "sizes"),
    [
        ("CCC[NH3+]", [4]),
        ("NC=[NH2+]", [6]),
        ("NC(N)=[NH2+]", [9]),
        ("c1c[nH+]c[nH]1", [4]),
        ("c1cc[nH+]cc1", [2]),
        ("[NH3+]CC[NH3+]", [4, 4]),
        ("C[N+](C)(C)C", [17]),  # buried nitrogen: the methyl groups carry the charge
        ("[Cs+]", []),
    ],
)
def test_ammonium_heads(smiles, sizes):
    assert [len(head) for head in ammonium_heads(smiles)] == sizes


@pytest.mark.parametrize("smiles", ["[NH4+]", "C[NH3+]", "[NH3+]CC[NH3+]"])
def test_charges_add_up_to_the_ions_charge(smiles):
    geometry = conformers(smiles, 2, 7)[0]
    charges = gfn2_charges(geometry)
    assert charges.sum() == pytest.approx(geometry.charge, abs=1e-6)
    head = head_charge_e(geometry, ammonium_heads(smiles))
    assert 0.5 < head <= 1 + 1e-6
    if smiles == "[NH4+]":
        assert head == pytest.approx(1.0, abs=1e-6)


def test_head_values_do_not_depend_on_orientation_and_fall_as_the_cation_grows():
    ammonium, methyl, ethyl = (conformers(s, 1, 7)[0] for s in ("[NH4+]", "C[NH3+]", "CC[NH3+]"))
    values = ammonium_values("C[NH3+]", methyl)
    turned = Geometry(methyl.symbols, _turn(methyl.positions_a, 3), 1, 0.0)
    assert ammonium_values("C[NH3+]", turned) == pytest.approx(values, abs=2e-3)
    # the same unit charge on a larger ion that gives electrons to the head: a lower potential there
    potentials = [
        ammonium_values("[NH4+]", ammonium)["ammonium_esp_max_v"],
        values["ammonium_esp_max_v"],
        ammonium_values("CC[NH3+]", ethyl)["ammonium_esp_max_v"],
    ]
    assert potentials == sorted(potentials, reverse=True)


def test_potential_of_a_bare_charge_is_coulombs_law():
    # far outside NH4+ the potential is that of a point charge: here at the surface it is above it, by polarity only
    from perospin.descriptors.quantum.ammonium import _Surface
    from perospin.descriptors.quantum.electronic import converged_hf

    geometry = conformers("[NH4+]", 1, 7)[0]
    surface = _Surface(converged_hf(geometry, "def2-svp"))
    direction = np.array([[0.6, 0.0, 0.8]])
    assert surface.potential(40.0 * direction) == pytest.approx(1 / 40.0, rel=1e-3)
    points, own = surface.points(np.array([0]), direction)
    assert surface._density(points) == pytest.approx(1e-3, rel=1e-3)
