r"""Resistance against field of spin valves and of devices with one ferromagnetic electrode.

A spin valve switches its softer electrode at :math:`B_1` and its harder one at :math:`B_2`, in each sweep direction
:math:`d=\pm1`; between them the magnetisations are antiparallel:

.. math:: R=R_P+(R_{AP}-R_P)\,[\Phi_1-\Phi_2],\quad \Phi_i=\tfrac12\Big[1+\tanh\frac{d(B-B_0)-B_i}{w_i}\Big].

Where the electrodes don't switch symmetrically about one field (exchange bias), each of the four switchings has a field
of its own. One ferromagnet on a chiral layer (the CISS half valve) gives
:math:`R=\bar R+\tfrac12\Delta R\tanh((B-B_0-dB_c)/w)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Unpack, get_args

import numpy as np

from perospin.errors import FitError
from perospin.fitting import SeparableModel, fit_model
from perospin.fitting.arrays import Float, real
from perospin.measurements.options import FitOptions
from perospin.measurements.result import SpinFit
from perospin.spectra.chirality.switching import (
    _CLEARLY,
    _chance,
    _four_switchings,
    _half_valve,
    _missed,
    _settled,
    _spin_valve,
    _windows_seen,
)

__all__ = ["Loop", "Over", "fit_magnetoresistance", "julliere_ratio", "magnetoresistance", "sweep_direction"]

Loop = Literal["auto", "spin_valve", "half_valve"]
Over = Literal["parallel", "antiparallel", "mean", "smallest"]
_WORDS = {
    "parallel": "(R_AP - R_P)/R_P",
    "antiparallel": "(R_AP - R_P)/R_AP",
    "mean": "(R(+B) - R(-B))/R_mean",
    "smallest": "(R(+B) - R(-B))/R_min",
}


def julliere_ratio(polarisation_1: Any, polarisation_2: Any, over: Literal["parallel", "antiparallel"]) -> Any:
    r"""Tunnel magnetoresistance of two electrodes (Julliere): :math:`2P_1P_2/(1\mp P_1P_2)`.

    Parameters
    ----------
    polarisation_1, polarisation_2 : float or ndarray
        Spin polarisations of the electrodes, -1 to 1.
    over
        Resistance in the denominator: minus sign for ``"parallel"``, plus for ``"antiparallel"``.

    Examples
    --------
    >>> round(julliere_ratio(0.3, 0.2, "parallel"), 7), round(julliere_ratio(0.3, 0.2, "antiparallel"), 7)
    (0.1276596, 0.1132075)
    """
    product = polarisation_1 * polarisation_2
    return 2.0 * product / (1.0 - product if over == "parallel" else 1.0 + product)


def magnetoresistance(resistance_1_ohm: Any, resistance_2_ohm: Any, over: Over) -> Any:
    """Change of resistance over the resistance that `over` names, as a fraction.

    Parameters
    ----------
    resistance_1_ohm, resistance_2_ohm : float or ndarray
        Antiparallel and parallel, or at +B and -B (ohm).
    over
        ``"parallel"``, ``"antiparallel"``; ``"mean"``, ``"smallest"`` of both.
    """
    below = {
        "parallel": resistance_2_ohm,
        "antiparallel": resistance_1_ohm,
        "mean": 0.5 * (resistance_1_ohm + resistance_2_ohm),
        "smallest": np.minimum(resistance_1_ohm, resistance_2_ohm),
    }[over]
    return (resistance_1_ohm - resistance_2_ohm) / below


def sweep_direction(field_t: Any) -> Float:
    """+1 where the field is swept up, -1 where down, point by point; a repeated field keeps the direction.

    Parameters
    ----------
    field_t
        Fields in the order of measurement (T), shape (n,).
    """
    field = np.asarray(field_t, float)
    steps = np.sign(np.diff(field))
    # a step of noise against the sweep is no turn: the direction is that of a few steps around
    if len(steps) >= 7:
        padded = np.concatenate([steps[:1].repeat(2), steps, steps[-1:].repeat(2)])
        steps = np.sign(np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1))
    last = next((s for s in steps if s != 0), 1.0)
    for i, step in enumerate(steps):
        last = step or last
        steps[i] = last
    return np.concatenate([steps[:1], steps]) if len(steps) else np.ones(len(field))


def fit_magnetoresistance(
    field_t: Any,
    resistance_ohm: Any,
    *,
    loop: Loop = "auto",
    over: Over | None = None,
    background: bool = False,
    sigma: Any = None,
    **options: Unpack[FitOptions],
) -> SpinFit:
    """Magnetoresistance and switching fields from a loop.

    Parameters
    ----------
    field_t
        Fields (T) in the order of measurement, shape (n,): the direction of the sweep is read from it.
    resistance_ohm
        Resistance (ohm, or any quantity proportional to it), shape (n,).
    loop
        ``"spin_valve"``: two magnetic electrodes; ``"half_valve"``: one, whose resistance differs between +B and -B
        (CISS); ``"auto"``: whichever describes the data better (AICc).
    over
        Denominator: ``"parallel"`` (default of a spin valve) or ``"antiparallel"``; ``"mean"`` (default of a half
        valve) or ``"smallest"``.
    background
        Whether a slope in |B| (spin valve) or B (half valve) is fitted.
    sigma
        Standard uncertainty of the signal; estimated from the residuals by default.
    **options
        Of `perospin.fitting.fit_model`: params, intervals, level, seed, robust, sources.

    Returns
    -------
    SpinFit
        ``magnetoresistance_percent`` and the resistances; ``soft_switching_t``, ``hard_switching_t`` or
        ``coercive_field_t``; for a spin valve ``polarisation_product`` (Julliere's P1 P2).

    Raises
    ------
    FitError
        If the data are too few, constant, or `loop` and `over` don't fit together.
    """
    if loop not in get_args(Loop):
        raise FitError(f"loop is '{loop}'; it must be one of: {', '.join(get_args(Loop))}")
    field, resistance, spread, notes = _clean(field_t, resistance_ohm, sigma)
    x = {"field_t": field, "direction": sweep_direction(field)}
    step = float(np.median(np.abs(np.diff(field))[np.diff(field) != 0]))

    def described(model: SeparableModel, kind: str) -> SpinFit:
        widths = {p.name: 0.5 * step for p in model.parameters if p.name.endswith("width_t")}
        fit = fit_model(
            model, x, resistance, sigma=spread, resolution=widths, warnings=notes, result=SpinFit, **options,
            analysis=model.name, settings={"main": "magnetoresistance_percent", "loop": kind},
        )  # fmt: skip
        return _settled(fit, model, x, resistance, spread, step)

    def run(kind: str) -> SpinFit:
        if kind == "half_valve":
            return described(_half_valve(x, resistance, step, background), kind)
        common = described(_spin_valve(x, resistance, step, background), kind)
        if (
            len(set(x["direction"].tolist())) == 1
            or options.get("params")
            or not _missed(common.data["residual"].to_numpy())[0]
        ):
            return common
        own = described(_four_switchings(x, resistance, step, background), kind)
        gain = common.statistics["aicc"] - own.statistics["aicc"]
        # a window that ends outside the sweep was not seen to end: that is one switching a sweep, a half valve's
        if gain < _CLEARLY or (_windows_seen(common, x, step) and not _windows_seen(own, x, step)):
            return common
        return own.with_warnings(
            "the electrodes don't switch symmetrically about one field (exchange bias?): each of the four switchings "
            f"was given a field of its own (AICc better by {gain:.0f}); which electrode is which the resistance alone "
            "doesn't say"
        )

    if loop == "auto":
        both = [run("spin_valve"), run("half_valve")]
        valve, half = (fit.statistics["aicc"] for fit in both)
        seen = _windows_seen(both[0], x, step)
        fit = both[0] if seen and valve <= half else both[1]
        name = "spin valve" if fit is both[0] else "half valve"
        if not seen and half - valve > _CLEARLY:
            fit = fit.with_warnings(
                "a spin valve fits better, but with switchings outside the swept fields, which nothing shows: sweep "
                "further, or give loop='spin_valve' if there are two magnetic electrodes"
            )
        elif seen and abs(valve - half) < _CLEARLY:
            fit = fit.with_warnings(
                f"the loop was taken for that of a {name}, but AICc hardly prefers it (by {abs(valve - half):.1f}): "
                "say which it is"
            )
    else:
        fit = run(loop)
        if loop == "spin_valve" and not _windows_seen(fit, x, step):
            fit = fit.with_warnings(
                "a switching lies outside the swept fields: the window of antiparallel magnetisations was not seen to "
                "close, as in a half valve (loop='half_valve')"
            )
    chance = _chance(fit, x, resistance, spread, step)
    fit = _finished(fit, over)
    return fit if chance < 0.05 else _undetermined(fit, chance, notes)


def _clean(field_t: Any, resistance_ohm: Any, sigma: Any) -> tuple[Float, Float, Any, list[str]]:
    """Check the data without sorting them: the order holds the direction of the sweep."""
    field, resistance = real(field_t, "field_t"), real(resistance_ohm, "resistance_ohm")
    if field.ndim != 1 or field.shape != resistance.shape:
        raise FitError(f"field has the shape {field.shape}, resistance {resistance.shape}: they must be equal columns")
    good = np.isfinite(field) & np.isfinite(resistance)
    notes = []
    if not good.all():
        notes.append(f"{np.count_nonzero(~good)} of {len(good)} rows with missing or infinite values were left out")
    spread = None
    if sigma is not None:
        spread = np.broadcast_to(real(sigma, "sigma"), field.shape)[good]
    field, resistance = field[good], resistance[good]
    if len(field) < 8:
        raise FitError(f"only {len(field)} usable points: a loop needs at least 8")
    if np.ptp(resistance) == 0:
        raise FitError(f"the resistance is constant ({resistance[0]:g}): there is nothing to fit")
    if np.ptp(field) == 0:
        raise FitError(f"every field is {field[0]:g} T: there is nothing to fit against")
    if np.max(np.abs(field)) > 50:
        notes.append(f"fields up to {np.max(np.abs(field)):g} T look like mT or Oe: convert them to tesla")
    return field, resistance, spread, notes


def _undetermined(fit: SpinFit, chance: float, notes: Sequence[str]) -> SpinFit:
    """Leave only the resistance itself: nothing that rests on the change of resistance."""
    table = fit.table.copy()
    rows = ~table["name"].isin(["parallel_ohm", "mean_ohm"]) & (table["status"] != "fixed")
    table.loc[rows, ["value", "uncertainty", "low", "high"]] = np.nan
    table.loc[rows, "status"] = "undetermined"
    return replace(fit, table=table, warnings=tuple(notes)).with_warnings(
        "no change of resistance stands out of the noise: at one of the fields tried, noise alone makes one as large "
        f"with a probability of {'about 1' if chance > 0.9 else f'up to {chance:.2g}'}; the points scatter by "
        f"{fit.statistics['noise']:.2g} ohm"
    )


def _finished(fit: SpinFit, over: Over | None) -> SpinFit:
    kind = fit.settings["loop"]
    allowed = ("parallel", "antiparallel") if kind == "spin_valve" else ("mean", "smallest")
    over = over or allowed[0]  # type: ignore[assignment]
    if over not in allowed:
        raise FitError(f"the denominator '{over}' doesn't belong to a {kind.replace('_', ' ')}: {' or '.join(allowed)}")
    assert over is not None
    four = "up_first_t" in fit
    if four:
        fit = fit.derive("up_second_t", lambda v: v["up_first_t"] + v["up_gap_t"], "T",
                         "field of the second switching, sweep up")  # fmt: skip
        fit = fit.derive("down_second_t", lambda v: v["down_first_t"] - v["down_gap_t"], "T",
                         "field of the second switching, sweep down")  # fmt: skip
    elif kind == "spin_valve":
        fit = fit.derive("hard_switching_t", lambda v: v["soft_switching_t"] + v["gap_t"], "T",
                         "field that switches the harder electrode")  # fmt: skip
    if kind == "spin_valve":
        fit = fit.derive("antiparallel_ohm", lambda v: v["parallel_ohm"] + v["change_ohm"], "ohm",
                         "resistance of antiparallel magnetisations")  # fmt: skip

        def ratio(v: Mapping[str, float]) -> float:
            return float(magnetoresistance(v["parallel_ohm"] + v["change_ohm"], v["parallel_ohm"], over))

        fit = fit.derive(
            "polarisation_product", lambda v: v["change_ohm"] / (2.0 * v["parallel_ohm"] + v["change_ohm"]), "",
            "P1 P2 of the two electrodes after Julliere",
        )  # fmt: skip
    else:

        def ratio(v: Mapping[str, float]) -> float:
            up, down = v["mean_ohm"] + v["half_change_ohm"], v["mean_ohm"] - v["half_change_ohm"]
            return float(magnetoresistance(up, down, over))

    fit = fit.derive(
        "magnetoresistance_percent", lambda v: 100.0 * ratio(v), "%", f"magnetoresistance, {_WORDS[over]}", first=True
    )
    notes = []
    strength = fit["magnetoresistance_percent"]
    if abs(strength.value) < 2 * strength.uncertainty:
        notes.append("the magnetoresistance is not distinguished from zero (less than two standard errors)")
    if kind == "spin_valve" and not four and fit["soft_switching_t"].value < 0:
        notes.append(
            "the softer electrode switches before zero field: antiferromagnetic coupling, or an anisotropic "
            "magnetoresistance rather than a spin valve"
        )
    missed, durbin_watson = _missed(fit.data["residual"].to_numpy())
    if missed:
        notes.append(
            f"the residuals are not noise: neighbouring points of a sweep miss the fit alike (Durbin-Watson "
            f"{durbin_watson:.2f}, near 2 if all is well); another shape, a drift or a further switching is in the "
            "loop, and the uncertainty of the ratio is too small"
        )
    if len(set(fit.data["direction"])) == 1:
        notes.append("the field was swept in one direction only: an offset of the field can't be told from coercivity")
    return replace(
        fit.with_warnings(*notes),
        conventions={"magnetoresistance": _WORDS[over]},
        drawing="loop",
        records={
            "magnetoresistance_percent": {
                "property": "magnetoresistance",
                "unit": "%",
                "note": _WORDS[over],
                "conditions": {"technique": kind.replace("_", " ")},
            }
        },
    )
