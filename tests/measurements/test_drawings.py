"""Saved fits name their picture by a plain word."""

from __future__ import annotations

import json

import matplotlib.figure
import numpy as np
import pytest

from perospin.errors import PerospinError
from perospin.measurements import SpinFit
from perospin.measurements.drawings import DRAWINGS, drawer_of
from perospin.spectra import fit_circular_dichroism


@pytest.fixture(scope="module")
def fit() -> SpinFit:
    wavelength = np.linspace(450, 550, 101)
    shape = np.exp(-(((wavelength - 500) / 12) ** 2))
    return fit_circular_dichroism(wavelength, 30 * shape, 1.0 * shape + 0.2)


@pytest.mark.parametrize("word", DRAWINGS)
def test_every_word_has_its_drawer(word: str) -> None:
    assert callable(drawer_of(word))


def test_a_file_of_format_1_named_a_function_and_is_translated(fit: SpinFit) -> None:
    content = json.loads(fit.to_json())
    del content["drawing"]
    content |= {"format": 1, "plotter": "spectra.chirality_figures:plot_circular_dichroism"}
    again = SpinFit.from_json(json.dumps(content))
    assert again.drawing == fit.drawing == "circular dichroism"
    assert isinstance(again.plot(), matplotlib.figure.Figure)


@pytest.mark.parametrize(
    ("key", "value"), [("drawing", "os:system"), ("plotter", "../evil:run()"), ("plotter", "os:system"), ("drawing", 3)]
)
def test_a_saved_fit_cannot_name_code(fit: SpinFit, key: str, value: object) -> None:
    content = {**json.loads(fit.to_json()), key: value}
    with pytest.raises(PerospinError, match=r"asks for the drawing .* so it is not opened"):
        SpinFit.from_json(json.dumps(content))
