r"""Exciton binding energy and band gap from the absorption edge: Elliott's formula with broadening.

With :math:`\Delta=(E-E_g)/Ry`, before broadening (TEXTBOOK: Elliott 1957, 10.1103/PhysRev.108.1384; the two-dimensional
form: Shinada and Sugano 1966, 10.1143/JPSJ.21.1936; neither was opened here)

.. math:: \alpha_{3D}\propto\sum_n\frac{4\pi}{n^3}\delta\Big(\Delta+\frac1{n^2}\Big)
   +\Theta(\Delta)\frac{2\pi}{1-e^{-2\pi/\sqrt\Delta}},\qquad
   \alpha_{2D}\propto\sum_n\frac4{m^3}\delta\Big(\Delta+\frac1{m^2}\Big)
   +\Theta(\Delta)\frac2{1+e^{-2\pi/\sqrt\Delta}},\ m=n-\tfrac12 .

The binding energy of the 1s exciton is Ry in three dimensions and 4 Ry in two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Unpack, get_args

import numpy as np
import pandas as pd

from perospin.errors import FitError
from perospin.fitting import Parameter, Quantity, SeparableModel, check_trace, fit_model
from perospin.fitting.arrays import Float, real
from perospin.measurements.options import FitOptions
from perospin.measurements.ordering import rising
from perospin.measurements.result import SpinFit

__all__ = ["Background", "Lineshape", "elliott", "fit_absorption_edge"]

Lineshape = Literal["gaussian", "sech"]
Background = Literal["none", "constant", "linear"]
_ENERGY = Quantity("energy_ev", "eV", "photon energy")
_STATES = 12  # bound states of their own; the rest joins the continuum, which has the same strength there
_SHIFT = {3: 0.0, 2: 0.5}
_BINDING = {3: 1.0, 2: 4.0}


def _kernel(lineshape: Lineshape) -> tuple[Float, Float]:
    """Nodes and weights of the broadening, in units of its width parameter."""
    if lineshape == "gaussian":
        u = np.linspace(-7.0, 7.0, 71)
        w = np.exp(-0.5 * u**2) / np.sqrt(2.0 * np.pi)
    else:
        u = np.linspace(-24.0, 24.0, 193)
        w = 1.0 / (np.pi * np.cosh(u))
    return u, w * (u[1] - u[0])


def _line(x: Float, lineshape: Lineshape) -> Float:
    """Broadened delta function of unit area, `x` in units of the width parameter."""
    if lineshape == "gaussian":
        return np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)
    return 1.0 / (np.pi * np.cosh(np.clip(x, -300.0, 300.0)))


def _step(x: Float, lineshape: Lineshape) -> Float:
    """Integral of `_line`."""
    if lineshape == "gaussian":
        from scipy.special import ndtr

        return np.asarray(ndtr(x))
    return 0.5 + np.arctan(np.sinh(np.clip(x, -300.0, 300.0))) / np.pi


def elliott(
    energy_ev: Any,
    gap_ev: float,
    rydberg_ev: float,
    width_ev: float,
    *,
    dimension: Literal[2, 3] = 3,
    lineshape: Lineshape = "gaussian",
) -> tuple[Float, Float]:
    """Absorption of excitons and of the continuum, broadened.

    In units where free carriers would absorb ``sqrt((E - Eg)/Ry)`` in three dimensions, 1 in two.

    Parameters
    ----------
    energy_ev
        Photon energies (eV), shape (n,).
    gap_ev
        Band gap (eV).
    rydberg_ev
        Exciton Rydberg (eV): the binding energy in three dimensions, a quarter of it in two.
    width_ev
        Standard deviation of a Gaussian, or the G of ``sech((E - E0)/G)`` (eV).
    dimension, lineshape
        2 or 3; ``"gaussian"`` or ``"sech"``.

    Returns
    -------
    excitons, continuum : ndarray, shape (n,)
        Their sum is the absorption. Bound states beyond the twelfth are part of the continuum, with the strength that
        they have per energy.
    """
    energy = real(energy_ev, "energy_ev")
    order = np.arange(1, _STATES + 1) - _SHIFT[dimension]
    strength = (4.0 * np.pi if dimension == 3 else 4.0) / order**3 * rydberg_ev
    places = gap_ev - rydberg_ev / order**2
    bound = _line((energy[:, None] - places) / width_ev, lineshape) @ strength / width_ev
    height = 2.0 * np.pi if dimension == 3 else 2.0
    start = gap_ev - rydberg_ev / (_STATES + 0.5 - _SHIFT[dimension]) ** 2
    nodes, weights = _kernel(lineshape)
    delta = (energy[:, None] - width_ev * nodes - gap_ev) / rydberg_ev
    with np.errstate(divide="ignore", over="ignore"):
        screened = np.exp(-2.0 * np.pi / np.sqrt(np.maximum(delta, 1e-300)))
    # above the gap the enhancement falls (3D: rises again as the root); what is left after a step is smooth
    if dimension == 3:
        rest = height / (1.0 - np.where(delta > 0, screened, 0.0)) - height
    else:
        rest = height / (1.0 + np.where(delta > 0, screened, 0.0)) - height
    continuum = height * _step((energy - start) / width_ev, lineshape) + rest @ weights
    return bound, continuum


def fit_absorption_edge(
    energy_ev: Any,
    absorbance: Any,
    *,
    dimension: Literal[2, 3] = 3,
    lineshape: Lineshape = "gaussian",
    background: Background = "constant",
    window_ev: tuple[float, float] | None = None,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Band gap, exciton binding energy and broadening from an absorption edge.

    Parameters
    ----------
    energy_ev
        Photon energies (eV), shape (n,).
    absorbance
        Absorbance or absorption coefficient, shape (n,).
    dimension
        3 (bulk), or 2: an ideal layer; the excitons of layered perovskites aren't hydrogenic, so that the gap of the 2D
        form is a model's gap.
    lineshape
        ``"gaussian"`` (disorder) or ``"sech"``.
    background
        ``"none"``, ``"constant"`` or ``"linear"``.
    window_ev
        Part of the spectrum to fit: the edge and a few linewidths of continuum, not the next band.
    sigma
        Standard uncertainty of the signal; estimated from the residuals by default.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        ``exciton_binding_energy_mev``, ``gap_ev``, ``exciton_energy_ev`` and ``width_mev``.

    Raises
    ------
    FitError
        If the data are too few or the options unknown.
    """
    if dimension not in _BINDING:
        raise FitError(f"dimension is {dimension}; it must be 2 or 3")
    if lineshape not in get_args(Lineshape):
        raise FitError(f"lineshape is '{lineshape}'; it must be one of: {', '.join(get_args(Lineshape))}")
    if background not in get_args(Background):
        raise FitError(f"background is '{background}'; it must be one of: {', '.join(get_args(Background))}")
    energy_ev, absorbance, sigma = rising(energy_ev, absorbance, sigma)
    trace = check_trace(energy_ev, {"absorbance": absorbance}, sigma=sigma, x_name="energy_ev", least=10)
    energy, signal, spread = trace.x, trace["absorbance"], trace.sigma
    notes = list(trace.warnings)
    if energy[0] <= 0:
        raise FitError(f"photon energies must be above zero, got {energy[0]:g} eV")
    if energy[-1] > 50:
        notes.append(f"energies up to {energy[-1]:g} eV look like wavelengths in nm: convert them (1239.84/nm)")
    if window_ev is not None:
        low, high = sorted(window_ev)
        inside = (energy >= low) & (energy <= high)
        if np.count_nonzero(inside) < 10:
            raise FitError(f"the window {low:g} to {high:g} eV holds {np.count_nonzero(inside)} points; 10 are needed")
        energy, signal = energy[inside], signal[inside]
        spread = None if spread is None else spread[inside]
    model = _model(energy, dimension, lineshape, background)
    fit = fit_model(
        model, energy, signal, sigma=spread, warnings=notes, result=SpinFit, **options,
        analysis=f"absorption edge (Elliott, {dimension}D)",
        conventions={
            "exciton_binding_energy": f"gap less energy of the 1s exciton ({_BINDING[dimension]:g} Ry in {dimension}D)",
            "width": "standard deviation of a Gaussian" if lineshape == "gaussian" else "G of sech((E - E0)/G)",
        },
        settings={"main": "exciton_binding_energy_mev", "dimension": dimension, "lineshape": lineshape},
    )  # fmt: skip
    fit = fit.derive(
        "exciton_energy_ev", lambda v: v["gap_ev"] - 1e-3 * v["exciton_binding_energy_mev"], "eV", "1s exciton"
    )
    theta = {name: fit.values[name] for name in model.names}
    excitons, continuum = _parts(energy, theta, dimension, lineshape)
    data = fit.data.assign(excitons=fit.values["strength"] * excitons, continuum=fit.values["strength"] * continuum)
    notes = []
    binding, width = fit["exciton_binding_energy_mev"].value, fit["width_mev"].value
    if width > binding:
        notes.append(
            f"the broadening ({width:.3g} meV) exceeds the binding energy ({binding:.3g} meV): no exciton peak stands "
            "out, so that the value hangs on the shape of the model; measure colder"
        )
    if energy[-1] - fit.gap_ev < 2e-3 * width:
        notes.append("the spectrum ends before the continuum: gap and binding energy can't be told apart")
    if dimension == 2:
        notes.append("the ideal 2D series: layered perovskites follow it only roughly (dielectric confinement)")
    technique = f"absorption edge, Elliott fit {dimension}D"
    return replace(
        fit.with_warnings(*notes),
        data=pd.DataFrame(data),
        drawing="edge",
        records={
            "exciton_binding_energy_mev": {
                "property": "exciton_binding_energy",
                "unit": "meV",
                "conditions": {"technique": technique, "carrier": "exciton"},
            },
            "gap_ev": {"property": "band_gap", "unit": "eV", "conditions": {"technique": technique}},
        },
    )


