from __future__ import annotations

import pytest

from perospin.errors import DataError
from perospin.mechanisms import PRESET_NAMES, QUANTITIES, preset


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_every_value_has_a_source_and_a_place(name: str):
    for key, value in preset(name).values.items():
        assert key == value.name
        assert key in QUANTITIES
        assert value.doi.startswith("10.")
        assert value.located_in
        assert QUANTITIES[key].allows(value.value, value.value)


def test_values_of_records():
    mapi = preset("MAPbI3").values
    assert mapi["rashba_ev_a"].value == 2.0
    assert mapi["rashba_ev_a"].doi == "10.48550/arXiv.1907.06689"
    assert mapi["exciton_binding_energy_mev"].value == 16.0
    assert mapi["exciton_binding_energy_mev"].uncertainty == 2.0
    assert mapi["mass_m0"].theory
    assert preset("(PEA)2PbI4").values["rashba_ev_a"].value == 1.6


def test_the_nanocrystal_gives_the_published_curves():
    nanocrystal = preset("CsPbI3 nanocrystal")
    assert 1e-6 / nanocrystal.rate("activation", temperature_k=8.0) == pytest.approx(5.153173, rel=1e-6)
    assert 1e-9 / nanocrystal.rate("nuclear_fluctuations", field_t=0.03, form="paper") == pytest.approx(
        0.2553191, rel=1e-6
    )
    assert nanocrystal.rate("larmor_frequency", field_t=0.1) == pytest.approx(2.351369, rel=1e-6)
    assert nanocrystal.rate("rashba_coefficient") == pytest.approx(2.883506, rel=1e-6)


def test_what_is_missing_stays_missing():
    assert preset("MAPbI3").missing("bir_aronov_pikus") == ["temperature_k", "density_cm3", "exchange_splitting_mev"]
    with pytest.raises(DataError, match="no sourced value of momentum_scattering_time_ps for MAPbI3: give it"):
        preset("MAPbI3").rate("dyakonov_perel", temperature_k=300.0)
    with pytest.raises(DataError, match="no sourced value of size_nm, effective_permittivity"):
        preset("CsPbI3 nanocrystal").rate("raman", temperature_k=10.0, rashba_coefficient_a2=2.88)


def test_unknown_names():
    with pytest.raises(DataError, match="no preset 'FAPbI4'; there are: MAPbI3"):
        preset("FAPbI4")
    with pytest.raises(DataError, match="has no argument field_t"):
        preset("MAPbI3").rate("elliott_yafet", field_t=1.0)
