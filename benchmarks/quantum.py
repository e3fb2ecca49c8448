"""Time the levels of theory side by side, against the plain recipe, and two workers against one.

1. `fast` over a list of cations with one worker, then with two: seconds a cation, and the efficiency of the second.
2. `published` over the same list (lowest GFN2-xTB conformer, like `fast`): ratio of the times, agreement of the values.
   The agreement also counts the shipped tables where both levels took the lowest conformer.
3. The plain recipe for some of them: lowest conformer of RDKit's ETKDG and MMFF94, geomeTRIC at B3LYP/6-31G* with its
   own criteria and coordinates, PySCF's polarisability, HF/cc-pVTZ from scratch. Functional, density fitting and grid
   are those of `published`, so only the recipe differs; --exact takes exact integrals and PySCF's own grid instead,
   as a newcomer's script would. Also timed: the plain recipe stopped where `published` stops (gradient alone).

    python benchmarks/quantum.py            # three cations: a minute on a quiet machine
    python benchmarks/quantum.py --full     # thirteen of 1 to 9 heavy atoms: some ten minutes on two quiet cores

Times are processor seconds of one thread, so two calculations may run side by side; only the efficiency is by the
clock and wants a quiet machine. Needs the extra `quantum`, and geometric and pyscf-properties for the plain recipe.
Everything computed is kept in --work as it comes, and the same command goes on from there.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from perospin.chemistry import IonLibrary
from perospin.descriptors import shipped_table
from perospin.descriptors.quantum import Request, ResultCache, compute_all
from perospin.descriptors.quantum.engine import DEFAULT_SEED

QUICK = {"NH4": "[NH4+]", "MA": "C[NH3+]", "FA": "NC=[NH2+]"}
FULL = {
    **QUICK,
    "EA": "CC[NH3+]",
    "DMA": "C[NH2+]C",
    "GUA": "NC(N)=[NH2+]",
    "EOA": "OCC[NH3+]",
    "PA": "CCC[NH3+]",
    "BA": "CCCC[NH3+]",
    "IM": "c1c[nH+]c[nH]1",
    "PhA": "[NH3+]c1ccccc1",
    "PMA": "[NH3+]Cc1ccccc1",
    "4F-PMA": "[NH3+]Cc1ccc(F)cc1",
}
PLAIN_QUICK, PLAIN_FULL = ("MA",), ("MA", "FA", "EA", "EOA", "BA")
COMPARED = ("homo_ev", "lumo_ev", "dipole_debye", "polarisability_bohr3")


def plain(smiles: str, exact: bool) -> dict[str, Any]:
    """Compute one cation by the plain recipe; values, seconds, and seconds until only the gradient had converged."""
    from pyscf.geomopt.geometric_solver import optimize
    from pyscf.prop.polarizability.rhf import Polarizability
    from rdkit.Chem import AllChem

    from perospin.descriptors.molecules import parse_smiles
    from perospin.descriptors.quantum import electronic
    from perospin.descriptors.quantum.geometry import BOHR_A, Geometry

    def mean_field(geometry: Geometry, method: str, basis: str) -> Any:
        found = electronic._mean_field(electronic._molecule(geometry, basis), method)
        if exact:
            found = found.undo_df()
            if method != "hf":
                found.grids.level = 3
        return found

    began = time.process_time()
    molecule: Any
    molecule, charge = parse_smiles(smiles)
    parameters = AllChem.ETKDGv3()
    parameters.randomSeed = DEFAULT_SEED
    AllChem.EmbedMultipleConfs(molecule, 50, parameters)
    if AllChem.MMFFHasAllMoleculeParams(molecule):
        energies = [energy for _, energy in AllChem.MMFFOptimizeMoleculeConfs(molecule, maxIters=500)]
        lowest = molecule.GetConformer(int(np.argmin(energies)))
    else:
        lowest = molecule.GetConformer(0)
    symbols = tuple(atom.GetSymbol() for atom in molecule.GetAtoms())
    start = Geometry(symbols, np.asarray(lowest.GetPositions()), charge, 0.0)

    gradients: list[tuple[float, float, float]] = []

    def note(state: dict[str, Any]) -> None:
        flat = np.asarray(state["gradients"]).ravel()
        gradients.append((time.process_time(), float(np.abs(flat).max()), float(np.sqrt(np.mean(flat**2)))))

    optimising = mean_field(start, "b3lyp", "6-31g*")
    relaxed = optimize(optimising, callback=note, maxsteps=100)
    ended = time.process_time()
    enough = next(t for t, largest, rms in gradients if largest < 4.5e-4 and rms < 3e-4)
    geometry = Geometry(symbols, relaxed.atom_coords() * BOHR_A, charge, 0.0)
    response = electronic._converge(mean_field(geometry, "b3lyp", "6-31g*"))
    origin = electronic.centre_of_nuclear_charge_bohr(response.mol)
    alpha = np.trace(Polarizability(response).polarizability()) / 3
    orbitals = electronic._converge(mean_field(geometry, "hf", "cc-pvtz"))
    occupied = orbitals.mol.nelectron // 2
    total = time.process_time() - began
    return {
        "homo_ev": float(orbitals.mo_energy[occupied - 1] * electronic.HARTREE_EV),
        "lumo_ev": float(orbitals.mo_energy[occupied] * electronic.HARTREE_EV),
        "dipole_debye": float(np.linalg.norm(electronic._dipole_au(response, origin)) * electronic.DEBYE_PER_E_BOHR),
        "polarisability_bohr3": float(alpha),
        "molecular_radius_a": geometry.radius_a,
        "n_gradients": len(gradients),
        "seconds": total,
        "seconds_gradient_only": total - (ended - enough),
    }


def efficiency(requests: list[Request], work: Path) -> dict[str, float]:
    """Seconds of the list with one worker and with two, on the clock; kept once measured."""
    kept = work / "workers.json"
    if kept.is_file():
        return dict(json.loads(kept.read_text()))
    seconds = {}
    for n in (1, 2):
        shutil.rmtree(work / f"fast-{n}", ignore_errors=True)  # half a measurement is none
        began = time.perf_counter()
        batch = compute_all(requests, workers=n, cache=ResultCache(work / f"fast-{n}"), on_result=say)
        seconds[str(n)] = time.perf_counter() - began
        if batch.failures:
            sys.exit(f"failed: {batch.failures}")
    kept.write_text(json.dumps(seconds))
    return seconds


def say(request: Request, reason: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {request.level} {request.smiles} {reason}", file=sys.stderr, flush=True)


def one(recipe: str, smiles: str) -> dict[str, Any]:
    """Compute one cation by one recipe in this process; values and processor seconds, imports left out."""
    from perospin.descriptors.quantum import worker
    from perospin.descriptors.quantum.levels import LEVELS

    for module in ("pyscf.scf", "pyscf.dft", "pyscf.df.grad", "rdkit.Chem.AllChem", "tblite.interface"):
        importlib.import_module(module)
    if recipe not in LEVELS:
        return plain(smiles, exact=recipe == "exact")
    began = time.process_time()
    answer = worker.compute(smiles, LEVELS[recipe], DEFAULT_SEED)
    return answer["values"] | {"seconds": time.process_time() - began}


def in_child(job: tuple[str, str, str], work: Path) -> dict[str, Any]:
    """Do `one` in a child process, unless it was done before."""
    recipe, name, smiles = job
    kept = work / f"{recipe}-{name}.json"
    if not kept.is_file():
        done = subprocess.run(
            [sys.executable, __file__, "--one", recipe, smiles],
            capture_output=True,
            text=True,
            check=False,
            cwd=work,
            env=dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"),
        )
        if done.returncode:
            sys.exit(f"{recipe} failed on {name}:\n{done.stderr[-2000:]}")
        kept.write_text(done.stdout.splitlines()[-1])
        print(f"  {time.strftime('%H:%M:%S')} {recipe} {name}", file=sys.stderr, flush=True)
    return dict(json.loads(kept.read_text()))


def agreement(values: pd.DataFrame) -> str:
    """One line on a table with columns `fast X` and `published X`."""
    gaps = (values["fast homo_ev"] - values["published homo_ev"]).abs()
    ranks = ", ".join(f"{c} {spearmanr(values[f'fast {c}'], values[f'published {c}'])[0]:.3f}" for c in COMPARED)
    return f"{len(values)} cations: |HOMO difference| median {gaps.median():.3f} eV; Spearman {ranks}"


def shipped_pairs(*, lowest_only: bool) -> pd.DataFrame:
    """Shipped values of both levels, molecular cations."""
    tables = {level: shipped_table(level) for level in ("fast", "published")}
    both = [s for s in tables["published"].index if s in tables["fast"].index]
    both = [s for s in both if not IonLibrary.default().get(s).is_monatomic]
    if lowest_only:
        both = [s for s in both if all(t.loc[s, "conformer"].startswith("lowest") for t in tables.values())]
    return pd.DataFrame({f"{level} {c}": t.loc[both, c] for level, t in tables.items() for c in COMPARED})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="thirteen cations instead of three")
    parser.add_argument("--cations", help="names of some of the thirteen, with commas between them")
    parser.add_argument("--plain-for", help="names for which the plain recipe is run, too ('' for none)")
    parser.add_argument("--exact", action="store_true", help="plain recipe with exact integrals and PySCF's own grid")
    parser.add_argument("--work", type=Path, default=Path("benchmark-quantum"), help="folder of what is computed")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(*options.one)))
        return
    names = options.cations.split(",") if options.cations else list(FULL if options.full else QUICK)
    default_plain = PLAIN_FULL if options.full else PLAIN_QUICK
    plain_names = [n for n in (default_plain if options.plain_for is None else options.plain_for.split(",")) if n]
    smiles = {name: FULL[name] for name in dict.fromkeys([*names, *plain_names])}
    work: Path = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)

    clock = efficiency([Request.ion(s, "fast") for s in smiles.values()], work)
    recipe = "exact" if options.exact else "plain"
    jobs = [(level, name, s) for level in ("fast", "published") for name, s in smiles.items()]
    jobs += [(recipe, name, smiles[name]) for name in plain_names]
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda job: in_child(job, work), jobs)
        found = {job[:2]: result for job, result in zip(jobs, results, strict=True)}

    rows = []
    for name in smiles:
        fast, published = found["fast", name], found["published", name]
        row: dict[str, Any] = {"cation": name, "fast s": fast["seconds"], "published s": published["seconds"]}
        row["ratio"] = published["seconds"] / fast["seconds"]
        row |= {f"fast {c}": fast[c] for c in COMPARED} | {f"published {c}": published[c] for c in COMPARED}
        rows.append(row)
    frame = pd.DataFrame(rows).set_index("cation")
    print(frame[["fast s", "published s", "ratio"]].to_string(float_format="%.1f"))
    totals = frame[["fast s", "published s"]].sum()
    print(f"fast : published, all together: {totals.iloc[1] / totals.iloc[0]:.1f}x (target >= 5x)")
    print(f"agreement in this run (same conformers), {agreement(frame)}")
    pooled = pd.concat([frame, shipped_pairs(lowest_only=True).drop(index=frame.index, errors="ignore")])
    print(f"agreement with the shipped lowest conformers, {agreement(pooled)} (targets: < 0.1 eV, >= 0.98)")
    print(f"agreement of the shipped tables (conformers may differ), {agreement(shipped_pairs(lowest_only=False))}")
    print(
        f"workers: {clock['1']:.1f} s with one, {clock['2']:.1f} s with two, efficiency "
        f"{clock['1'] / (2 * clock['2']):.2f} (target >= 0.85)"
    )
    if not plain_names:
        return
    print("plain recipe" + (" with exact integrals" if options.exact else "") + " against published:")
    for name in plain_names:
        theirs, ours = found[recipe, name], found["published", name]
        gaps = ", ".join(f"{c} {theirs[c] - ours[c]:+.4f}" for c in (*COMPARED, "molecular_radius_a"))
        print(
            f"  {name}: {theirs['seconds']:.1f} s ({theirs['n_gradients']} gradients; stopped on the gradient "
            f"{theirs['seconds_gradient_only']:.1f} s) against {ours['seconds']:.1f} s = "
            f"{theirs['seconds'] / ours['seconds']:.1f}x; differences {gaps}"
        )
    ours_s = sum(found["published", name]["seconds"] for name in plain_names)
    sums = [sum(found[recipe, n][key] for n in plain_names) / ours_s for key in ("seconds", "seconds_gradient_only")]
    print(f"  all together: {sums[0]:.1f}x (target >= 2x), {sums[1]:.1f}x if the plain one stopped on the gradient")


if __name__ == "__main__":
    main()
