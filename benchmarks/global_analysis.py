"""Global analysis of a map of 256 delays and 300 wavelengths: perospin beside pyglotaran.

Three lifetimes, Gaussian response with free width, one time zero; the same simulated map, the same starting values,
both by variable projection. pyglotaran needs an environment of its own (it pins an older NumPy); give its interpreter:
``python -m venv other && other/bin/pip install pyglotaran==0.7.5``. Both are timed from data in memory to fitted
lifetimes with standard errors, the best of three. Asked: five times faster, the same lifetimes.
Run: ``python benchmarks/global_analysis.py --pyglotaran other/bin/python``
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from perospin.measurements import SignalMap
from perospin.spectra import fit_map
from perospin.spectra.signals.irf import FWHM_PER_SIGMA, gaussian_decay

LIFETIMES_PS, FWHM_PS, ZERO_PS = (1.5, 20.0, 300.0), 0.25, 0.05
STARTS_PS, START_FWHM_PS, START_ZERO_PS = (0.7, 8.0, 120.0), 0.4, 0.02
DELAY_PS = np.concatenate([np.linspace(-2.0, 3.0, 128), np.geomspace(3.1, 2000.0, 128)])
WAVELENGTH_NM = np.linspace(450.0, 750.0, 300)

OTHER = '''
import json, sys, time
import numpy as np, xarray as xr
from glotaran.io import load_model, load_parameters
from glotaran.optimization.optimize import optimize
from glotaran.project import Scheme
import glotaran
file = np.load(sys.argv[1])
rates, zero, sigma = json.loads(sys.argv[2])
model = load_model("""
dataset:
  d1: {megacomplex: [m1], irf: irf1}
megacomplex:
  m1: {type: decay-parallel, dimension: time, compartments: [s1, s2, s3], rates: [rates.k1, rates.k2, rates.k3]}
irf:
  irf1: {type: gaussian, center: irf.center, width: irf.width}
""", format_name="yml_str")
axes = [("time", file["delay"]), ("spectral", file["wavelength"])]
data = xr.DataArray(file["signal"], coords=axes).to_dataset(name="data")
best = 1e9
for _ in range(3):
    parameters = load_parameters(f"""
rates:
  - [k1, {rates[0]}, {{non-negative: true}}]
  - [k2, {rates[1]}, {{non-negative: true}}]
  - [k3, {rates[2]}, {{non-negative: true}}]
irf:
  - [center, {zero}]
  - [width, {sigma}]
""", format_name="yml_str")
    start = time.perf_counter()
    scheme = Scheme(model=model, parameters=parameters, data={"d1": data}, maximum_number_function_evaluations=100)
    result = optimize(scheme, verbose=False)
    best = min(best, time.perf_counter() - start)
found = [result.optimized_parameters.get(f"rates.k{i}") for i in (1, 2, 3)]
print(json.dumps({"seconds": best, "version": glotaran.__version__, "rates": [p.value for p in found],
                  "errors": [p.standard_error for p in found], "success": bool(result.success)}))
'''


def simulate() -> SignalMap:
    """Draw the map: three overlapping bands, noise of 1 % of the largest signal."""
    rng = np.random.default_rng(0)
    bands = [
        height * np.exp(-0.5 * ((WAVELENGTH_NM - centre) / width) ** 2)
        for height, centre, width in ((-8.0, 520.0, 18.0), (5.0, 560.0, 35.0), (-4.0, 620.0, 50.0))
    ]
    decays = [gaussian_decay(DELAY_PS - ZERO_PS, t, FWHM_PS) for t in LIFETIMES_PS]
    signal = np.stack(decays, axis=1) @ np.stack(bands)
    return SignalMap(DELAY_PS, WAVELENGTH_NM, signal + 0.08 * rng.normal(size=signal.shape), "mOD")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pyglotaran", type=Path, help="interpreter of an environment with pyglotaran")
    asked = parser.parse_args()
    data = simulate()
    params = {f"lifetime_{i + 1}_ps": start for i, start in enumerate(STARTS_PS)} | {"time_zero_ps": START_ZERO_PS}
    own = (START_FWHM_PS, 0.02, 2.0)
    times: dict[str, float] = {}
    for what, given in (("given starts", params), ("own guesses", None)):
        for _ in range(3):
            start = time.perf_counter()
            fit = fit_map(data, components=3, irf_fwhm_ps=own if given else None, params=given)
            times[what] = min(times.get(what, 1e9), time.perf_counter() - start)
        shown = ", ".join(str(fit[f"lifetime_{i}_ps"]) for i in (1, 2, 3))
        print(f"perospin, {what}: {times[what]:.2f} s, {shown}")
    print(f"simulated: {', '.join(f'{t:g} ps' for t in LIFETIMES_PS)}")
    if asked.pyglotaran is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.npz"
        np.savez(path, delay=data.delay_ps, wavelength=data.wavelength_nm, signal=data.signal)
        starts = [[1 / t for t in STARTS_PS], START_ZERO_PS, START_FWHM_PS / FWHM_PER_SIGMA]
        done = subprocess.run(
            [asked.pyglotaran, "-c", OTHER, path, json.dumps(starts)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise SystemExit(f"pyglotaran failed:\n{done.stderr[-2000:]}")
    other = json.loads(done.stdout.splitlines()[-1])
    lifetimes = [1 / rate for rate in other["rates"]]
    errors = [e / rate**2 for e, rate in zip(other["errors"], other["rates"], strict=True)]
    shown = ", ".join(f"{t:.4g} ± {e:.2g} ps" for t, e in zip(lifetimes, errors, strict=True))
    print(f"pyglotaran {other['version']}: {other['seconds']:.2f} s, {shown}")
    order = np.argsort(lifetimes)
    fitted = np.array([fit[f"lifetime_{i}_ps"].value for i in (1, 2, 3)])
    off = np.max(np.abs(np.array(lifetimes)[order] / fitted - 1))
    print(
        f"{other['seconds'] / times['given starts']:.1f} times faster from the same starts "
        f"({other['seconds'] / times['own guesses']:.1f} from own guesses); lifetimes differ by at most {off:.1e}"
    )


if __name__ == "__main__":
    main()
