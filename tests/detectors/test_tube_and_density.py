"""Beams of tubes, and densities that tell where they are from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.detectors import (
    air_energy_absorption,
    density_from_cif,
    density_of,
    estimated_density,
    ideal_sensitivity,
    mass_attenuation,
    one_energy,
    read_filter,
    tube_beam,
)
from perospin.errors import DataError
from perospin.units import ELEMENTARY_CHARGE_C


def test_one_gray_of_kerma_comes_back():
    beam = tube_beam(50.0, [("Al", 2.0)])
    mu_en = np.array([air_energy_absorption(at) for at in beam.energy_kev[::20]])
    energy = beam.photons_cm2_gy * beam.energy_kev * 1e3 * ELEMENTARY_CHARGE_C
    full = np.exp(np.interp(np.log(beam.energy_kev), np.log(beam.energy_kev[::20]), np.log(mu_en)))
    assert 1e3 * float(energy @ full) == pytest.approx(1.0, rel=0.02)


def test_air_agrees_with_nist():
    # NIST Standard Reference Database 126: mu_en/rho of dry air (cm2/g)
    for energy_kev, expected in ((20.0, 0.5389), (40.0, 0.06833), (60.0, 0.03041)):
        assert air_energy_absorption(energy_kev) == pytest.approx(expected, rel=0.03)


def test_filters_harden_as_the_coefficient_says():
    soft, hard = tube_beam(50.0, [("Al", 2.0)]), tube_beam(50.0, [("Al", 4.0)])
    assert hard.mean_kev > soft.mean_kev
    assert hard.half_value_layer_mm_al > soft.half_value_layer_mm_al
    # two millimetres more take what the table of attenuation says, line by line
    ratio = (hard.photons_cm2_gy / soft.photons_cm2_gy)[[40, 80]]
    mu = np.asarray(mass_attenuation("Al", soft.energy_kev[[40, 80]])) * 2.699
    assert ratio[0] / ratio[1] == pytest.approx(np.exp(-0.2 * (mu[0] - mu[1])), rel=0.02)


def test_one_energy_is_the_closed_form():
    beam = one_energy(40.0)
    photons, energy = beam.attenuated("(m-F-PEA)2PbI4", 2.665811, 0.7)
    assert photons == pytest.approx(0.9309666, abs=2e-6)
    assert energy == pytest.approx(photons)
    closed = ideal_sensitivity(energy, 6.01, air_energy_absorption(40.0))
    assert beam.ideal_sensitivity(energy, 6.01) == pytest.approx(closed, rel=1e-9)


@given(st.floats(0.01, 99.0), st.sampled_from([("mm", 1.0), ("um", 1e-3), ("cm", 10.0)]))
def test_filters_are_read_in_any_unit(size, unit):
    material, thickness = read_filter(f"Al {size:.6g} {unit[0]}")
    assert material == "Al"
    assert thickness == pytest.approx(float(f"{size:.6g}") * unit[1])


@pytest.mark.parametrize("text", ["", "Al", "2 mm", "Al -2 mm", "Al 2 inch", "Al 2e9 mm"])
def test_wrong_filters_are_refused(text):
    with pytest.raises(DataError, match="--filter"):
        read_filter(text)


def test_estimated_densities_hold_known_crystals():
    # X-ray densities of room-temperature cells, none of them in the volumes
    for formula, known in (("MAPbI3", 4.16), ("CsPbBr3", 4.84), ("FAPbI3", 4.10)):
        found = estimated_density(formula)
        assert "estimated" in found.source
        assert found.low_g_cm3 < known < found.high_g_cm3
        assert found.value_g_cm3 == pytest.approx(known, rel=0.03)
    assert estimated_density("(m-F-PEA)2PbI4").value_g_cm3 == pytest.approx(2.6658, rel=0.02)


def test_a_crystal_file_gives_the_density_without_its_hydrogens():
    from perospin.descriptors.structure.reading import example_structures

    path = next(path for name, path in example_structures().items() if "PEA2PbCl4" in path.name)
    found = density_from_cif("(PEA)2PbCl4", path)
    assert found.value_g_cm3 == pytest.approx(1.866, abs=2e-3)
    assert path.name in found.source
    with pytest.raises(DataError, match="is no crystal of"):
        density_from_cif("(PEA)2PbI4", path)


def test_elements_without_crystals_are_not_guessed():
    with pytest.raises(DataError, match="too few crystals"):
        density_of("(PMA)2CsAgBiBr7")


def test_formula_units_are_counted_where_the_ions_leave_no_doubt():
    # the cell of the elpasolite, 1404.93 A3, holds four formula units: 5.02 g/cm3
    found = density_of("Cs2AgBiBr6")
    assert found.value_g_cm3 == pytest.approx(5.02, abs=0.01)
    assert "4 formula units by the ions' volumes" in found.source
