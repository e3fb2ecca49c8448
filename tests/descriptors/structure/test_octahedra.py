"""Distortion measures against worked numbers and ideal shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.descriptors.structure.octahedra import (
    angles_deg,
    bond_angle_variance_deg2,
    cis_and_trans,
    distortion_index,
    length_variance,
    octahedron_volume_a3,
    quadratic_elongation,
    sigma_deg,
    zeta_a,
)

WORKED = np.array(
    [
        [3.10, 0.05, 0.02],
        [-3.22, 0.0, 0.10],
        [0.08, 3.16, -0.05],
        [-0.04, -3.18, 0.06],
        [0.10, -0.03, 3.25],
        [0.02, 0.07, -3.19],
    ]
)


def test_worked_octahedron() -> None:
    lengths = np.linalg.norm(WORKED, axis=1)
    cis, trans, pairs = cis_and_trans(WORKED)
    volume = octahedron_volume_a3(WORKED)
    assert lengths.mean() == pytest.approx(3.184459, abs=5e-7)
    assert distortion_index(lengths) == pytest.approx(0.01158577, abs=5e-9)
    assert zeta_a(lengths) == pytest.approx(0.2213664, abs=5e-8)
    assert length_variance(lengths) == pytest.approx(2.224330e-4, abs=5e-11)
    assert bond_angle_variance_deg2(cis) == pytest.approx(3.160844, abs=5e-7)
    assert sigma_deg(cis) == pytest.approx(18.01417, abs=5e-6)
    assert volume == pytest.approx(42.99600, abs=5e-6)
    assert (0.75 * volume) ** (1 / 3) == pytest.approx(3.182950, abs=5e-7)
    assert quadratic_elongation(lengths, volume) == pytest.approx(1.001171, abs=5e-7)
    assert 1 + length_variance(lengths) == pytest.approx(1.000222, abs=5e-7)
    assert {frozenset(pair) for pair in pairs.tolist()} == {frozenset(p) for p in ((0, 1), (2, 3), (4, 5))}
    assert len(cis) == 12
    assert trans.min() > 170


def test_worked_lists() -> None:
    assert distortion_index([3.15, 3.25, 3.20, 3.20, 3.18, 3.22]) == pytest.approx(0.007291667, abs=5e-10)
    cis = [89, 91, 90, 90, 88.5, 91.5, 90, 90, 89.5, 90.5, 90, 90]
    assert bond_angle_variance_deg2(cis) == pytest.approx(0.6363636, abs=5e-8)


def test_trans_partners_of_a_strongly_bent_octahedron() -> None:
    # one trans pair bent to 140 degrees, towards a neighbour that then stands at 145 degrees from a third vertex
    bent = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=float)
    bent[2] = [np.sin(np.radians(40)), np.cos(np.radians(40)), 0]
    bent[1] = [-np.cos(np.radians(15)), -np.sin(np.radians(15)), 0]
    cis, trans, pairs = cis_and_trans(bent)
    assert {frozenset(pair) for pair in pairs.tolist()} == {frozenset(p) for p in ((0, 1), (2, 3), (4, 5))}
    assert sorted(trans) == pytest.approx([140, 165, 180])
    assert len(cis) == 12


@given(st.floats(1.5, 4.0), st.integers(0, 2**32 - 1))
def test_regular_octahedron_has_no_distortion(radius: float, seed: int) -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    vertices = np.vstack([np.eye(3), -np.eye(3)]) @ turn * radius
    lengths = np.linalg.norm(vertices, axis=1)
    cis, trans, _ = cis_and_trans(vertices)
    assert distortion_index(lengths) == pytest.approx(0, abs=1e-12)
    assert bond_angle_variance_deg2(cis) == pytest.approx(0, abs=1e-12)
    assert trans == pytest.approx(180, abs=1e-6)
    assert quadratic_elongation(lengths, octahedron_volume_a3(vertices)) == pytest.approx(1, abs=1e-12)


@given(st.floats(1e-9, 1.0))
def test_angle_is_accurate_near_180_degrees(tilt_deg: float) -> None:
    tilt = np.radians(tilt_deg)
    assert 180 - angles_deg([1, 0, 0], [-np.cos(tilt), np.sin(tilt), 0]) == pytest.approx(tilt_deg, abs=1e-12)
