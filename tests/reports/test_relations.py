"""Relations of the records: pairs by material, intervals that hold, and "can't tell" where nothing can be told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from perospin.cli import main
from perospin.errors import DataError
from perospin.reports.relations.axes import axes_listed, axis
from perospin.reports.relations.drawing import by_material_figure, relation_figure
from perospin.reports.relations.ready import READY
from perospin.reports.relations.relate import rank_correlation, relate


@given(st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=4, max_size=30))
def test_the_correlation_is_spearmans(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    found = rank_correlation(x, y, [str(i) for i in range(len(x))])
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert np.isnan(found.rho)
        return
    assert found.rho == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    assert found.low <= found.rho + 0.5
    assert -1 <= found.low <= found.high <= 1
    assert 0 < found.p_value <= 1


def test_a_perfect_order_of_four_says_nothing_of_six_something() -> None:
    for n, tells in ((4, False), (6, True)):
        found = rank_correlation(np.arange(n, dtype=float), np.arange(n, dtype=float), list("abcdef")[:n])
        assert found.rho == pytest.approx(1.0)
        assert found.tells is tells
    # exact: two of the 24 orders of four are perfect
    assert rank_correlation(np.arange(4.0), np.arange(4.0), list("abcd")).p_value == pytest.approx(2 / 24)


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 20])
def test_the_interval_of_pairs_that_have_nothing_to_do_with_each_other_holds_zero(n: int) -> None:
    rng = np.random.default_rng(n)
    names = [str(i) for i in range(n)]
    found = [rank_correlation(rng.normal(size=n), rng.normal(size=n), names) for _ in range(120)]
    assert np.mean([one.low <= 0 <= one.high for one in found]) > 0.9
    assert np.mean([one.tells for one in found]) < 0.1


def test_records_of_one_material_are_no_evidence_of_their_own() -> None:
    rng = np.random.default_rng(3)
    level = np.repeat(rng.normal(size=5), 20)
    x, y = level + 0.01 * rng.normal(size=100), np.repeat(rng.normal(size=5), 20) + 0.01 * rng.normal(size=100)
    found = rank_correlation(x, y, [str(i) for i in np.repeat(np.arange(5), 20)])
    alone = rank_correlation(x, y, [str(i) for i in range(100)])
    assert found.high - found.low > 3 * (alone.high - alone.low)
    assert not found.tells


def test_properties_are_paired_by_material() -> None:
    found = relate("xray_sensitivity", "xray_detection_limit", user=False)
    assert found.points["formula"].is_unique
    assert found.materials == len(found.points) >= 15
    assert found.correlation.rho < 0
    assert "falls with" in found.verdict
    row = found.points.set_index("formula").loc["MAPbI3"]
    assert row["x_low"] < row["x"] < row["x_high"]


def test_the_review_s_figure_of_chirality_cannot_be_drawn_today() -> None:
    for name in ("gcd-polarisation", "gcd-magnetoresistance"):
        found = relate(READY[name].x, READY[name].y, user=False)
        assert "nothing can be said" in found.verdict
        with pytest.raises(DataError, match="nothing can be drawn"):
            relation_figure(found)


def test_few_pairs_are_said_to_be_few() -> None:
    found = relate("band_gap", "g_factor:hole", user=False)
    assert found.materials == 3
    assert "too few" in found.verdict
    assert not found.correlation.tells


def test_a_condition_is_paired_with_each_record() -> None:
    found = relate("temperature_k", "tau_spin", user=False)
    assert len(found.points) > found.materials
    assert found.correlation.how.startswith("percentiles")


def test_what_was_pooled_is_told() -> None:
    found = relate("band_gap", "g_factor", user=False)
    assert any("carriers are pooled" in note and "'g_factor:" in note for note in found.notes)
    assert not any("carriers are pooled" in note for note in relate("band_gap", "g_factor:hole", user=False).notes)


@pytest.mark.parametrize("name", READY)
def test_every_ready_plot_is_drawn_or_refused_in_a_sentence(name: str) -> None:
    import matplotlib.pyplot as plt

    ready = READY[name]
    if ready.y:
        relation = relate(ready.x, ready.y, user=False, **ready.filters)
        if not len(relation.points):
            with pytest.raises(DataError, match="nothing can be drawn"):
                relation_figure(relation)
            return
        figure = relation_figure(relation, law=ready.law)
    else:
        figure = by_material_figure(ready.x, user=False, **ready.filters)
    assert figure.axes[0].get_xlabel()
    plt.close(figure)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ("gfactor", "T1", "did you mean"),
        ("g_factor:proton", "T1", "unknown carrier"),
        ("temperature_k:hole", "T1", "no carrier"),
        ("temperature_k", "delta_beta_deg", "no properties"),
        ("T1", "T1", "both axes"),
    ],
)
def test_wrong_axes_are_one_sentence(x: str, y: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        relate(x, y)


def test_every_listed_axis_is_one() -> None:
    assert all(axis(name).words for name in axes_listed())


def test_the_command_line_says_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as left:
        main(["data", "relate", "xray_sensitivity", "xray_detection_limit", "--json"])
    assert left.value.code == 0
    told = json.loads(capsys.readouterr().out)
    found = relate("xray_sensitivity", "xray_detection_limit")
    assert told["verdict"] == found.verdict
    assert len(told["points"]) == found.materials
    figure = tmp_path / "limits.svg"
    with pytest.raises(SystemExit) as left:
        main(["data", "plot", "limit-sensitivity", "--out", str(figure)])
    assert left.value.code == 0
    assert figure.read_text().startswith("<?xml")
    with pytest.raises(SystemExit) as left:
        main(["data", "plot", "tau_spin", "--out", str(tmp_path / "x.exe")])
    assert left.value.code == 2
    assert "allowed are" in capsys.readouterr().err
