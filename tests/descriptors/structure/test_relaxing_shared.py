"""Relaxing with an engine from a file of the user's, side by side on processes and on a Dask cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymatgen.core import Lattice, Structure
from typer.testing import CliRunner

from dask_workers import two_workers
from perospin.cli.main import app
from perospin.descriptors.structure.relaxing import Limits, open_engine, relax_files
from perospin.errors import StructureError
from perospin.studies.running.shared import sharing

pytest.importorskip("ase", reason="the extra relax isn't installed")

ENGINE = """
from ase.calculators.lj import LennardJones

def krypton():
    return LennardJones(sigma=3.4, epsilon=0.0104, rc=9.0, ro=7.0, smooth=True)

def number():
    return 7

def broken():
    raise RuntimeError("no weights here")
"""


@pytest.fixture
def engine(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(ENGINE)
    return f"{path}:krypton"


@pytest.fixture
def crystals(tmp_path: Path) -> Path:
    folder = tmp_path / "crystals"
    folder.mkdir()
    for edge_a in (4.9, 5.1, 5.3, 5.5):
        places = [[0, 0, 0.02], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
        crystal = Structure(Lattice.cubic(edge_a), ["Kr"] * 4, places)
        crystal.to(filename=str(folder / f"e{edge_a:.1f}.vasp"), fmt="poscar")
    return folder


def test_a_file_of_the_users_is_an_engine(engine: str, tmp_path: Path) -> None:
    opened = open_engine(engine, dispersion=False)
    assert opened.name == "mine.py:krypton"
    assert opened.version.startswith("sha256 ")
    with pytest.raises(StructureError, match=r"no file .*other\.py"):
        open_engine(f"{tmp_path / 'other.py'}:krypton")
    with pytest.raises(StructureError, match="no calculator 'broken': RuntimeError: no weights here"):
        open_engine(engine.replace("krypton", "broken"))
    with pytest.raises(StructureError, match="no calculator 'xenon'"):
        open_engine(engine.replace("krypton", "xenon"))
    with pytest.raises(StructureError, match="int is no engine"):
        open_engine(engine.replace("krypton", "number"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_processes_and_a_cluster_that_loses_a_worker_give_the_same(engine: str, crystals: Path, tmp_path: Path) -> None:
    limits = Limits(1e-3, 1e-3, 200)
    alone = relax_files([crystals], tmp_path / "alone", engine, dispersion=False, limits=limits)
    assert all(outcome.values["converged"] for outcome in alone)
    energies = [outcome.values["energy_ev"] for outcome in alone]
    with sharing(2, None) as pool:
        processes = relax_files(
            [crystals], tmp_path / "processes", engine, dispersion=False, limits=limits, executor=pool
        )
    assert [outcome.values["energy_ev"] for outcome in processes] == energies
    with two_workers() as cluster, sharing(1, cluster.address) as client:
        shared = relax_files(
            [crystals],
            tmp_path / "cluster",
            engine,
            dispersion=False,
            limits=limits,
            executor=client,
            on_result=lambda _: cluster.lose_one(),
        )
    assert cluster.lost
    assert [outcome.values["energy_ev"] for outcome in shared] == energies


def test_the_command_takes_the_users_engine(engine: str, crystals: Path, tmp_path: Path) -> None:
    options = ["--engine", engine, "--no-dispersion", "--workers", "2", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["crystal", "relax", str(crystals), *options])
    assert done.exit_code == 0, done.output
    assert "4 of 4 crystals relaxed with mine.py:krypton" in done.output
    assert "isn't known here" in done.output
