"""The quantum engine: small molecules only, so that the whole file takes seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from perospin.descriptors.quantum import ResultCache, canonical_smiles, compute_ion, engine, get_level
from perospin.descriptors.quantum.geometry import Geometry, conformers
from perospin.errors import QuantumError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PEROSPIN_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_methylammonium_published_level_is_the_published_row(cache):
    # MAPbI3 row of 10.1039/d5sc07406a; methylammonium has one conformer, so nothing is chosen by agreement
    values = compute_ion("C[NH3+]", "published")["values"]
    assert values["homo_ev"] == pytest.approx(-21.27959, abs=0.005)
    assert values["lumo_ev"] == pytest.approx(-2.485427, abs=0.005)
    assert values["dipole_debye"] == pytest.approx(2.2855, abs=0.02)
    assert values["polarisability_bohr3"] == pytest.approx(17.068667, abs=0.03)
    assert values["molecular_radius_a"] == pytest.approx(1.4969, abs=0.002)


def test_fast_level_of_methylammonium_is_read_from_the_cache_the_second_time(cache, monkeypatch):
    first = compute_ion("C[NH3+]", "fast")
    assert first["values"]["homo_ev"] == pytest.approx(-21.28, abs=0.25)
    monkeypatch.setattr(engine, "_WORKER", ("false",))  # nothing can be computed any more
    again = compute_ion("C[NH3+]", "fast")
    assert again["values"] == first["values"]
    assert again["positions_a"] == first["positions_a"]
    assert again["conformer"] == first["conformer"]


def _rotated(geometry: Geometry, seed: int) -> Geometry:
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return Geometry(geometry.symbols, geometry.positions_a @ q + [1.0, -2.0, 0.5], geometry.charge, 0.0)


def test_descriptors_do_not_depend_on_orientation():
    from perospin.descriptors.quantum.electronic import orbital_energies_ev, response

    geometry = conformers("OCC[NH3+]", 5, 7)[0]
    turned = _rotated(geometry, 3)
    assert orbital_energies_ev(turned, "def2-svp") == pytest.approx(orbital_energies_ev(geometry, "def2-svp"), abs=1e-4)
    assert response(turned, "hf", "def2-svp")[:2] == pytest.approx(response(geometry, "hf", "def2-svp")[:2], abs=1e-3)
    assert turned.radius_a == pytest.approx(geometry.radius_a, abs=1e-9)


def _dipole_in_a_field(mean_field, method, axis, field):
    from perospin.descriptors.quantum import electronic

    molecule = mean_field.mol
    origin = electronic.centre_of_nuclear_charge_bohr(molecule)
    with molecule.with_common_orig(origin):
        position = molecule.intor_symmetric("int1e_r", comp=3)
    other = electronic._mean_field(molecule, method)
    other.conv_tol = 1e-11
    hamiltonian = mean_field.get_hcore() + field * position[axis]
    other.get_hcore = lambda *_a: hamiltonian
    other.kernel()
    return electronic._dipole_au(other, origin)[axis]


@pytest.mark.parametrize(
    ("smiles", "method"), [("NC=[NH2+]", "hf"), ("[NH4+]", "b3lyp"), ("[Cs+]", "hf"), ("N[NH3+]", "hf")]
)
def test_polarisability_is_the_slope_of_the_dipole(smiles, method):
    # an independent route to the same number: finite fields
    from perospin.descriptors.quantum import electronic

    geometry = conformers(smiles, 1, 7)[0]
    basis = {"hf": "def2-svp", "b3lyp": "6-31g*"}[method]
    _, alpha, mean_field = electronic.response(geometry, method, basis)
    field = 1e-3
    slopes = [
        (_dipole_in_a_field(mean_field, method, axis, field) - _dipole_in_a_field(mean_field, method, axis, -field))
        / (2 * field)
        for axis in range(3)
    ]
    assert alpha == pytest.approx(np.mean(slopes), rel=1e-4)


def test_dipole_of_an_ion_is_about_the_centre_of_full_nuclear_charge():
    from perospin.descriptors.quantum import electronic

    geometry = Geometry(("H", "I"), np.array([[0.0, 0, 0], [0.0, 0, 1.609]]), 0, 0.0)
    molecule = electronic._molecule(geometry, "def2-svp")
    # Z = 53 although the core potential hides 28 electrons
    expected = 53 * 1.609 / 54 / 0.529177210903
    assert electronic.centre_of_nuclear_charge_bohr(molecule)[2] == pytest.approx(expected, rel=1e-6)


def test_enantiomers_share_one_calculation():
    assert canonical_smiles("C[C@H]([NH3+])c1ccccc1") == canonical_smiles("C[C@@H]([NH3+])c1ccccc1")
    assert canonical_smiles("C[C@H]([NH3+])c1ccccc1") != canonical_smiles("CC([NH3+])c1ccccc1")


def test_conformers_are_sorted_distinct_and_seeded():
    first, again = conformers("OCC[NH3+]", 10, 7), conformers("OCC[NH3+]", 10, 7)
    energies = [g.energy_hartree for g in first]
    assert energies == sorted(energies)
    assert [g.energy_hartree for g in again] == pytest.approx(energies, abs=1e-9)


@pytest.mark.parametrize(
    ("smiles", "message"),
    [("C1CC", "can't read the SMILES"), ("[CH3]", "unpaired electrons"), ("", "empty")],
)
def test_bad_smiles_is_one_sentence(cache, smiles, message):
    with pytest.raises(QuantumError, match=message):
        compute_ion(smiles, "fast")
    assert not list(cache.rglob("*"))


def test_unknown_level_lists_the_levels():
    with pytest.raises(QuantumError, match="published, fast, neutral"):
        get_level("accurate")


def test_time_limit_is_reported(cache):
    with pytest.raises(QuantumError, match="longer than"):
        compute_ion("CCCCCCCCCCCC[NH3+]", "published", timeout_s=3)
    assert ResultCache().files() == []


def test_kill_loses_at_most_the_cation_in_progress(cache, monkeypatch):
    """`kill -9` while a list is computed: what was finished is in the cache and whole, and the run goes on."""
    script = (
        "from perospin.descriptors.quantum import compute_ion\n"
        "for s in ['[NH4+]', 'C[NH3+]', 'CCCCCCCCCC[NH3+]']:\n"
        "    compute_ion(s, 'fast'); print(s, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "[NH4+]"
    assert child.stdout.readline().strip() == "C[NH3+]"
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert ResultCache().verify() == []
    assert sorted(row["smiles"] for row in ResultCache().rows()) == ["C[NH3+]", "[NH4+]"]
    # read, not computed: without child processes there is still an answer
    monkeypatch.setattr(engine, "_WORKER", ("false",))
    compute_ion("C[NH3+]", "fast")
