"""The measured transient absorption of tests/spectra/data/pump_probe, read into maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from perospin.fitting import Source
from perospin.measurements import SignalMap
from perospin.spectra import correct_background

FILE = Path(__file__).parent / "data" / "pump_probe" / "messpyv1_data.npz"
REFERENCED = 1


def measured_maps() -> dict[str, SignalMap]:
    """Parallel, perpendicular and isotropic signal of all three windows, background subtracted."""
    raw = np.load(FILE, allow_pickle=False)
    delay = raw["t"].astype(float) / 1000.0
    recorded = np.isfinite(delay)
    scans = -raw["data"].astype(float)[:, recorded][:, :, :, REFERENCED]
    wavelength = raw["wl"].astype(float).T.ravel()
    maps = {}
    for name, chosen in (("para", scans[..., 1::2]), ("perp", scans[..., 0::2])):
        middle = np.median(chosen, axis=-1, keepdims=True)
        spread = 1.4826 * np.median(np.abs(chosen - middle), axis=-1, keepdims=True)
        kept = np.where(np.abs(chosen - middle) <= 3 * spread + 1e-9, chosen, np.nan)
        mean = np.nanmean(kept, axis=-1)  # (window, delay, channel)
        signal = np.concatenate(list(mean), axis=1)
        raw_map = SignalMap(delay[recorded], wavelength, signal, "mOD", name, sources=(Source.of(FILE),))
        maps[name] = correct_background(raw_map, before_ps=-3.5)
    isotropic = (maps["para"].signal + 2.0 * maps["perp"].signal) / 3.0
    maps["iso"] = SignalMap(maps["para"].delay_ps, maps["para"].wavelength_nm, isotropic, "mOD", "isotropic")
    return maps