def _parts(
    energy: Float, theta: Mapping[str, Any], dimension: Literal[2, 3], lineshape: Lineshape
) -> tuple[Float, Float]:
    rydberg = 1e-3 * float(theta["exciton_binding_energy_mev"]) / _BINDING[dimension]
    width = 1e-3 * float(theta["width_mev"])
    return elliott(energy, float(theta["gap_ev"]), rydberg, width, dimension=dimension, lineshape=lineshape)


def _model(energy: Float, dimension: Literal[2, 3], lineshape: Lineshape, background: Background) -> SeparableModel:
    span, step = float(np.ptp(energy)), float(np.median(np.diff(np.unique(energy))))
    parameters = (
        Parameter("exciton_binding_energy_mev", "meV", "exciton binding energy", 100.0, 0.5, 1e3 * span + 500.0,
                  positive=True),
        Parameter("gap_ev", "eV", "band gap", float(np.mean(energy)), float(energy[0]), float(energy[-1]) + 1.0,
                  scale=0.05),
        Parameter("width_mev", "meV", "broadening", 30.0, 200.0 * step, 500.0 * span, positive=True),
    )  # fmt: skip
    amplitudes = [Quantity("strength", "", "absorbance per unit of the Elliott function")]
    if background != "none":
        amplitudes.append(Quantity("offset", "", "constant background"))
    if background == "linear":
        amplitudes.append(Quantity("slope_per_ev", "1/eV", "slope of the background"))
    middle = float(np.mean(energy))

    def basis(at: Any, theta: Mapping[str, Any]) -> Sequence[Any]:
        columns: list[Any] = [np.add(*_parts(at, theta, dimension, lineshape))]
        if background != "none":
            columns.append(np.ones_like(at))
        if background == "linear":
            columns.append(at - middle)
        return columns

    def guess(at: Any, signal: Float) -> list[dict[str, float]]:
        # on a thinned grid: the edge lies where the signal rises, whatever it does later
        few = slice(None, None, max(len(at) // 120, 1))
        x, y = at[few], signal[few]
        scored: list[tuple[float, int, dict[str, float]]] = []
        for edge in np.linspace(at[0] + 0.1 * span, at[-1] - 0.1 * span, 14):
            for binding in (8.0, 25.0, 70.0, 180.0, 400.0):
                for width in (0.01 * span, 0.03 * span, 0.08 * span):
                    start = {
                        "exciton_binding_energy_mev": binding,
                        "gap_ev": float(edge + 1e-3 * binding),
                        "width_mev": 1e3 * width,
                    }
                    columns = np.stack(basis(x, start), axis=1)
                    fitted = columns @ np.linalg.lstsq(columns, y, rcond=None)[0]
                    scored.append((float(np.sum((y - fitted) ** 2)), len(scored), start))
        return [start for _, _, start in sorted(scored)[:4]]

    return SeparableModel(
        name="absorption edge",
        parameters=parameters,
        amplitudes=tuple(amplitudes),
        basis=basis,
        x=(_ENERGY,),
        y=Quantity("absorbance", "", "absorbance"),
        guess=guess,
    )
