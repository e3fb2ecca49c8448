"""Relaxing with small analytic potentials: where energy, forces and stress are known, so is the crystal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from rdkit import Chem
from rdkit.Chem import AllChem

from descriptors.structure.crystals import B_B_A, slab_crystal
from perospin.descriptors.structure.relaxing import (
    Limits,
    Outcome,
    Point,
    crystal_files,
    engine_errors,
    intervals,
    open_engine,
    rank_starts,
    read_outcome,
    relax,
    relax_files,
    trust_known,
)  # fmt: skip
from perospin.descriptors.structure.relaxing import engines as engines_module
from perospin.descriptors.structure.relaxing.engines import D3
from perospin.errors import LONGEST, DataError, MissingExtraError, PerospinError, StructureError

ase = pytest.importorskip("ase", reason="the extra relax isn't installed")
from ase.build import bulk  # noqa: E402
from ase.calculators.calculator import Calculator, all_changes  # noqa: E402
from ase.calculators.lj import LennardJones  # noqa: E402

EDGE_A = 5.26


def gas() -> Any:
    """A Lennard-Jones rare gas; smooth at its cut, so that forces are those of the energy."""
    return LennardJones(sigma=3.4, epsilon=0.0104, rc=9.0, ro=7.0, smooth=True)


def gas_crystal(edge_a: float = EDGE_A, rattled_a: float = 0.0) -> Structure:
    crystal = Structure(Lattice.cubic(edge_a), ["Kr"] * 4, [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    rng = np.random.default_rng(0)
    for k, shift in enumerate(rng.normal(0.0, rattled_a, (4, 3))):
        crystal.translate_sites([k], shift, frac_coords=False)
    return crystal


def best_edge_a() -> float:
    """Edge of the cubic crystal by a scan of the energy alone, without forces or stress."""
    from scipy.optimize import minimize_scalar

    def energy(edge: float) -> float:
        atoms = bulk("Kr", "fcc", a=edge, cubic=True)
        atoms.calc = gas()
        return float(atoms.get_potential_energy())

    return float(minimize_scalar(energy, bounds=(4.8, 5.8), method="bounded", options={"xatol": 1e-6}).x)


class Still(Calculator):
    """No forces and no stress anywhere; the energy is a number of electronvolts for each angstrom cubed."""

    implemented_properties = ("energy", "forces", "stress")

    def calculate(self, atoms: Any = None, properties: Sequence[str] = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        volume = self.atoms.get_volume()
        self.results = {"energy": 0.01 * volume, "forces": np.zeros((len(self.atoms), 3)), "stress": np.zeros(6)}


class Wild(Still):
    """Forces that grow with each call."""

    calls = 0

    def calculate(self, atoms: Any = None, properties: Sequence[str] = (), system_changes: Any = all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        self.results["forces"] = np.full((len(self.atoms), 3), 10.0**self.calls) * [1, -1, 1]


TIGHT = Limits(force_ev_a=1e-4, stress_gpa=2e-4, steps=200)


@pytest.mark.parametrize("edge_a", [4.9, 5.8])
def test_a_crystal_finds_the_lowest_energy_of_its_cell(edge_a: float) -> None:
    found = relax(gas_crystal(edge_a, rattled_a=0.1), gas(), dispersion=False, limits=TIGHT)
    assert found.converged
    assert found.force_ev_a < TIGHT.force_ev_a
    assert found.stress_gpa < TIGHT.stress_gpa
    assert np.allclose(found.structure.lattice.abc, best_edge_a(), atol=2e-3)
    assert np.allclose(found.structure.lattice.angles, 90.0, atol=0.05)
    assert found.dispersion == "none"


def test_stress_is_a_criterion_of_its_own() -> None:
    # at their places of symmetry no atom feels a force, however wrong the cell
    pressed = relax(gas_crystal(5.0), gas(), dispersion=False, limits=Limits(stress_gpa=0.002))
    assert abs(pressed.structure.lattice.a - best_edge_a()) < 5e-3
    assert pressed.steps > 0
    cut_short = relax(gas_crystal(5.0), gas(), dispersion=False, limits=Limits(steps=1, stress_gpa=0.002))
    assert not cut_short.converged


def test_dispersion_is_added_once() -> None:
    d3 = pytest.importorskip("dftd3.ase", reason="the extra relax isn't installed")
    atoms = bulk("Kr", "fcc", a=EDGE_A, cubic=True)
    energies = []
    for calculator in (gas(), d3.DFTD3(method="PBE", damping="d3bj"), open_engine(gas()).calculator):
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
    assert energies[2] == pytest.approx(energies[0] + energies[1], abs=1e-9)
    assert energies[1] < 0.0


def write_gas(folder: Path, name: str = "gas", edge_a: float = 5.6) -> Path:
    path = folder / f"{name}.vasp"
    gas_crystal(edge_a, rattled_a=0.1).to(filename=str(path), fmt="poscar")
    return path


def test_an_interrupted_relaxation_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path, out = write_gas(tmp_path), tmp_path / "out"
    stopped_at = 8

    def stop(_what: str, done: int, _in_all: int) -> None:
        if done == stopped_at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        relax_files([path], out, gas(), dispersion=False, limits=TIGHT, progress=stop)
    kept = json.loads((out / "gas-under-way.json").read_text())
    assert kept["point"]["steps"] == stopped_at
    steps: list[int] = []
    [outcome] = relax_files(
        [path], out, gas(), dispersion=False, limits=TIGHT, progress=lambda _w, done, _n: steps.append(done)
    )
    assert min(steps) >= stopped_at
    assert outcome.values["converged"]
    assert sorted(p.name for p in out.iterdir()) == ["gas-relaxed.cif", "gas-relaxed.json"]
    whole = relax(gas_crystal(5.6, rattled_a=0.1), gas(), dispersion=False, limits=TIGHT)
    assert outcome.values["energy_ev"] == pytest.approx(whole.energy_ev, abs=1e-5)

    def never(*_: object) -> None:
        raise AssertionError("it was done already")

    again = relax_files([path], out, gas(), dispersion=False, limits=TIGHT, progress=never)
    assert again[0].values == outcome.values
    # other limits are another result
    assert relax_files([path], out, gas(), dispersion=False)[0].values["limits"]["steps"] == Limits().steps


def test_more_steps_go_on_from_a_relaxation_that_ran_out_of_them(tmp_path: Path) -> None:
    path, out = write_gas(tmp_path), tmp_path / "out"
    few, more = Limits(1e-4, 1e-3, 6), Limits(1e-4, 1e-3, 200)
    [short] = relax_files([path], out, gas(), dispersion=False, limits=few)
    assert not short.values["converged"]
    assert rank_starts([short])["rank"].isna().all()
    steps: list[int] = []
    [done] = relax_files([path], out, gas(), dispersion=False, limits=more, progress=lambda _w, k, _n: steps.append(k))
    assert min(steps) >= short.values["steps"]
    assert done.values["converged"]
    assert not list(out.glob("*under-way*"))


def test_what_is_kept_of_another_file_is_not_gone_on_with(tmp_path: Path) -> None:
    path = write_gas(tmp_path)
    point = Point([[9.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0]], [[0.0, 0, 0]] * 4, 150, 1.0, True)
    (tmp_path / "out").mkdir()
    for text in (json.dumps({"key": "0" * 64, "point": vars(point)}), "{", "[]", '{"key": 1}'):
        (tmp_path / "out" / "gas-under-way.json").write_text(text)
        [outcome] = relax_files([path], tmp_path / "out", gas(), dispersion=False)
        assert outcome.values["converged"]
        (tmp_path / "out" / "gas-relaxed.json").unlink()


def test_files_side_by_side_are_as_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines_module, "_named", lambda text: (text, "1", gas()))
    folder = tmp_path / "starts"
    folder.mkdir()
    paths = [write_gas(folder, name, edge) for name, edge in (("a", 5.0), ("b", 5.6))]
    (folder / "c.cif").write_text("no crystal")
    alone = relax_files([*paths, folder / "c.cif"], tmp_path / "alone", "lj", dispersion=False)
    with ThreadPoolExecutor(1) as pool:
        shared = relax_files([folder], tmp_path / "shared", "lj", dispersion=False, executor=pool)
    assert [o.values.get("energy_ev") for o in alone] == [o.values.get("energy_ev") for o in shared]
    assert [bool(o.reason) for o in shared] == [False, False, True]
    with ThreadPoolExecutor(1) as pool, pytest.raises(StructureError, match="name an engine"):
        relax_files(paths, tmp_path / "own", gas(), executor=pool)


def test_a_written_result_is_read_again(tmp_path: Path) -> None:
    [outcome] = relax_files([write_gas(tmp_path)], tmp_path / "out", gas(), dispersion=False, limits=TIGHT)
    assert read_outcome(tmp_path / "out" / "gas-relaxed.json").values == outcome.values
    assert outcome.values["engine"] == "LennardJones"
    assert outcome.structure().lattice.volume == pytest.approx(best_edge_a() ** 3, rel=2e-3)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(PerospinError, match="no result"):
        read_outcome(tmp_path / "other.json")


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("gfn1", "halogen-bond"),
        ("GFN1-xTB", "halogen-bond"),
        ("chgnet", "no engine"),
        ("nequix", "needs its weights"),
        ("nequix:nowhere.nqx", "no weights"),
        (f"nequix:{__file__}", "isn't of the kind .nqx"),
        (3.0, "no engine"),
        (type("Forceless", (Still,), {"implemented_properties": ("energy",)})(), "no forces and no stress"),
    ],
)  # fmt: skip
def test_engines_that_are_refused(engine: Any, words: str) -> None:
    with pytest.raises(StructureError, match=words) as caught:
        open_engine(engine)
    assert len(str(caught.value)) <= LONGEST


@pytest.mark.parametrize(("missing", "engine"), [("ase", "sevennet"), ("sevenn", "sevennet"), ("torch", "sevennet"),
                                                 ("dftd3.ase", None)])  # fmt: skip
def test_a_missing_package_is_named(missing: str, engine: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, missing, None)
    with pytest.raises(MissingExtraError, match="pip install"):
        open_engine(engine or gas())


def test_explosions_are_one_sentence() -> None:
    with pytest.raises(StructureError, match="forces explode"):
        relax(gas_crystal(), Wild(), dispersion=False)
    with pytest.raises(StructureError, match="nearer than"):
        relax(gas_crystal(rattled_a=0.0).copy().append("Kr", [0, 0, 0.01]), gas(), dispersion=False)
    with pytest.raises(StructureError, match="cell explodes"):
        relax(gas_crystal(3.4), gas(), dispersion=False)


def test_what_a_file_must_hold(tmp_path: Path) -> None:
    with pytest.raises(StructureError, match="no file"):
        crystal_files([tmp_path / "nothing.cif"])
    with pytest.raises(StructureError, match="holds no crystal"):
        crystal_files([tmp_path])
    for name in ("a.vasp", "a.cif", "a-relaxed.cif"):
        write_gas(tmp_path).rename(tmp_path / name)
    assert [p.name for p in crystal_files([tmp_path])] == ["a.vasp"]
    with pytest.raises(StructureError, match="rename one"):
        crystal_files([tmp_path / "a.vasp", tmp_path / "a.cif"])
    half = gas_crystal()
    half[0] = {"Kr": 0.5}
    with pytest.raises(StructureError, match="partial occupancies"):
        relax(half, gas(), dispersion=False)


def layered(gap_a: float) -> Structure:
    """Ideal sheets of PbI4 with two ethylammonium ions in the gap, as long as they are stretched."""
    crystal = slab_crystal(1, (0.0, 0.0), gap_a=gap_a, slabs=1, spacer=False)
    molecule = Chem.AddHs(Chem.MolFromSmiles("CC[NH3+]"))
    assert AllChem.EmbedMolecule(molecule, randomSeed=7) == 0
    xyz = molecule.GetConformer().GetPositions()
    middle = crystal.lattice.matrix.sum(axis=0) / 2
    for shift in ([0.0, 0.0, 0.0], [B_B_A / 2, B_B_A / 2, 0.0]):
        for atom, place in zip(molecule.GetAtoms(), xyz - xyz.mean(axis=0) + middle + shift, strict=True):
            crystal.append(atom.GetSymbol(), place, coords_are_cartesian=True)
    return crystal


@pytest.fixture
def built() -> list[Structure]:
    """Crystals of (EA)2PbI4, 27 atoms each, which differ in spacing."""
    return [layered(gap_a) for gap_a in (9.05, 9.0, 9.5)]


def test_missing_hydrogens_are_refused(built: list[Structure]) -> None:
    bare = built[0].copy()
    bare.remove_species(["H"])
    with pytest.raises(StructureError, match="hydrogens are missing"):
        relax(bare, Still(), dispersion=False)
    amine = built[0].copy()
    nitrogens = [site for site in amine if site.specie.symbol == "N"]
    one_each = {min(amine.get_neighbors(n, 1.3), key=lambda s: s.nn_distance).index for n in nitrogens}
    amine.remove_sites(sorted(one_each))
    with pytest.raises(StructureError, match="hydrogens are missing"):
        relax(amine, Still(), dispersion=False)


def test_starts_are_ranked_by_energy_per_spacer(built: list[Structure], tmp_path: Path) -> None:
    from perospin.descriptors.structure import describe_structure

    for k, structure in enumerate([*built, built[0]]):
        structure.to(filename=str(tmp_path / f"{k}.vasp"), fmt="poscar")
    # 0.01 eV a cubic angstrom: the densest start is the lowest, the last file is the first again
    outcomes = relax_files([tmp_path], tmp_path / "out", Still(), dispersion=False)
    lost = Outcome("lost.cif", None, {}, "it exploded")
    ranked = rank_starts([*outcomes, lost])
    assert set(ranked["material"]) == {"(EA)2PbI4", ""}
    assert ranked["file"].iloc[-1] == "lost.cif"
    assert ranked["remark"].iloc[-1] == "it exploded"

    per_spacer = [10.0 * s.volume / (2 * s.composition["Pb"]) for s in [*built, built[0]]]  # meV
    above = dict(zip(ranked["file"], ranked["energy_above_lowest_mev"], strict=True))
    for k, energy in enumerate(per_spacer):
        assert above[f"{k}.vasp"] == pytest.approx(energy - min(per_spacer), abs=0.05)
    assert ranked["rank"].iloc[:-1].tolist() == [1, 2, 3, 4]
    assert ranked.set_index("file").loc["3.vasp", "same_as"] == "0.vasp"
    assert (ranked.set_index("file").loc[["0.vasp", "1.vasp", "2.vasp"], "same_as"] == "").all()

    inside = [k for k, energy in enumerate(per_spacer) if energy - min(per_spacer) <= 50.0]
    spacings = [describe_structure(s).values["layer_spacing_a"] for s in [*built, built[0]]]
    found = intervals(ranked, "(EA)2PbI4")["layer_spacing_a"]
    assert found.n_starts == len(inside)
    assert found.value == pytest.approx(spacings[int(np.argmin(per_spacer))], abs=1e-4)
    if len(inside) > 1:
        assert found.low == pytest.approx(min(spacings[k] for k in inside), abs=1e-4)
        assert found.high == pytest.approx(max(spacings[k] for k in inside), abs=1e-4)
    alone = ranked[ranked["rank"] == 1]
    assert np.isnan(intervals(alone, "(EA)2PbI4")["layer_spacing_a"].low)
    with pytest.raises(DataError, match="no start"):
        intervals(ranked, "(BA)2PbI4")


def test_the_command_ranks_a_folder(built: list[Structure], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from perospin.cli.main import app

    monkeypatch.setattr(engines_module, "_named", lambda text: (text, "1", Still()))
    monkeypatch.setenv("COLUMNS", "120")
    folder = tmp_path / "starts"
    folder.mkdir()
    for k, structure in enumerate(built):
        structure.to(filename=str(folder / f"{k}.vasp"), fmt="poscar")
    (folder / "broken.cif").write_text("data_x\n")
    told = CliRunner().invoke(
        app, ["crystal", "relax", str(folder), "-e", "still", "-o", str(tmp_path / "out"), "--no-dispersion"]
    )
    assert told.exit_code == 0, told.output
    assert "3 of 4 crystals relaxed with still" in told.output
    assert "(EA)2PbI4: 3 starts" in told.output
    assert "failed: broken.cif" in told.output
    assert "no crystal is known" in told.output
    assert (tmp_path / "out" / "relaxed.csv").is_file()
    assert (tmp_path / "out" / "candidates-EA2PbI4.png").stat().st_size > 5000


def test_the_table_of_trust_says_what_it_holds() -> None:
    known = trust_known()
    assert len(known) >= 8
    off = 100 * (known["layer_spacing_a_relaxed"] / known["layer_spacing_a"] - 1)
    assert np.allclose(off, known["spacing_error_percent"], atol=0.01)
    fresh = known[known["used_before"].isna() & known["converged"] & (known["engine"] == "SevenNet-0")]
    error = engine_errors("SevenNet-0", f"{D3}, dftd3 0.0")["layer_spacing_a"]
    assert error.n_crystals == len(fresh)
    assert error.rms >= abs(error.mean)
    assert abs(error.largest) == pytest.approx(np.abs(fresh["spacing_error_percent"]).max())
    assert engine_errors("another", D3) == {}
    assert engine_errors("SevenNet-0", "none") == {}
