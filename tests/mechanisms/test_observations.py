from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perospin.errors import DataError, PerospinError
from perospin.mechanisms import Observations, read_observations


def write(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "temperature_k,lifetime_ps\n77,1000\n150,500\n300,250\n",
        "temperature_k;lifetime_ns\n77;1\n150;0.5\n300;0.25\n",
        "Temperature [K]\tLifetime (us)\n77\t1e-3\n150\t5e-4\n300\t2.5e-4\n",
        "# by hand\n\nT (K),tau (ns)\n77,1\n\n150,0.5\n300,0.25\n",
        "temperature_k,rate_per_ps\n77,0.001\n150,0.002\n300,0.004\n",
        "temperature_k,lifetime_ps\n77 K,1 ns\n150 K,500 ps\n26.85 degC,0.25 ns\n",
        "\ufefftemperature_k,lifetime_ps\r\n77,1000\r\n150,500\r\n300,250\r\n",
    ],
)
def test_the_same_table_in_many_spellings(tmp_path: Path, text: str):
    found = read_observations(write(tmp_path, text))
    assert 1 / found.rate_per_ps == pytest.approx([1000, 500, 250])
    assert found.conditions["temperature_k"] == pytest.approx([77, 150, 300])
    assert found.relative_uncertainty is None


def test_uncertainties_and_columns_that_are_not_ours(tmp_path: Path):
    text = "sample,T1 (us),uncertainty (us),field (mT)\na,100,10,12\nb,200,10,30\nc,400,20,60\n"
    found = read_observations(write(tmp_path, text))
    assert found.relative_uncertainty == pytest.approx([0.1, 0.05, 0.05])
    assert found.conditions["field_t"] == pytest.approx([0.012, 0.03, 0.06])
    assert found.ignored == ("sample",)


def test_tau_s_is_the_spin_lifetime(tmp_path: Path):
    found = read_observations(write(tmp_path, "T (degC),tau_s (ns)\n20,1\n40,0.5\n60,0.25\n"))
    assert 1 / found.rate_per_ps == pytest.approx([1000, 500, 250])
    assert found.conditions["temperature_k"] == pytest.approx([293.15, 313.15, 333.15])


@pytest.mark.parametrize(
    "text", ["T (C),tau (ns)\n20,1\n40,0.5\n60,0.25\n", "temperature_k,tau (ns)\n20 C,1\n40 C,0.5\n60C,0.25\n"]
)
def test_c_is_degrees_after_asking(tmp_path: Path, text: str):
    found = read_observations(write(tmp_path, text), celsius=True)
    assert found.conditions["temperature_k"] == pytest.approx([293.15, 313.15, 333.15])


def test_a_column_of_zeros_is_left_out():
    found = Observations.from_frame({"lifetime_ps": [1, 2, 3], "temperature_k": [4, 5, 6], "field_t": [0, 0, 0]})
    assert list(found.conditions) == ["temperature_k"]


