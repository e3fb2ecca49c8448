"""Lines of a whole plate at once against a loop of lmfit: time for each spectrum, and whether both find the same.

python benchmarks/plate_fits.py [--wells 384] [--reads 20] [--looped 100]

Needs lmfit. The spectra have 210 points, one Gaussian line each and noise; lmfit starts from its own guess. Times are
of the processor, with those to load and compile our engine.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np

from perospin.navigation.plates.peaks import HC_EV_NM, fit_peaks, per_energy


def main() -> None:
    """Time both, and print the ratio."""
    from lmfit.models import GaussianModel, LinearModel

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wells", type=int, default=384)
    parser.add_argument("--reads", type=int, default=20)
    parser.add_argument("--looped", type=int, default=100)
    asked = parser.parse_args()
    count = asked.wells * asked.reads
    generator = np.random.default_rng(0)
    nm = np.arange(420.0, 840.0, 2.0)
    true = generator.uniform(1.6, 2.6, count)
    light = 1000.0 * np.exp(-0.5 * ((HC_EV_NM / nm - true[:, None]) / 0.05) ** 2) * (600.0 / nm) ** 2
    energy, signal = per_energy(nm, light + generator.normal(50.0, 5.0, light.shape))
    start = time.process_time()
    found = fit_peaks(energy, signal)
    ours = (time.process_time() - start) / count
    line, base = GaussianModel(), LinearModel()
    start, centres = time.process_time(), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row in signal[: asked.looped]:
            guess = line.guess(row, x=energy) + base.make_params(slope=0.0, intercept=float(np.median(row)))
            centres.append((line + base).fit(row, guess, x=energy).params["center"].value)
    theirs = (time.process_time() - start) / asked.looped
    apart = np.abs(np.array(centres) - found.energy_ev[: asked.looped])
    print(f"{count} spectra in {ours * count:.1f} s, {1e3 * ours:.2f} ms each; lmfit {1e3 * theirs:.1f} ms each")
    print(f"ratio {theirs / ours:.0f}; median difference of the energies {1e3 * np.nanmedian(apart):.2f} meV")
    print(f"error of the energies: {1e3 * np.nanmedian(np.abs(found.energy_ev - true)):.2f} meV (median)")


if __name__ == "__main__":
    main()
