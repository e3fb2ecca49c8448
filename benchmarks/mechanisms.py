"""Processor seconds of the batched least squares: a recovery study of some hundreds of data sets.

python benchmarks/mechanisms.py [data sets]
"""

from __future__ import annotations

import sys
import time

import numpy as np

from perospin.mechanisms import infer, recovery_study


def main(n_sets: int) -> None:
    rng = np.random.default_rng(1)
    design = {
        "temperature_k": np.tile([77.0, 120.0, 180.0, 240.0, 290.0, 300.0], 4),
        "density_cm3": 10 ** rng.uniform(16, 18.5, 24),
        "momentum_scattering_time_ps": 10 ** rng.uniform(-2.7, -1.3, 24),
        "exciton_binding_energy_mev": rng.uniform(50, 400, 24),
    }
    for stated in (True, False):
        begin = time.process_time()
        study = recovery_study(design, n_sets=n_sets, stated=stated)
        used = time.process_time() - begin
        print(f"{n_sets} data sets, uncertainty {'stated' if stated else 'estimated'}: {used:.1f} s, ", end="")
        print(f"found {study.recovered:.0%}, wrong {study.misled:.1%}")
    begin = time.process_time()
    infer({**design, "rate_per_ps": 20 * design["momentum_scattering_time_ps"] * design["temperature_k"]})
    print(f"one inference: {time.process_time() - begin:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
