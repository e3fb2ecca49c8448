"""The page of a campaign: what is on it is what the log says."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from campaign_grid import grid, truth
from perospin.navigation import Campaign, Space
from perospin.navigation.campaign.history import kept_share, progress, promises, summarise
from perospin.navigation.campaign.maps import beliefs
from perospin.reports.campaigns.write import campaign_page

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "campaign" / "replay.py"


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    made = Campaign.new(tmp_path / "c", grid(), "max gap (eV)")
    made.tell("BA-0.0-60", {"gap": 1.2}, kind="imported", note="<b>notebook</b> & 3")
    for _ in range(3):
        for one in made.suggest(2):
            made.tell(one.material, {"gap": truth(one.choices)}, {"gap": 0.02})
    made.suggest(2)
    return made


def test_history_is_that_of_the_log(campaign: Campaign) -> None:
    events, (gap,) = campaign.events, campaign.objectives
    way = progress(events, gap)
    best = [value for _, value in way]
    assert len(way) == 7
    assert best == sorted(best)
    assert best[-1] == max(event.values["gap"] for event, _ in way)
    made = promises(events, gap)
    assert 2 <= len(made) <= 6
    for one in made:
        inside = one.lower <= one.value <= one.upper
        assert one.kept or not inside  # the error of the measurement only widens
    share = kept_share(made)
    assert share is not None
    assert share[1] <= share[0] <= share[2]
    assert kept_share([]) is None


def test_the_page_shows_it_and_escapes_what_was_told(campaign: Campaign, tmp_path: Path) -> None:
    page = campaign_page(summarise(campaign, "mine"), tmp_path / "report")
    text = page.read_text(encoding="utf-8")
    assert "<b>notebook" not in text
    assert "&lt;b&gt;notebook" in text
    for name in campaign.status().pending:
        assert name in text
    assert {path.name for path in (tmp_path / "report" / "figures").glob("*.png")} == {
        "progress-1.png",
        "intervals-1.png",
        *(f"belief-1-{i}.png" for i in range(1, 6)),
    }


def test_an_empty_campaign_has_a_page(tmp_path: Path) -> None:
    made = Campaign.new(tmp_path / "c", grid(), ["max gap (eV)", "min rate (1/ps)"])
    text = campaign_page(summarise(made, "mine"), tmp_path / "report").read_text(encoding="utf-8")
    assert "Nothing is pending" in text


def test_the_example_measures_no_material_twice(tmp_path: Path) -> None:
    order = runpy.run_path(str(EXAMPLE))["replay"](tmp_path / "replay")
    assert len(set(order)) == len(order) == 20


def test_slices_and_maps_are_the_models(campaign: Campaign) -> None:
    (belief,) = beliefs(campaign)
    best = campaign.status().best["gap"]
    assert belief.best == best[0]
    assert {one.column for one in belief.slices} == {"bromide", "temperature (C)"}
    chosen = campaign.space.find({"name": best[0]}).choices
    for one in belief.slices:
        assert (one.lower <= one.mean).all()
        assert (one.mean <= one.upper).all()
        assert len(one.known_x) == len(one.known_values) == 7
        at = int(np.argmin(np.abs(one.x - float(chosen[one.column]))))
        assert one.mean[at] == pytest.approx(best[1], abs=0.1)  # every slice goes through the best material
    (levels,) = belief.levels
    assert levels.choice == "spacer"
    assert sorted(levels.names) == ["BA", "PEA"]
    assert list(levels.mean) == sorted(levels.mean, reverse=True)
    assert belief.map is not None
    assert set(belief.map.columns) == {"bromide", "temperature (C)"}
    assert (belief.map.half >= 0).all()


def test_three_fractions_make_a_triangle_and_logs_stay_above_zero(tmp_path: Path) -> None:
    parts = ["iodide", "bromide", "chloride"]
    space = Space.from_dict({"name": "mix", "fractions": {"halide": {"components": parts, "step": 0.25}}})
    made = Campaign.new(tmp_path / "c", space, "min log rate (1/ps)")
    for one in made.suggest(4):
        shares = [float(one.choices[f"halide:{part}"]) for part in parts]
        made.tell(one.material, {"rate": 10 ** -(shares[0] + 2 * shares[1])})
    (belief,) = beliefs(made)
    assert belief.slices == []  # no share goes alone
    assert belief.map is not None
    assert belief.map.columns == ("halide:iodide", "halide:bromide", "halide:chloride")
    np.testing.assert_allclose(belief.map.points.sum(axis=1), 1.0)
    assert (belief.map.mean > 0).all()
    page = campaign_page(summarise(made, "mix"), tmp_path / "report").read_text(encoding="utf-8")
    assert "What it believes: rate (1/ps)" in page
