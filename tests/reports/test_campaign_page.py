"""The page of a campaign: what is on it is what the log says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from campaign_grid import grid, truth
from perospin.navigation import Campaign
from perospin.navigation.campaign.history import kept_share, progress, promises, summarise
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
    }


def test_an_empty_campaign_has_a_page(tmp_path: Path) -> None:
    made = Campaign.new(tmp_path / "c", grid(), ["max gap (eV)", "min rate (1/ps)"])
    text = campaign_page(summarise(made, "mine"), tmp_path / "report").read_text(encoding="utf-8")
    assert "Nothing is pending" in text


def test_the_example_measures_no_material_twice(tmp_path: Path) -> None:
    order = runpy.run_path(str(EXAMPLE))["replay"](tmp_path / "replay")
    assert len(set(order)) == len(order) == 20
