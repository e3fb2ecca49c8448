"""What of a fit goes into a paper: the curves as columns for Origin, and a sentence about the method."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from perospin.measurements.result import SpinFit

__all__ = ["curves", "headline", "methods"]


def curves(fit: SpinFit) -> pd.DataFrame:
    """Put data, best fit and residual into columns, units in the headings; one row a point.

    Two traces stand side by side, with the two components behind them: the population (the sum of the fits) and the
    spins (their difference).

    Parameters
    ----------
    fit
        With one data set.

    Returns
    -------
    DataFrame, shape (n_points, n_columns)
    """
    import pandas as pd

    data = fit.data
    if "channel" not in data:
        return data.copy()
    parts = {
        name: data[data["channel"] == channel].sort_values("delay_ps", kind="stable").reset_index(drop=True)
        for channel, name in ((1.0, "SC"), (-1.0, "CC"))
    }
    same, counter = parts["SC"], parts["CC"]
    if len(same) != len(counter) or not (same["delay_ps"] == counter["delay_ps"]).all():
        return data.copy()
    columns = {"delay (ps)": same["delay_ps"]}
    for name, part in parts.items():
        columns |= {name: part["signal"], f"{name} fit": part["best_fit"], f"{name} residual": part["residual"]}
    columns["population (SC + CC) fit"] = same["best_fit"] + counter["best_fit"]
    columns["spins (SC - CC) fit"] = same["best_fit"] - counter["best_fit"]
    return pd.DataFrame(columns)


_METHODS = {"covariance": "the covariance matrix", "profile": "profile likelihoods", "bootstrap": "a bootstrap"}
_RESPONSES = {
    "gaussian": "convolved with a Gaussian instrument response",
    "measured": "convolved with the measured instrument response",
    "sharp": "without an instrument response",
}
_OBSERVABLES = {
    "joint": "same- and counter-circular traces were fitted together by exponential decays of population and spin "
    "polarisation",
    "difference": "the difference of same- and counter-circular traces was fitted by exponential decays",
    "polarisation": "the polarisation (SC - CC)/(SC + CC) was fitted by exponential decays",
    "populations": "same- and counter-circular traces were fitted by rate equations of the spin-up and spin-down "
    "populations",
}


def methods(fit: SpinFit) -> str:
    """Sentence about the method, to be pasted into a paper: model, response, convention, intervals, version."""
    name = str(fit.settings.get("main", "")) or next(iter(fit.records), fit.names[0])
    what = _OBSERVABLES.get(
        str(fit.settings.get("observable", "")), f"data were fitted by the analysis '{fit.analysis}'"
    )
    response = _RESPONSES.get(str(fit.settings.get("response", "")), "")
    told = f"{what[:1].upper()}{what[1:]}" + (f", {response}" if response else "")
    sentences = [f"{told} (perospin {version('perospin')})."]
    found = fit[name]
    if found.status in ("fitted", "derived"):
        meaning = (
            fit.conventions.get("lifetime", "").removeprefix("lifetime_ps is the ") if name == "lifetime_ps" else ""
        )
        stem = name.removesuffix("_ps").replace("_", " ")
        value = f"The {stem}{f', the {meaning},' if meaning else ''} is {found}"
        how = _METHODS.get(fit.interval_method, fit.interval_method)
        sentences.append(f"{value} ({fit.level:.0%} interval from {how}).")
    return " ".join(sentences)


def headline(fit: SpinFit) -> str:
    """Write the main value in a unit that suits its size, with the convention of a lifetime."""
    name = str(fit.settings.get("main", "")) or next(iter(fit.records), fit.names[0])
    return fit.stated(name) + _convention(fit, name)


def _convention(fit: SpinFit, name: str) -> str:
    """Name the convention of a lifetime, in words, behind its value."""
    meaning = fit.conventions.get("lifetime", "")
    if name != "lifetime_ps" or not meaning:
        return ""
    words = meaning.removeprefix("lifetime_ps is the ")
    return f" ({words}; convention {fit.settings.get('convention', '')})"
