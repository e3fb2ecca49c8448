"""Layer spacings from line cuts that were made with known ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import NavigationError
from perospin.navigation.plates.scattering import layer_spacings, orientation, q_of_two_theta

Q = np.linspace(0.15, 2.2, 2000)


def cut(spacings: dict[float, float], seed: int = 0, extra: float = 0.0) -> np.ndarray:
    y = 50.0 / Q + np.random.default_rng(seed).normal(0, 3.0, len(Q))
    for d, strength in spacings.items():
        for order in range(1, 9):
            y += strength / order * np.exp(-0.5 * ((Q - 2 * np.pi * order / d) / 0.008) ** 2)
    return y + extra * np.exp(-0.5 * ((Q - 1.0) / 0.01) ** 2)


@settings(max_examples=40, deadline=None)
@given(st.floats(13.0, 36.0), st.integers(0, 20))
def test_one_series(d: float, seed: int) -> None:
    found = layer_spacings(Q, cut({d: 2000.0}, seed))
    assert found
    assert found[0].spacing_a == pytest.approx(d, abs=5 * max(found[0].error_a, 0.01))
    assert found[0].orders[:3] == (1, 2, 3)
    assert found[0].intensity > 0.9


def test_layer_numbers_of_two_phases() -> None:
    # (PEA)2PbI4 has 16.4 A; one more sheet is 6.3 A
    found = layer_spacings(Q, cut({22.7: 3000.0, 16.4: 800.0}), first_a=16.4)
    assert [round(one.n or 0, 1) for one in found[:2]] == [2.0, 1.0]
    assert found[0].intensity > found[1].intensity


def test_a_peak_without_a_series_is_none() -> None:
    assert layer_spacings(Q, cut({}, extra=3000.0)) == []
    assert layer_spacings(Q, cut({})) == []


def test_orientation() -> None:
    layers, nothing = layer_spacings(Q, cut({22.7: 3000.0})), layer_spacings(Q, cut({}))
    told = [orientation(a, b) for a in (layers, nothing) for b in (layers, nothing)]
    assert told == ["mixed", "lying", "standing", "none"]


def test_q_of_copper() -> None:
    # n = 1 PEA: 5.4 degrees of Cu K alpha are 16.4 A
    assert 2 * np.pi / q_of_two_theta(np.array([5.385]))[0] == pytest.approx(16.4, abs=0.01)


def test_mistakes() -> None:
    for bad, said in (((Q[::-1], Q), "rising q"), ((Q[:10], Q[:10]), "50 points")):
        with pytest.raises(NavigationError, match=said):
            layer_spacings(*bad)
    with pytest.raises(NavigationError, match="the halide is I, Br or Cl"):
        layer_spacings(Q, cut({}), halide="F")
