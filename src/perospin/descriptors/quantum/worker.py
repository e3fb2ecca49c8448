"""One molecule in one child process: a JSON request on standard input, a JSON answer on standard output.

The child keeps aborts, leaks and threads of the quantum-chemistry libraries away from the caller, and can be
stopped when it takes too long.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
import warnings
from typing import Any

import numpy as np

from perospin.descriptors.molecules import parse_smiles
from perospin.descriptors.quantum import electronic
from perospin.descriptors.quantum.ammonium import ammonium_values
from perospin.descriptors.quantum.cache import program_versions
from perospin.descriptors.quantum.geometry import Geometry, conformers
from perospin.descriptors.quantum.levels import Level, get_level
from perospin.errors import QuantumError

_MATCH_WINDOW_A = 0.1
_MATCH_CANDIDATES = 4


def choose_conformer(found: list[Geometry], match: dict[str, float] | None) -> tuple[Geometry, str]:
    """Lowest conformer or, given published values, the one that agrees with them.

    `match` holds `radius_a`, `homo_ev` and `lumo_ev` of a published calculation. Conformers whose radius is within
    0.1 angstrom compete by HF/cc-pVTZ orbital energies on the GFN2-xTB geometry (errors weighed by the typical
    differences between the two geometries: 0.02 A, 0.08 eV, 0.04 eV).
    """
    if match is None or len(found) == 1:
        return found[0], "lowest GFN2-xTB energy"
    by_radius = sorted(found, key=lambda g: abs(g.radius_a - match["radius_a"]))[:_MATCH_CANDIDATES]
    close = [g for g in by_radius if abs(g.radius_a - match["radius_a"]) < _MATCH_WINDOW_A] or by_radius[:1]
    if len(close) == 1 or "homo_ev" not in match:
        return close[0], "published radius"

    def disagreement(geometry: Geometry) -> float:
        homo, lumo = electronic.orbital_energies_ev(geometry, "cc-pvtz")
        return (
            abs(geometry.radius_a - match["radius_a"]) / 0.02
            + abs(homo - match["homo_ev"]) / 0.08
            + abs(lumo - match["lumo_ev"]) / 0.04
        )

    return min(close, key=disagreement), "published radius and orbital energies"


def compute(smiles: str, level: Level, seed: int, match: dict[str, float] | None = None) -> dict[str, Any]:
    """Compute one ion at one level; return a JSON-ready dictionary of values, geometry and provenance."""
    began = time.perf_counter()
    found = conformers(smiles, level.n_conformers, seed)
    geometry, rule = choose_conformer(found, match)
    above = (geometry.energy_hartree - found[0].energy_hartree) * electronic.HARTREE_EV
    density = None
    if level.geometry == "b3lyp":
        geometry, density = electronic.optimise_b3lyp(geometry)
    dipole, polarisability, mean_field = electronic.response(geometry, level.response, level.response_basis, density)
    if level.thermal_dipole:
        dipole = electronic.thermal_dipole_debye(found, level.response, level.response_basis)
    values: dict[str, float] = {
        "dipole_debye": dipole,
        "polarisability_bohr3": polarisability,
        "molecular_radius_a": geometry.radius_a,
    }
    if level.orbital_basis is not None:
        homo, lumo = electronic.orbital_energies_ev(geometry, level.orbital_basis, mean_field)
        values |= {"homo_ev": homo, "lumo_ev": lumo, "gap_ev": lumo - homo}
    return {
        "smiles": smiles,
        "charge": geometry.charge,
        "level": level.name,
        "revision": level.revision,
        "values": {key: round(value, 6) for key, value in values.items()},
        "conformer": {"rule": rule, "n_found": len(found), "above_lowest_gfn2_ev": round(above, 4)},
        "symbols": list(geometry.symbols),
        "positions_a": np.round(geometry.positions_a, 5).tolist(),
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "versions": dict(program_versions()),
    }


def compute_ammonium(smiles: str, symbols: list[str], positions_a: list[list[float]]) -> dict[str, Any]:
    """Compute charge and potential of the ammonium head on a geometry; same form as `compute`.

    Raises
    ------
    QuantumError
        If the atoms are not those of the SMILES in RDKit's order.
    """
    began = time.perf_counter()
    molecule, charge = parse_smiles(smiles)
    if [atom.GetSymbol() for atom in molecule.GetAtoms()] != symbols:  # type: ignore[attr-defined]
        raise QuantumError(f"the geometry given for '{smiles}' has other atoms, or in another order")
    geometry = Geometry(tuple(symbols), np.asarray(positions_a, dtype=float), charge, 0.0)
    return {
        "smiles": smiles,
        "charge": charge,
        "values": {key: round(value, 6) for key, value in ammonium_values(smiles, geometry).items()},
        "symbols": symbols,
        "positions_a": positions_a,
        "seconds": round(time.perf_counter() - began, 1),
        "versions": dict(program_versions()),
    }


def _end_with(parent: int) -> None:
    """End this process when its parent is gone: nobody would take the answer, and the core is wanted elsewhere."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    if request.get("geometry"):
        return compute_ammonium(request["smiles"], *request["geometry"])
    return compute(request["smiles"], get_level(request["level"]), request["seed"], request.get("match"))


def main() -> int:
    """Answer the request on standard input; an error is answered as {"error": sentence}."""
    request = json.load(sys.stdin)
    threading.Thread(target=_end_with, args=(request["parent"],), daemon=True).start()
    # libraries print to standard output: keep it for the answer alone
    answer_stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            answer = _answer(request)
    except QuantumError as error:
        answer = {"error": str(error)}
    except Exception as error:  # the parent reports the reason and goes on with the next molecule
        answer = {"error": f"{type(error).__name__}: {error}"}
    json.dump(answer, answer_stream)
    answer_stream.flush()
    # skip interpreter shutdown: tblite's finaliser writes noise there
    os._exit(0)


if __name__ == "__main__":
    main()
