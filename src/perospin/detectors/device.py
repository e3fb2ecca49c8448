"""One device from a folder: `device.toml` with its sizes, and one text file a measurement."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from perospin.detectors import bias, dose, timing
from perospin.detectors.density import Density, density_of
from perospin.detectors.noise import limit_interval_from_noise
from perospin.errors import DataError, PerospinError
from perospin.measurements.result import SpinFit
from perospin.saving import read_toml

__all__ = ["Device", "DeviceResult", "fit_device"]

_WORDS: Mapping[str, tuple[str, ...]] = {
    "capacitance": ("capacitance", "cv", "cf"),
    "hecht": ("hecht", "photocurrent", "mutau"),
    "sclc": ("sclc", "dark", "iv"),
    "sensitivity": ("sensitivity", "dose"),
    "detection-limit": ("limit", "snr", "lod"),
    "drift": ("drift",),
    "response-time": ("response", "pulses", "pulse", "rise"),
    "stability": ("stability", "cycles", "cycling"),
}
"""Analyses, in the order in which they are made, with words of file names that tell them; the first that fits wins."""


@dataclass(frozen=True)
class Device:
    """Sizes and material of a device.

    Attributes
    ----------
    formula : str
    gap_mm : float
        Distance of the electrodes.
    area_mm2 : float
        Active area.
    density_g_cm3, energy_kev, thickness_mm
        For the attenuation; a density that is not given is looked for (`density_of`) and its source told, and the
        thickness is the gap if not given.
    permittivity, voltage_v
        For space-charge-limited current (unless a capacitance was measured), for the drift and the field of the
        sensitivity.
    bandwidth_hz
        Of the amplifier: shot noise then gives a detection limit beside the measured one.
    """

    formula: str
    gap_mm: float
    area_mm2: float
    density_g_cm3: float = math.nan
    energy_kev: float = 40.0
    thickness_mm: float = math.nan
    permittivity: float = math.nan
    voltage_v: float = math.nan
    bandwidth_hz: float = math.nan

    @classmethod
    def load(cls, path: Path) -> Device:
        """Read `device.toml`.

        Raises
        ------
        DataError
            If it is missing, is no TOML or beyond the limits of such a file, lacks a size or has an unknown one.
        """
        if not path.is_file():
            raise DataError(
                f"'{path.name}' is missing in '{path.parent.name:.60}': write formula, gap_mm, area_mm2, "
                "density_g_cm3, energy_kev, voltage_v into it, one NAME = VALUE a line"
            )
        try:
            content = read_toml(path, "device file")
        except PerospinError as error:
            raise DataError(f"'{path.name}' can't be read: {error!s:.250}") from None
        known = [item.name for item in fields(cls)]
        unknown = sorted(set(content) - set(known))
        if unknown:
            raise DataError(f"'{path.name}' has the unknown name '{unknown[0]:.40}'; it may have: {', '.join(known)}")
        missing = [name for name in ("formula", "gap_mm", "area_mm2") if name not in content]
        if missing:
            raise DataError(f"'{path.name}' lacks {', '.join(missing)}")
        for name, value in content.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if (name == "formula") != isinstance(value, str) or (
                name != "formula" and not (number and 0 < value < math.inf)
            ):
                raise DataError(f"'{path.name}': {name} is {value!r:.40}; it must be a positive number (formula: text)")
        sizes = {name: float(value) for name, value in content.items() if name != "formula"}
        return cls(formula=content["formula"], **sizes)

    @property
    def path_mm(self) -> float:
        """Way of the beam through the material: the thickness, or the gap if none is given."""
        return self.gap_mm if math.isnan(self.thickness_mm) else self.thickness_mm


@dataclass(frozen=True)
class DeviceResult:
    """What the files of a device gave.

    Attributes
    ----------
    device : Device
    fits : mapping
        Fits by analysis.
    files : mapping
        File name by analysis.
    attenuated : float
        Fraction of the beam; NaN without a density.
    density : Density or None
        With its source.
    shot_limit_gy_s : (value, low, high) or None
        Detection limit from shot noise alone, with the interval (68 %) of sensitivity and dark current.
    notes : tuple of str
        What was not done, and why.
    """

    device: Device
    fits: Mapping[str, SpinFit]
    files: Mapping[str, str]
    attenuated: float = math.nan
    density: Density | None = None
    shot_limit_gy_s: tuple[float, float, float] | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)


def _told(name: str) -> str | None:
    """Analysis that a file name tells."""
    words = set(re.split(r"[^a-z]+", name.rsplit(".", 1)[0].lower()))
    return next((analysis for analysis, known in _WORDS.items() if words & set(known)), None)


def fit_device(folder: Path) -> DeviceResult:
    """Read and fit all measurements of a folder; a file that can't be fitted is named, the others are still fitted.

    Raises
    ------
    DataError
        If the folder, its device.toml or every measurement is missing.
    """
    from perospin.detectors.attenuation import absorbed_fraction, mass_attenuation

    if not folder.is_dir():
        raise DataError(f"'{folder!s:.80}' is no folder")
    device = Device.load(folder / "device.toml")
    found: dict[str, Path] = {}
    notes: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in (".csv", ".txt", ".dat", ".tsv") or path.name.startswith("."):
            continue
        analysis = _told(path.name)
        if analysis is None or analysis in found:
            why = "its name tells no measurement" if analysis is None else f"there is '{found[analysis].name}' already"
            notes.append(f"{path.name:.60} was not used: {why}")
        else:
            found[analysis] = path
    fits: dict[str, SpinFit] = {}
    for analysis in _WORDS:
        if analysis not in found:
            continue
        try:
            fits[analysis] = _fit(analysis, found[analysis], device, fits)
        except PerospinError as error:
            notes.append(f"{found[analysis].name:.60} was not fitted: {error}")
    if not fits:
        words = ", ".join(known[0] for known in _WORDS.values())
        raise DataError(
            f"no measurement of '{folder.name:.60}' could be fitted; name files after {words}. {' '.join(notes)[:180]}"
        )
    attenuated, density = math.nan, None
    try:
        given = None if math.isnan(device.density_g_cm3) else device.density_g_cm3
        density = density_of(device.formula, given_g_cm3=given)
    except PerospinError:
        notes.append("no attenuation: no density is known; add density_g_cm3 to device.toml")
    if density is not None:
        linear = density.value_g_cm3 * mass_attenuation(device.formula, device.energy_kev)
        attenuated = float(absorbed_fraction(linear, device.path_mm))
    files = {name: found[name].name for name in fits}
    return DeviceResult(device, fits, files, attenuated, density, _shot_limit(device, fits), tuple(notes))


def _shot_limit(device: Device, fits: Mapping[str, SpinFit]) -> tuple[float, float, float] | None:
    fit = fits.get("sensitivity")
    if fit is None or math.isnan(device.bandwidth_hz):
        return None
    size, dark = fit["sensitivity_uc_gy_cm2"], fit["dark_current_a"]
    return limit_interval_from_noise(
        (size.value, size.uncertainty), device.area_mm2 / 100, (dark.value, dark.uncertainty), device.bandwidth_hz
    )


def _fit(name: str, path: Path, device: Device, done: Mapping[str, SpinFit]) -> SpinFit:
    from perospin.measurements.analyses import analysis
    from perospin.measurements.series import measure

    entry = analysis(name)
    m = measure(path, entry.roles, x=entry.x, optional=entry.optional)
    y = m[entry.roles[0]]
    more: dict[str, Any] = {"sources": m.sources}
    gap, area = device.gap_mm, device.area_mm2
    spread: dict[str, Any] = {"sigma": m.get("sigma")} if entry.optional else {}
    if name == "hecht":
        fit = bias.fit_hecht(m.x, y, gap_mm=gap, **spread, **more)
    elif name == "capacitance":
        fit = bias.fit_capacitance(m.x, y, gap_mm=gap, area_mm2=area, **spread, **more)
    elif name == "sclc":
        permittivity, unsure = device.permittivity, 0.0
        told: tuple[str, ...] = ()
        if "capacitance" in done and math.isnan(permittivity):
            measured = done["capacitance"]["permittivity"]
            permittivity, unsure = measured.value, measured.uncertainty
            told = (f"permittivity {measured} from the capacitance; its uncertainty is in traps and mobility",)
        if math.isnan(permittivity):
            raise DataError("it needs the permittivity: add it to device.toml, or a file with the capacitance")
        fit = bias.fit_sclc(m.x, y, gap_mm=gap, area_mm2=area, permittivity=permittivity,
                            permittivity_uncertainty=unsure, **more).with_warnings(*told)  # fmt: skip
    elif name == "sensitivity":
        bias_v = None if math.isnan(device.voltage_v) else device.voltage_v
        fit = dose.fit_sensitivity(m.x, y, area_mm2=area, voltage_v=bias_v, gap_mm=gap, **spread, **more)
    elif name == "detection-limit":
        fit = dose.fit_detection_limit(m.x, y, **spread, **more)
    elif name == "drift":
        if math.isnan(device.voltage_v):
            raise DataError("it needs the bias: add voltage_v to device.toml")
        fit = timing.fit_drift(m.x, y, area_mm2=area, gap_mm=gap, voltage_v=device.voltage_v, **spread, **more)
    elif name == "response-time":
        fit = timing.fit_response_time(m.x, y, **spread, **more)
    else:
        fit = timing.fit_stability(m.x, y, **more)
    return fit.with_warnings(*m.doubts)
