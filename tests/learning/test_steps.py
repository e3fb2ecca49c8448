"""Class means with a step, or a law, between them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perospin.errors import StudyError
from perospin.learning import build_estimator
from perospin.learning.estimators import ClassLaw, ClassStep, used_columns


def table(spacing: list[float], sd: float = 0.0, monovalent: bool = True) -> pd.DataFrame:
    n = len(spacing)
    return pd.DataFrame(
        {
            "is_n1": np.ones(n),
            "spacer_charge": np.full(n, 1.0 if monovalent else 2.0),
            "single_layer_spacing_a": spacing,
            "single_layer_spacing_sd_a": np.full(n, sd),
            "exchange_log10": np.linspace(-1.0, 1.0, n),
        }
    )


SPACING = [9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0]
Y = np.where(np.array(SPACING) > 11.5, 1.0, -1.0)


def test_the_rule_of_three_lines_is_two_levels() -> None:
    model = ClassStep(threshold=11.5).fit(table(SPACING), Y)
    low, high = model.predict(table([11.4, 11.6]))
    assert -1.0 < low < -0.6
    assert 0.6 < high < 1.0  # levels are shrunken towards the mean of all rows


def test_other_classes_stand_at_the_lower_level_whatever_their_spacing() -> None:
    model = ClassStep().fit(table(SPACING), Y)
    assert model.predict(table([20.0], monovalent=False)) == pytest.approx(model.predict(table([9.0])))


def test_a_soft_step_finds_where_the_step_lies() -> None:
    spacing = np.linspace(8.0, 16.0, 60)
    y = np.where(spacing > 12.6, 1.0, -1.0)
    model = ClassStep(threshold=11.0, threshold_sd=1.5, width=0.3).fit(table(list(spacing)), y)
    found = np.interp(0.0, model.predict(table(list(spacing))), spacing)
    assert found == pytest.approx(12.6, abs=0.3)


@given(st.floats(0.0, 3.0), st.floats(0.1, 3.0))
def test_uncertain_spacings_flatten_the_step(sd: float, more: float) -> None:
    step = ClassStep(threshold=11.5, width=0.5, uncertain=True).fit(table(SPACING), Y)
    sharp, flat = (step.predict(table([10.5, 12.5], s)) for s in (sd, sd + more))
    assert flat[1] - flat[0] <= sharp[1] - sharp[0] + 1e-12


def test_prediction_never_falls_with_the_spacing() -> None:
    step = ClassStep(threshold=11.0, threshold_sd=1.5, width=0.7).fit(table(SPACING), Y)
    assert (np.diff(step.predict(table(list(np.linspace(5, 20, 50))))) >= -1e-12).all()


def test_a_law_keeps_its_exponent_and_learns_the_levels() -> None:
    X = table(SPACING)
    model = ClassLaw().fit(X, X["exchange_log10"].to_numpy() + 0.4)
    assert model.predict(X) == pytest.approx(X["exchange_log10"].to_numpy() + 0.4)
    assert model.predict(X, return_std=True)[1] == pytest.approx(np.zeros(len(X)), abs=1e-12)


def test_what_they_read_and_what_they_refuse() -> None:
    columns = list(table([10.0]).columns)
    assert "single_layer_spacing_sd_a" not in used_columns(ClassStep(), columns)
    assert "single_layer_spacing_sd_a" in used_columns(ClassStep(uncertain=True), columns)
    assert set(used_columns(ClassLaw(), columns)) == {"is_n1", "spacer_charge", "exchange_log10"}
    with pytest.raises(StudyError, match=r"width = -1"):
        build_estimator({"kind": "class_step", "width": -1}, 0)
