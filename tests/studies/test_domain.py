from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import small_study
from perospin.learning import leave_one_group_out, leave_one_out
from perospin.studies import Study
from perospin.studies.predicting.domain import Domain, leverage


@settings(deadline=None, max_examples=40)
@given(st.integers(6, 30), st.integers(1, 4), st.integers(0, 1000))
def test_leverage_is_the_diagonal_of_the_hat_matrix(n, d, seed):
    X = np.random.default_rng(seed).standard_normal((n, d))
    with_one = np.column_stack([np.ones(n), X])
    hat = with_one @ np.linalg.pinv(with_one)
    assert_allclose(leverage(X, X), np.diag(hat), atol=1e-8)
    assert leverage(X, X).sum() == pytest.approx(np.linalg.matrix_rank(with_one))


def test_leverage_beyond_what_the_rows_span():
    X = np.column_stack([np.arange(5.0), 2 * np.arange(5.0)])
    inside, outside = leverage(X, np.array([[10.0, 20.0], [1.0, 0.0]]))
    assert inside == pytest.approx(leverage(X[:, :1], np.array([[10.0]]))[0])
    assert outside == np.inf


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return Study.load(small_study.write(tmp_path_factory.mktemp("domain"), small_study.predicting())).dataset()


def domain(data, scheme, columns=("inverse_n", "halide_z")):
    return Domain(data, columns, scheme, {})


def test_an_unseen_cation_counts_unless_the_scheme_tested_just_that(data, monkeypatch):
    from perospin.chemistry import Perovskite

    new = Perovskite.parse("(HPA)2PbI4")
    spacers = data.groups("spacer") if "group:spacer" in data.rows else data.rows["described_as"].to_numpy(dtype=str)
    plain = domain(data, leave_one_out(len(data)))
    assert any("spacer HPA is not among the training rows" in r for r in plain.reasons(new, data.features.iloc[:1]))
    assert plain.notes(new) == []
    monkeypatch.setattr("perospin.studies.predicting.domain._TESTED_ROWS", 1)
    tested = domain(data, leave_one_group_out(spacers))
    assert not any("HPA" in r for r in tested.reasons(new, data.features.iloc[:1]))
    assert "spacer HPA is not among the training rows; that holds for" in tested.notes(new)[0]


def test_range_distance_and_combination(data):
    from perospin.chemistry import Perovskite

    known = Perovskite.parse("MAPbI3")
    seen = domain(data, leave_one_out(len(data)))
    row = data.features.iloc[:1].copy()
    assert not any("leverage" in r or "standard deviations" in r for r in seen.reasons(known, row))
    far = row.assign(halide_z=1000.0)
    reasons = " ".join(seen.reasons(known, far))
    assert "lies outside the training range" in reasons
    assert "standard deviations away" in reasons
    rng = np.random.default_rng(0)
    line = rng.uniform(-1, 1, len(data))
    table = pd.DataFrame({"a": line, "b": line + 0.05 * rng.standard_normal(len(data))})
    object.__setattr__(data, "features", table)  # the same rows with two columns that go together
    pair = Domain(data, ("a", "b"), leave_one_out(len(data)), {})
    reasons = " ".join(pair.reasons(known, pd.DataFrame({"a": [0.7], "b": [-0.7]})))
    assert "its combination of descriptors is unusual: leverage" in reasons
