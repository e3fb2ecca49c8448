"""How a store and a study grow: records 10^3 to 10^6, folds with one process, two, and a Dask cluster of two.

python benchmarks/growth.py [--records 1000 10000 100000 1000000] [--rows 400] [--no-folds]

Prints, for each number of records, the time to add them, to read those of one material, to add one more, and to back
the store up, its size, and the peak memory; then the time of the folds of one model, shared in three ways, and whether
every prediction is the same. Each size runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    found = act()
    return time.perf_counter() - begin, found


def one_size(n: int) -> dict[str, float]:
    """Measure times (s) of a store of n records, its size and the peak memory (MB)."""
    from perospin.database import Record, Source, Store
    from perospin.database.sharing import backup

    materials = ["MAPbI3", "(PEA)2PbI4", "(BA)2PbI4", "CsPbBr3", "FAPbI3"]
    source = Source(first_author="made up", year=2026)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "s.sqlite"
        with Store.open(file) as store:
            records = (Record.measured(materials[i % 5], "tau_spin", 1.0 + i / 1000, "ps", source) for i in range(n))
            told: dict[str, float] = {"records": n}
            told["add"], _ = timed(lambda: store.add(records))
            told["one_material"], found = timed(lambda: store.query("tau_spin", "MAPbI3"))
            assert len(found) == n // 5
            del found
            told["add_one"], _ = timed(lambda: store.add([Record.measured("MAPbI3", "T1", 1.0, "ps", source)]))
            told["backup"], _ = timed(lambda: backup(store, Path(name) / "b.zip"))
        told["size_mb"] = file.stat().st_size / 1e6
    told["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return told


def folds(rows: int) -> None:
    """Time of the folds of a forest, leave one out: in one process, in two, and on a cluster of two workers."""
    import distributed
    import numpy as np
    import pandas as pd

    from perospin.learning.estimators import build_estimator
    from perospin.studies.running.shared import predictions_of_sets, sharing

    generator = np.random.default_rng(1)
    table = pd.DataFrame(generator.normal(size=(rows, 6)), columns=list("abcdef"))
    y = (table["a"] + 0.5 * table["b"] ** 2 + 0.2 * generator.normal(size=rows)).to_numpy()
    every = np.arange(rows)
    trains, scored = [np.delete(every, i) for i in every], [every[i : i + 1] for i in every]
    forest = build_estimator({"kind": "random_forest", "tune": False}, 0)

    def run(workers: int = 1, scheduler: str | None = None) -> Any:
        with sharing(workers, scheduler) as executor:
            return np.concatenate(predictions_of_sets(forest, table, y, trains, scored, executor=executor))

    took: dict[str, float] = {}
    took["one process"], alone = timed(run)
    took["two processes"], beside = timed(lambda: run(workers=2))
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
    ) as cluster:
        took["cluster, two workers"], shared = timed(lambda: run(scheduler=cluster.scheduler_address))
    for way, seconds in took.items():
        print(f"{rows} folds of a forest of {rows} rows, {way}: {seconds:.1f} s")
    same = np.array_equal(alone, beside) and np.array_equal(alone, shared)
    print(f"every prediction the same: {same}")
    if not same:
        raise SystemExit("sharing changed a number")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, nargs="+", default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--no-folds", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(one_size(given.one)))
        return
    print("| records | add (s) | read a fifth (s) | add one more (s) | back up (s) | file (MB) | peak memory (MB) |")
    print("|---|---|---|---|---|---|---|")
    for n in given.records:
        done = subprocess.run([sys.executable, __file__, "--one", str(n)], capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
        names = ("add", "one_material", "add_one", "backup", "size_mb", "memory_mb")
        print(f"| {n} | " + " | ".join(f"{told[name]:.3g}" for name in names) + " |", flush=True)
    if not given.no_folds:
        folds(given.rows)


if __name__ == "__main__":  # a child process imports this file
    main()
