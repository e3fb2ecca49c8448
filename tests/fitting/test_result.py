"""The result: words, derived quantities, file, picture."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import matplotlib.figure
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitting.models import DECAY
from perospin.errors import FitError
from perospin.fitting import Fit, Source, fit_model, fixed
from perospin.fitting.result import rounded

DELAY = np.linspace(0.0, 50.0, 60)


@pytest.fixture(scope="module")
def fit() -> Fit:
    y = DECAY(DELAY, lifetime_ps=7.76, amplitude=2.0, offset=0.1)
    y = y + 0.05 * np.random.default_rng(1).normal(size=len(y))
    return fit_model(DECAY, DELAY, y, sources=[Source("a.csv", "0" * 64)], conventions={"lifetime": "1/e"})


def test_values_by_name_and_by_attribute(fit: Fit) -> None:
    assert fit["lifetime_ps"].value == fit.lifetime_ps == fit.values["lifetime_ps"]
    assert float(fit["lifetime_ps"]) == fit.lifetime_ps
    assert fit.uncertainty["lifetime_ps"] == fit["lifetime_ps"].uncertainty
    assert "lifetime_ps" in fit
    assert "lifetime_ps" in dir(fit)
    with pytest.raises(FitError, match="it has: lifetime_ps, amplitude, offset"):
        fit["lifetime"]
    with pytest.raises(AttributeError):
        _ = fit.lifetime


def test_a_fit_does_not_change(fit: Fit) -> None:
    with pytest.raises(AttributeError):
        fit.level = 0.9  # type: ignore[misc]
    with pytest.raises(TypeError):
        fit.statistics["chi2"] = 0.0  # type: ignore[index]


def test_words(fit: Fit) -> None:
    report = fit.report()
    for part in ("lifetime_ps", " ps", "68%", "convention, lifetime: 1/e", "a.csv", "noise"):
        assert part in report
    assert "reduced chi2" not in report  # without sigma it has the data's unit, and says nothing
    assert fit.summary().startswith("decay: lifetime_ps = ")
    assert "\n" not in fit.summary()


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (7.7634, 0.0512, "7.763 ± 0.051"),
        (514.3, 12.0, "514 ± 12"),
        (1.0e8, 2.0e6, "(1.000 ± 0.020)e+8"),
        (-0.0002, 0.0001, "-0.00020 ± 0.00010"),
        (2.0, math.nan, "2"),
        (0.0, 0.5, "0.00 ± 0.50"),
    ],
)
def test_rounding(value: float, error: float, text: str) -> None:
    assert rounded(value, error) == text


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e9))
def test_rounding_keeps_value_and_error(value: float, error: float) -> None:
    text = rounded(value, error)
    power = 10.0 ** int(text.rpartition("e")[2]) if text.startswith("(") else 1.0
    first, second = text.strip("(").replace(")", " ").split("e")[0].split("±")
    assert float(first) * power == pytest.approx(value, abs=0.06 * error + 1e-15 * abs(value))
    assert float(second) * power == pytest.approx(error, rel=0.06)


def test_derived_of_one_quantity_maps_its_interval(fit: Fit) -> None:
    rate = fit.derive("rate_per_ps", lambda v: 1.0 / v["lifetime_ps"], "1/ps")["rate_per_ps"]
    value = fit["lifetime_ps"]
    assert rate.value == pytest.approx(1 / value.value)
    assert (rate.low, rate.high) == pytest.approx((1 / value.high, 1 / value.low))
    assert rate.uncertainty == pytest.approx(value.uncertainty / value.value**2, rel=1e-5)
    assert rate.status == "derived"


def test_derived_of_several_uses_correlations(fit: Fit) -> None:
    area = fit.derive("area", lambda v: v["lifetime_ps"] * v["amplitude"])["area"]
    c = fit.covariance().loc[["lifetime_ps", "amplitude"], ["lifetime_ps", "amplitude"]].to_numpy()
    g = np.array([fit.amplitude, fit.lifetime_ps])
    assert area.uncertainty == pytest.approx(math.sqrt(g @ c @ g), rel=1e-5)
    again = fit.derive("twice", lambda v: 2 * v["lifetime_ps"]).derive("back", lambda v: v["twice"] - v["lifetime_ps"])
    assert again["back"].value == pytest.approx(fit.lifetime_ps)
    assert again["back"].uncertainty == pytest.approx(fit["lifetime_ps"].uncertainty, rel=1e-5)


def test_bounds_pass_on() -> None:
    y = DECAY(DELAY, lifetime_ps=7.76, amplitude=2.0, offset=0.1)
    y = y + 0.05 * np.random.default_rng(1).normal(size=len(y))
    bound = fit_model(DECAY, DELAY, y, resolution={"lifetime_ps": 9.0})
    fit = bound.derive("flip_ps", lambda v: 2 * v["lifetime_ps"]).derive("rate", lambda v: 1 / v["lifetime_ps"])
    assert (fit["flip_ps"].status, fit["flip_ps"].value) == ("upper bound", 18.0)
    assert (fit["rate"].status, fit["rate"].value) == ("lower bound", pytest.approx(1 / 9.0))
    assert str(fit["rate"]).startswith("> 0.111")
    mixed = bound.derive("area", lambda v: v["lifetime_ps"] * v["amplitude"])["area"]
    assert mixed.status == "undetermined"
    fixed_one = fit_model(DECAY, DELAY, y, params={"lifetime_ps": fixed(5.0)})
    assert fixed_one.derive("flip_ps", lambda v: 2 * v["lifetime_ps"])["flip_ps"].value == 10.0


def test_round_trip_through_a_file(fit: Fit, tmp_path: Path) -> None:
    more = fit.derive("rate_per_ps", lambda v: 1.0 / v["lifetime_ps"], "1/ps").with_warnings("look out")
    back = Fit.load(more.save(tmp_path / "fit.json"))
    assert back.report() == more.report()
    assert back.to_json() == more.to_json()
    assert back.data.equals(more.data)
    assert back.correlation.equals(more.correlation)
    content = json.loads((tmp_path / "fit.json").read_text())
    assert content["format"] == 2


def test_a_file_of_this_format_written_before_is_still_read() -> None:
    fit = Fit.load(Path(__file__).parent / "data" / "fit_format_1.json")
    assert fit.lifetime_ps == pytest.approx(7.7, abs=0.5)
    assert fit["rate_per_ps"].status == "derived"


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 1}', "nonsense", '{"format": 99, "kind": "Fit"}'])
def test_what_is_no_fit_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(FitError, match=r"not a saved fit|newer version"):
        Fit.load(path)


def test_source_hashes_bytes(tmp_path: Path) -> None:
    path = tmp_path / "raw.txt"
    path.write_bytes(b"1 2\n")
    assert Source.of(path).sha256 == hashlib.sha256(b"1 2\n").hexdigest()
    with pytest.raises(FitError, match="can't read"):
        Source.of(tmp_path / "missing.txt")


def test_picture_has_labels_with_units(fit: Fit) -> None:
    figure = fit.plot()
    assert isinstance(figure, matplotlib.figure.Figure)
    top, bottom = figure.axes
    assert top.get_ylabel() == "signal (mOD)"
    assert bottom.get_xlabel() == "delay (ps)"
