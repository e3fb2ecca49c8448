"""Bridging angles against worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.descriptors.structure.bridges import beta_in_deg, beta_out_deg, bridge_angle_deg

NORMAL = np.array([0.0, 0.0, 1.0])
X = np.array([[3.05, 0.80, 0.20], [0.45, 3.10, -0.15]])
TO_FIRST = -X
TO_SECOND = np.array([[6.20, 0, 0], [0, 6.20, 0]]) - X


def test_worked_bridges() -> None:
    beta = bridge_angle_deg(TO_FIRST, TO_SECOND)
    inside = beta_in_deg(TO_FIRST, TO_SECOND, NORMAL)
    outside = beta_out_deg(TO_FIRST, TO_SECOND, NORMAL)
    assert beta == pytest.approx([150.2009, 162.6009], abs=5e-5)
    assert inside == pytest.approx([151.0526, 163.4811], abs=5e-5)
    assert outside == pytest.approx([172.6153, 174.4596], abs=5e-5)
    assert np.ptp(beta) == pytest.approx(12.40005, abs=5e-6)
    assert np.ptp(inside) == pytest.approx(12.42848, abs=5e-6)
    assert np.ptp(outside) == pytest.approx(1.844248, abs=5e-7)
    assert 180 - inside == pytest.approx([28.94735, 16.51888], abs=5e-6)


@given(st.integers(0, 2**32 - 1))
def test_projections_don_t_depend_on_direction_or_orientation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    for function in (beta_in_deg, beta_out_deg):
        expected = function(TO_FIRST, TO_SECOND, NORMAL)
        assert function(TO_SECOND, TO_FIRST, NORMAL) == pytest.approx(expected, abs=1e-9)
        assert function(TO_FIRST, TO_SECOND, -NORMAL) == pytest.approx(expected, abs=1e-9)
        assert function(TO_FIRST @ turn, TO_SECOND @ turn, NORMAL @ turn) == pytest.approx(expected, abs=1e-9)
