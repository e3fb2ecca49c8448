"""Time the descriptors of crystal structures, and compare D and the angle measures with pyrovskite on the same files.

pyrovskite (PyPI, version 1.0.0 was used) needs ase and the whole of pymatgen; keep it out of perospin's environment:

    python -m venv /tmp/pyrovskite && /tmp/pyrovskite/bin/pip install pyrovskite
    python benchmarks/structure.py --pyrovskite /tmp/pyrovskite/bin/python [FILES...]

Without files: the examples that ship with perospin, and ideal Ruddlesden-Popper supercells of growing size. Both
programs run in their own process, read each file from disk `--repeat` times after one warm-up, and give the shortest
CPU time. pyrovskite's "delta" is the mean of ((L - Lav) / Lav)^2 (our `length_variance`) and its "sigma" the mean of
|90 - theta| over the twelve cis angles (our `sigma_deg` / 12); D and sigma^2 are worked out here, by NumPy, from the
bond lengths and cis angles that it found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from perospin.descriptors.structure import describe_structure, example_structures, read_structure

THEIRS = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
from pyrovskite.perovskite import Perovskite

def run(path):
    p = Perovskite(path, suppress_output=True)
    return p, float(p.compute_delta()), float(p.compute_sigma())

out = []
for path in sys.argv[2:]:
    try:
        run(path)
        best = float("inf")
        for _ in range(int(sys.argv[1])):
            start = time.process_time()
            p, delta, sigma = run(path)
            best = min(best, time.process_time() - start)
    except BaseException as error:
        out.append({"error": f"{type(error).__name__}: {error}"[:80]})
        continue
    lengths, cis = np.array(p.bx_distances), np.array(p.cis_angles)
    mean = lengths.mean(axis=1, keepdims=True)
    out.append({
        "seconds": best, "length_variance": delta, "sigma_deg": 12 * sigma,
        "distortion_index": float(np.mean(np.abs(lengths - mean) / mean)),
        "bond_angle_variance_deg2": float(np.mean(np.sum((cis - 90) ** 2, axis=1) / 11)),
    })
print(json.dumps(out))
"""
COMPARED = ("distortion_index", "length_variance", "bond_angle_variance_deg2", "sigma_deg")


def supercells(folder: Path) -> list[Path]:
    """Ideal n = 2 Ruddlesden-Popper crystals of 22 B-X-cage atoms, repeated."""
    from pymatgen.core import Lattice, Structure

    metals = [(0, 0, z) for z in (0, 1)] + [(0.5, 0.5, z + 3.5) for z in (0, 1)]
    sites = [("Pb", m) for m in metals]
    for x, y, z in metals:
        sites += [("I", (x + dx, y + dy, z + dz)) for dx, dy, dz in ((0.5, 0, 0), (0, 0.5, 0), (0, 0, 0.5))]
    sites += [("I", (0, 0, -0.5)), ("I", (0.5, 0.5, 3.0)), ("Cs", (0.5, 0.5, 0.5)), ("Cs", (0, 0, 4.0))]
    cell = Lattice.tetragonal(6.3, 7 * 6.3)
    unit = Structure(cell, [s for s, _ in sites], [(x, y, z / 7) for _, (x, y, z) in sites])
    paths = []
    for times in ((2, 2, 1), (4, 4, 1), (6, 6, 2)):
        path = folder / f"RP2_{'x'.join(map(str, times))}.vasp"
        (unit * times).to(str(path), fmt="poscar")
        paths.append(path)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--pyrovskite", type=Path, help="Python that has pyrovskite")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = options.files or [*example_structures().values(), *supercells(Path(folder))]
        theirs: list[dict] = [{} for _ in files]
        if options.pyrovskite:
            command = [str(options.pyrovskite), "-c", THEIRS, str(options.repeat), *map(str, files)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"pyrovskite didn't run: {done.stderr.strip().splitlines()[-1]}")
            theirs = json.loads(done.stdout.splitlines()[-1])
        describe_structure(files[0])
        print(
            f"{'file':32} {'atoms':>6} {'s':>7} {'pyrovskite s':>13} {'ratio':>6}"
            "   ours - theirs of D, Delta, sigma^2, Sigma"
        )
        times = []
        for path, other in zip(files, theirs, strict=True):
            best = float("inf")
            for _ in range(options.repeat):
                start = time.process_time()
                found = describe_structure(path)
                best = min(best, time.process_time() - start)
            times.append(best)
            line = f"{path.stem[:32]:32} {len(read_structure(path)):6} {best:7.3f}"
            if "error" in other:
                line += f"   pyrovskite: {other['error']}"
            elif other:
                differences = " ".join(f"{found.values[c] - other[c]:+.1e}" for c in COMPARED)
                line += f" {other['seconds']:13.3f} {other['seconds'] / best:6.1f}   {differences}"
            print(line)
        print(f"slowest {max(times):.3f} s, median {np.median(times):.3f} s a structure (CPU time, reading included)")


if __name__ == "__main__":
    main()
