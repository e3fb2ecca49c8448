"""Screening by the million: candidates a second, peak memory, and the ratio to a pandas and scikit-learn predict loop.

    python benchmarks/screen.py [--millions 0 1 10] [--hundred] [--rows 3000]

Each size runs in a process of its own, so that its peak memory is its own, on two threads. On a busy machine wall time
says little: the rate per processor second (both threads) stands beside it; twice that is what two free cores do. Every
candidate gets its prediction, its 90 % interval and whether it is in domain. A list of 200 is made at the end, not
counted in the rate, as the spaces differ in what it costs.

The loop beside it does what a careful user would write: the described rows as one pandas table in blocks of 1000, the
same fitted models asked by their scikit-learn `predict`, the same interval. It has no domain check. The largest
difference between its numbers and the streamed ones is printed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd

from perospin.descriptors import describe_blocks
from perospin.navigation import Space
from perospin.navigation.screening.stream import Job, model_bytes, stream
from perospin.studies import Study
from perospin.studies.predicting.stacked import StackedPredictor

CAGES = ["MA", "FA", "Cs", "Rb", "GUA"]
SIZES = {0: (1, 0.5, (1,)), 1: (1, 0.5, range(2, 10)), 10: (5, 0.25, (2, 3)), 100: (5, 0.1, range(1, 10))}
"""Millions -> cages, the step in which they are mixed, layers. 0: n = 1 alone, where every sheet has its spacing."""


def space(millions: int) -> Space:
    """Every known spacer, cages and their mixtures, three halides and 297 mixtures of two, lead, tin and germanium."""
    cages, step, layers = SIZES[millions]
    return Space.from_dict(
        {
            "name": f"{millions} million",
            "materials": {
                "spacers": "all",
                "a_cations": CAGES[:cages],
                "a_step": step,
                "metals": ["Pb", "Sn", "Ge"],
                "halides": ["I", "Br", "Cl"],
                "halide_step": 0.01,
                "layers": list(layers),
            },
        }
    )


def job_of(asked: Space) -> Job:
    predictor = Study.load("spin-relaxation").predictor()
    return Job(model_bytes(predictor), asked.to_dict(), None, {}, -1, None, "bound", -1.6, 1200)


def child(millions: int) -> dict[str, Any]:
    """Screen a space; seconds and the peak memory of this process (MB)."""
    small = space(1).to_dict()
    small["materials"] |= {"spacers": ["PEA"], "layers": [2]}
    warm = Space.from_dict(small)
    assert warm.grid is not None
    stream(job_of(warm), warm.grid, workers=2)  # libraries are loaded, tables read
    asked = space(millions)
    assert asked.grid is not None
    job = job_of(asked)
    before, used = time.perf_counter(), time.process_time()
    found = stream(job, asked.grid, workers=2)
    seconds, processor_s = time.perf_counter() - before, time.process_time() - used
    assert found.n_screened == len(asked.grid)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "n": found.n_screened, "inside": found.n_in_domain, "off": found.off, "seconds": seconds,
        "processor_s": processor_s, "peak_mb": peak,
    }  # fmt: skip


def loop(rows: int) -> tuple[float, float, float]:
    """Candidates a second and a processor second of the pandas loop; largest difference to the streamed values."""
    predictor = Study.load("spin-relaxation").predictor()
    asked = space(10)
    assert asked.grid is not None
    stacked = StackedPredictor(predictor, asked.grid)
    first = asked.grid.n_stacks // 2
    count = max(1, rows // asked.grid.n_sheets)
    block = stacked.block(first, first + count)
    n = count * asked.grid.n_sheets
    stack, sheet = np.divmod(np.arange(n), asked.grid.n_sheets)
    table = asked.grid.table(asked.grid.stacks(first, first + count)[stack], sheet)
    usual = {"single_layer_spacing_a": 0.0, "single_layer_spacing_sd_a": 0.0, "exchange_log10": 0.0}
    usual |= {name: float(predictor.data.features[name].mode().iloc[0]) for name in usual}
    before, used = time.perf_counter(), time.process_time()
    found = []
    for start in range(0, n, 1000):
        described = pd.concat(describe_blocks(table.iloc[start : start + 1000])).assign(**usual)
        described = described.reindex(columns=predictor.data.features.columns)
        centre = predictor.model.predict(described)
        low, high = predictor.intervals.predict(described, 0.9)
        found.append(np.column_stack([centre, low, high]))
    wall, used = time.perf_counter() - before, time.process_time() - used
    streamed = np.column_stack([values.ravel() for values in (block.centre, block.low, block.high)])
    return n / wall, n / used, float(np.abs(np.concatenate(found) - streamed).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=int, nargs="+", choices=sorted(SIZES), default=[0, 1, 10])
    parser.add_argument("--hundred", action="store_true", help="10^8 candidates too (some minutes)")
    parser.add_argument("--rows", type=int, default=3000, help="candidates of the pandas loop")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(child(options.child)))
        return
    print("candidates      in domain   candidates/s   per processor s   peak MB   largest error seen (log10)")
    rate = 0.0
    for millions in [*options.millions, *([100] if options.hundred else [])]:
        done = subprocess.run(
            [sys.executable, __file__, "--child", str(millions)], capture_output=True, text=True, check=True
        )
        told = json.loads(done.stdout.splitlines()[-1])
        rate = told["n"] / told["processor_s"]
        print(
            f"{told['n']:12,d} {told['inside']:12,d} {told['n'] / told['seconds']:14,.0f} {rate:17,.0f} "
            f"{told['peak_mb']:9.0f}   {told['off']:.1g}",
            flush=True,
        )
    wall, per_processor, difference = loop(options.rows)
    print(f"pandas loop {wall:30,.0f} {per_processor:17,.0f}             (blocks of 1000, no domain check)")
    print(f"ratio per processor second: {rate / per_processor:.0f}")
    print(f"largest difference of prediction or interval: {difference:.1g} (log10 of the rate)")


if __name__ == "__main__":
    main()