def test_rates_and_lifetimes_are_the_same():
    frame = pd.DataFrame({"lifetime_ps": [10.0, 20.0, 40.0], "temperature_k": [300.0, 200.0, 100.0]})
    frame["lifetime_uncertainty_ps"] = 0.1 * frame["lifetime_ps"]
    one = Observations.from_frame(frame)
    rates = {"rate_per_ps": 1 / frame["lifetime_ps"], "rate_uncertainty_per_ps": 0.1 / frame["lifetime_ps"]}
    other = Observations.from_frame({**rates, "temperature_k": frame["temperature_k"]})
    assert np.allclose(one.rate_per_ps, other.rate_per_ps)
    assert np.allclose(one.relative_uncertainty, other.relative_uncertainty)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("temperature_k,lifetime_ps\n77,5\n100,-4\n150,3\n", "line 3, column lifetime_ps: must be a positive number"),
        ("temperature_k,lifetime_ps\n77,5\n\n100,x\n", "line 4, column lifetime_ps: 'x' is not a number"),
        ("temperature_k,lifetime_ps\n77,5\n100,\n150,3\n", "line 3, column lifetime_ps: the value is missing"),
        ("temperature_k,lifetime_ps\n77,5\n100\n", "line 3: 1 cells, but the header has 2"),
        (
            "T (C),lifetime_ps\n20,5\n",
            r"are these degrees Celsius\? Then say --celsius, or write 'temperature \(degC\)'",
        ),
        ("temperature_k,lifetime_ps\n20 C,5\n", "are these degrees Celsius"),
        ("temperature_k,tau_s\n77,5\n", r"'tau_s' has no unit: write 'tau_s \(ps\)'"),
        ("temperatur_k,lifetime_ps\n77,5\n88,4\n99,3\n", r"not understood: temperatur_k"),
        ("temperature_k,lifetime (meV)\n77,5\n", r"column 2 'lifetime \(meV\)': can't convert 'meV'"),
        ("temperature_k,lifetime_mev\n77,5\n", "column 2 'lifetime_mev'"),
        ("temperature_k,lifetime\n77,5\n", r"has no unit: write 'lifetime \(ps\)'"),
        ("temperature_k,lifetimes_ps\n77,5\n", "did you mean lifetime_ps?"),
        ("temperature_k,rate_per_ps,lifetime_ps\n77,5,1\n", "both lifetime_ps and rate_per_ps"),
        ("temperature_k,T (K),lifetime_ps\n77,77,5\n", "temperature_k is there twice"),
        ("colour,lifetime_ps\nred,5\nblue,4\nred,3\n", "no condition to compare against"),
        ("temperature_k,lifetime_ps\n77,5\n77,4\n77,3\n", "nothing tells mechanisms apart"),
        ("temperature_k,lifetime_ps\n77,5\n100,4\n", "has 2 rows"),
        ("temperature_k,lifetime_ps\n77,5\n100,4\n150,3 K\n", "line 4, column lifetime_ps: can't convert 'K'"),
        ("field_t,lifetime_ps\n0.1,5\n0,4\n0.2,3\n", "line 3, column field_t: a value of 0"),
        ("temperature_k,rate_per_ps,lifetime_uncertainty_ps\n77,5,1\n", "not the column it belongs to"),
    ],
)
def test_mistakes_name_line_and_column(tmp_path: Path, text: str, words: str):
    with pytest.raises(DataError, match=words) as error:
        read_observations(write(tmp_path, text))
    assert "\n" not in str(error.value)


def test_files_that_are_no_tables(tmp_path: Path):
    binary = tmp_path / "b.csv"
    binary.write_bytes(bytes(range(256)) * 10)
    with pytest.raises(DataError, match="not a text file"):
        read_observations(binary)
    with pytest.raises(DataError, match="there is no file"):
        read_observations(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_observations(tmp_path)
    big = tmp_path / "big.csv"
    big.write_text("a" * 2_000_001)
    with pytest.raises(DataError, match="more than 2 MB"):
        read_observations(big)


PIECES = [
    "temperature_k", "lifetime_ps", "rate_per_ps", "T (K)", ",", "\n", ";", "77", "1e9", "-3", "nan", '"', " K", "#",
]  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))
def test_no_text_is_answered_by_anything_but_a_table_or_a_sentence(tmp_path: Path, text: str):
    try:
        found = read_observations(write(tmp_path, text))
    except PerospinError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert np.all(found.rate_per_ps > 0)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"lifetime_ps": [1, 2, "x"], "temperature_k": [1, 2, 3]}, "row 3, column lifetime_ps: 'x' is not a number"),
        ({"lifetime_ps": [1, 2, None], "temperature_k": [1, 2, 3]}, "row 3, column lifetime_ps: the value is missing"),
        ({"lifetime_ps": [1, 2, 3], "temperature_k": [1, 2]}, "differ in length"),
    ],
)
def test_frames_name_row_and_column(table, words: str):
    with pytest.raises(DataError, match=words):
        Observations.from_frame(table)
