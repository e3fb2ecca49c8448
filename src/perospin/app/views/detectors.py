"""Detectors: X-ray attenuation of a formula, and one device from its files to a page."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from perospin.app import parts
from perospin.app.uploads import stored
from perospin.errors import DataError

if TYPE_CHECKING:
    from perospin.detectors import DeviceResult


def show() -> None:
    """Draw the page."""
    parts.heading("Detectors", "X-ray attenuation of any formula, and one device from its files to a page.")
    sections = {"Attenuation": _attenuation, "A device": _device}
    chosen = st.segmented_control(
        "Section", list(sections), default="Attenuation", required=True, key="detector_section",
        label_visibility="collapsed",
    )  # fmt: skip
    sections[str(chosen)]()


def _attenuation() -> None:
    from perospin.detectors import (
        COMPARISON,
        absorbed_fraction,
        attenuation_figure,
        edges_within,
        mass_attenuation,
        thickness_for,
    )

    with st.container(horizontal=True, vertical_alignment="bottom"):
        formula = st.text_input("Formula", "CsPbBr3", key="xray_formula", max_chars=200, width=240)
        density = float(st.number_input("Density (g/cm³)", 0.1, 25.0, 4.8, key="density", width=180, format="%g"))
        energy = float(st.number_input("Photon energy (keV)", 1.0, 500.0, 40.0, key="energy", width=200, format="%g"))
        thickness = float(st.number_input("Thickness (mm)", 1e-4, 1000.0, 1.0, key="thickness", width=180, format="%g"))
    plain = COMPARISON[formula][0] if formula in COMPARISON else formula.strip()
    mu = density * mass_attenuation(plain, energy)
    with st.container(horizontal=True):
        st.metric("attenuated", f"{100 * absorbed_fraction(mu, thickness):.1f} %", width=170)
        st.metric("linear coefficient", f"{mu:.4g} 1/cm", width=210)
        st.metric("90 % attenuated at", f"{thickness_for(0.9, mu):.3g} mm", width=210)
    edges = ", ".join(f"{symbol} {at:.2f} keV" for symbol, at in edges_within(plain, 1.0, 150.0).items())
    others = ", ".join(
        f"{name} {100 * absorbed_fraction(rho * mass_attenuation(other, energy), thickness):.1f} %"
        for name, (other, rho) in COMPARISON.items()
    )
    st.caption(parts.plain_text(f"K edges: {edges or 'none below 150 keV'}. As thick: {others} (handbook densities)."))
    st.caption("Attenuated includes scattering; fluorescence that escapes makes the absorbed energy less.")
    parts.show_figure(
        partial(attenuation_figure, plain, density, energy, thickness), "attenuation",
        f"Attenuation of {formula} against energy and thickness, beside known materials", width=820,
        key=f"{plain}:{density}:{energy}:{thickness}",
    )  # fmt: skip


def _device() -> None:
    st.caption(
        "Files are told by their names: photocurrent, dark, dose, snr, drift, pulses, capacitance, cycles. Sizes stand "
        "below, or in a file device.toml among them."
    )
    files = st.file_uploader("Files of one device", accept_multiple_files=True, key="device_files")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        formula = st.text_input("Formula", key="device_formula", max_chars=100, width=200)
        numbers = {
            name: st.number_input(words, value=None, min_value=0.0, key=f"device:{name}", width=180, format="%g")
            for name, words in (
                ("gap_mm", "Gap (mm)"), ("area_mm2", "Area (mm²)"), ("density_g_cm3", "Density (g/cm³)"),
                ("energy_kev", "Energy (keV)"), ("voltage_v", "Bias (V)"),
            )
        }  # fmt: skip
    if not files:
        return
    paths = stored(files)
    sizes = {name: float(value) for name, value in numbers.items() if value}
    if not any(path.name == "device.toml" for path in paths):
        if not formula.strip():
            raise DataError("give the formula, the gap and the area of the device, or a file device.toml")
        sizes_text = "\n".join(f"{name} = {value!r}" for name, value in sizes.items())
    else:
        sizes_text = ""
    result, page = _fitted(tuple(map(str, paths)), formula.strip(), sizes_text)
    if result.attenuated == result.attenuated:
        st.metric(f"attenuated at {result.device.energy_kev:g} keV", f"{100 * result.attenuated:.1f} %", width=260)
    import pandas as pd

    rows = [
        {"quantity": fit[name].description or name, "value": str(fit[name]), "file": result.files[key]}
        for key, fit in result.fits.items()
        for name in fit.records
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Values of the device")
    for key, fit in result.fits.items():
        for sentence in fit.warnings:
            st.warning(parts.plain_text(f"{key}: {sentence}"), icon=":material/warning:")
    for note in result.notes:
        st.info(parts.plain_text(note))
    parts.downloads("device", {"device.html": (page, "text/html")})
    chosen = st.selectbox("Figure", list(result.fits), index=None, key="device_figure", placeholder="of which one?")
    if chosen is not None:
        parts.show_figure(result.fits[chosen].plot, f"device-{chosen}", f"Data and fit of {chosen}", width=430)


@st.cache_resource(max_entries=20, show_spinner="Fitting ...")
def _fitted(paths: tuple[str, ...], formula: str, sizes: str) -> tuple[DeviceResult, bytes]:
    import json

    from perospin.detectors import fit_device, write_page

    with tempfile.TemporaryDirectory(prefix="perospin-device-") as made:
        folder = Path(made)
        for path in map(Path, paths):
            (folder / path.name).write_bytes(path.read_bytes())
        if not (folder / "device.toml").is_file():
            # a JSON string is a TOML string as well
            (folder / "device.toml").write_text(f"formula = {json.dumps(formula)}\n{sizes}\n", encoding="utf-8")
        result = fit_device(folder)
        page = folder / "page.html"
        write_page(result, page)
        return result, page.read_bytes()
