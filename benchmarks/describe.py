"""Candidates by the million: materials a second and peak memory of the columnar path, and its ratio to row by row.

    python benchmarks/describe.py [--millions 1 2 4] [--rows 2000]

Each size runs in a process of its own, so that its peak memory is its own. On a busy machine wall time says little:
the rate per processor second (all threads) stands beside it. The last lines compare the values of a random sample with
`describe`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from perospin.descriptors import CandidateGrid, describe, describe_blocks, known_cations, write_candidates
from perospin.descriptors.candidates.grid import BLOCK_SIZE


def grid() -> CandidateGrid:
    """Every known spacer, seven cages, three metals, 100 iodide-bromide mixtures, n = 1 to 30."""
    mixtures = [{"I": round(1 - i / 100, 2), "Br": round(i / 100, 2)} for i in range(1, 100)]
    return CandidateGrid(
        spacers=[ion.symbol for ion in known_cations("fast", "spacer")],
        a_site=["MA", "FA", "Cs", "Rb", "GUA", {"FA": 0.9, "Cs": 0.1}, {"MA": 0.5, "FA": 0.5}],
        metals=["Pb", "Sn", "Ge"],
        halides=["I", *mixtures],
        n_layers=range(1, 31),
        three_dimensional=True,
    )


def first(n: int) -> Iterator[pd.DataFrame]:
    """Blocks of the first n materials."""
    for start, block in zip(range(0, n, BLOCK_SIZE), grid().blocks(), strict=False):
        yield block.iloc[: n - start]


def child(n: int, mode: str) -> dict[str, float]:
    """Describe n materials; return seconds and the peak memory of this process (MB)."""
    for _ in describe_blocks({"spacer": ["PEA"], "metal": ["Pb"], "halide": ["I"], "n_layers": [1]}):
        pass  # libraries are loaded, tables read
    before, used, done = time.perf_counter(), time.process_time(), 0
    size = 0.0
    if mode == "frames":
        for frame in describe_blocks(first(n)):
            done += len(frame)
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "candidates.parquet"
            done = write_candidates(first(n), path)
            size = path.stat().st_size / 1e6
    seconds, processor_s = time.perf_counter() - before, time.process_time() - used
    assert done == n
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "processor_s": processor_s, "peak_mb": peak, "file_mb": size}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--child", nargs=2, metavar=("N", "MODE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(int(options.child[0]), options.child[1])))
        return
    print(f"grid of {len(grid()):,} materials, 66 columns each, {len(known_cations('fast'))} known cations")
    print("what       million   materials/s   per processor s   peak MB   file MB")
    rates = {}
    for mode in ("frames", "parquet"):
        for millions in options.millions:
            n = millions * 1_000_000
            command = [sys.executable, __file__, "--child", str(n), mode]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout)
            rates[mode] = n / found["processor_s"]
            size = f"{found['file_mb']:9.1f}" if found["file_mb"] else "         -"
            wall = n / found["seconds"]
            print(
                f"{mode:10s} {millions:7d} {wall:13,.0f} {rates[mode]:17,.0f} {found['peak_mb']:9.0f} {size}",
                flush=True,
            )

    rng = np.random.default_rng(1)
    chosen = np.sort(rng.choice(len(grid()), options.rows, replace=False))
    parts = []
    for start, frame in zip(range(0, len(grid()), BLOCK_SIZE), describe_blocks(grid()), strict=True):
        here = chosen[(chosen >= start) & (chosen < start + BLOCK_SIZE)] - start
        parts.append(frame.iloc[here])
    fast = pd.concat(parts)
    formulas = list(fast.index)
    describe(formulas[:50])
    before, used = time.perf_counter(), time.process_time()
    slow = describe(formulas, compute=False)
    wall, rate = (len(formulas) / t for t in (time.perf_counter() - before, time.process_time() - used))
    difference = (fast - slow).abs().to_numpy() / slow.abs().clip(lower=1e-3).to_numpy()
    print(f"row by row {wall:21,.0f} {rate:17,.0f}             (describe of formulas, parsing included)")
    print(f"ratio per processor second: frames {rates['frames'] / rate:.0f}, parquet {rates['parquet'] / rate:.0f}")
    print(f"largest relative difference over {len(formulas)} materials: {np.nanmax(difference):.1e}")


if __name__ == "__main__":
    main()
