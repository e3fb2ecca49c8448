"""Ask and tell: batches, pending and failed rows, repeats, and the same log giving the same batch."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from campaign_grid import grid, truth
from perospin.errors import NavigationError
from perospin.navigation.campaign.belief import Known, chance_of_success
from perospin.navigation.campaign.campaign import Campaign
from perospin.navigation.campaign.log import Event, Log
from perospin.navigation.campaign.suggesting import _Spread
from perospin.navigation.surrogates.columns import InputColumns
from perospin.navigation.surrogates.drawing import drawn


def tell_batch(campaign: Campaign, count: int) -> list[str]:
    batch = campaign.suggest(count)
    for one in batch:
        campaign.tell(one.material, {"gap": truth(one.choices)}, {"gap": 0.01})
    return [one.material for one in batch]


def test_it_finds_the_best_of_sixty_in_sixteen(campaign: Campaign) -> None:
    for _ in range(4):
        tell_batch(campaign, 4)
    assert campaign.status().best["gap"] == ("PEA-0.6-100", pytest.approx(2.2))
    assert campaign.status().measured == 16
    campaign.suggest(1)
    assert campaign.status().advice.startswith(("stop:", "go on:"))


def test_each_suggestion_says_why(campaign: Campaign) -> None:
    tell_batch(campaign, 4)
    batch = campaign.suggest(3)
    assert len({one.material for one in batch}) == 3
    for one in batch:
        assert one.lower["gap"] < one.mean["gap"] < one.upper["gap"]
        assert one.expected_gain is not None
        assert one.acquisition is not None
        assert 0.0 <= one.exploration <= 1.0
        assert one.nearest in one.words
        assert "expected gain" in one.words
    assert set(campaign.status().pending) == {one.material for one in batch}
    # nothing pending or measured is suggested again
    assert not set(campaign.status().pending) & {one.material for one in campaign.suggest(3)}


def test_the_same_log_suggests_the_same(campaign: Campaign, tmp_path: Path) -> None:
    for acquisition in ("log-ei", "thompson", "noisy-ei"):
        tell_batch(campaign, 2)
        campaign._log.close()
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(tmp_path / "c", tmp_path / "copy")
        other = Campaign.open(tmp_path / "copy")
        mine = campaign.suggest(2, acquisition=acquisition)
        assert mine == other.suggest(2, acquisition=acquisition)
        other.close()


@pytest.mark.parametrize("name", ["ei", "ucb", "pi", "uncertainty", "thompson", "noisy-ei"])
def test_every_acquisition_gives_a_batch(campaign: Campaign, name: str) -> None:
    tell_batch(campaign, 5)
    batch = campaign.suggest(2, acquisition=name)
    assert len({one.material for one in batch}) == 2


def test_two_objectives_by_area_and_by_desirability(tmp_path: Path) -> None:
    wanted = ["max gap (eV) from 0 to 2.2", "min log rate (1/ps) from 10 to 0.01"]
    made = Campaign.new(tmp_path / "two", grid(), wanted)
    for one in made.suggest(6):
        rate = 10 ** (float(one.choices["bromide"]) * 2 - 1)
        made.tell(one.material, {"gap": truth(one.choices), "rate": rate})
    batch = [made.suggest(2, acquisition=name) for name in ("hypervolume", "desirability")]
    for one in (one for some in batch for one in some):
        assert one.lower["rate"] < one.mean["rate"] < one.upper["rate"]
        assert "rate (1/ps)" in one.words
    with pytest.raises(NavigationError, match="for one objective"):
        made.suggest(1, acquisition="log-ei")


def test_failures_push_suggestions_away_and_abandoning_does_not(campaign: Campaign) -> None:
    tell_batch(campaign, 4)
    first = campaign.suggest(1)[0]
    campaign.tell(first.material, kind="abandoned", note="out of stock")
    assert first.material not in campaign.status().pending
    assert campaign.suggest(1)[0].chance == 1.0
    for x in (0.4, 0.6, 0.8):
        campaign.tell({"spacer": "PEA", "bromide": x, "temperature (C)": 100.0}, kind="failed")
    inputs, _ = campaign.space.encode([campaign.space.find({"name": name}) for name in ("PEA-0.6-100", "BA-0.0-60")])
    near, far = chance_of_success(Known.of(campaign.events, campaign.space), inputs)
    assert near < 0.5 < 0.85 < far
    assert "chance that it can be made" in campaign.suggest(1)[0].words


def test_made_is_learnt_and_other_tasks_are_not_compared(campaign: Campaign) -> None:
    campaign.tell("BA-0.0-60", {"gap": 99.0}, kind="imported", task="other laboratory")
    campaign.tell("BA-0.0-80", {"gap": 1.0}, made={"bromide": 0.07})
    known = Known.of(campaign.events, campaign.space)
    assert known.inputs[1][1] == pytest.approx(0.07)
    assert campaign.status().best["gap"] == ("BA-0.0-80", 1.0)
    tell_batch(campaign, 3)
    assert campaign.suggest(1)[0].mean["gap"] < 60.0
    # measured for another task only: still to be tried here
    assert "BA-0.0-60" not in Known.of(campaign.events, campaign.space).taken


def test_results_told_twice_count_once_and_repeats_twice(campaign: Campaign) -> None:
    assert campaign.tell("BA-0.0-60", {"gap": 1.5})
    assert not campaign.tell("BA-0.0-60", {"gap": 1.5})
    assert campaign.tell("BA-0.0-60", {"gap": 1.5}, again=True)
    assert campaign.tell("BA-0.0-60", {"gap": 1.4})
    assert campaign.status().measured == 3


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({"material": "BA-0.0-61", "values": {"gap": 1.0}}, "no candidate of this campaign; did you mean"),
        ({"material": {"bromide": 0.2}, "values": {"gap": 1.0}}, "10 candidates have"),
        ({"material": "BA-0.0-60", "values": {"band": 1.0}}, "no objective"),
        ({"material": "BA-0.0-60"}, "has no value"),
        ({"material": "BA-0.0-60", "values": {"gap": 1.0}, "kind": "failed"}, "can have no value"),
        ({"material": "BA-0.0-60", "values": {"gap": np.nan}}, "finite"),
        ({"material": "BA-0.0-60", "values": {"gap": 1.0}, "uncertainties": {"gap": -1.0}}, "0 or more"),
        ({"material": "BA-0.0-60", "values": {"gap": 1.0}, "made": {"spacer": "MA"}}, "none of the campaign"),
        ({"material": "BA-0.0-60", "values": {"gap": 1.0}, "made": {"bromide": "much"}}, "none of the campaign"),
    ],
)
def test_wrong_outcomes_get_one_sentence_and_change_nothing(campaign: Campaign, told: dict, match: str) -> None:
    with pytest.raises(NavigationError, match=match):
        campaign.tell(**told)
    assert len(campaign.events) == 1


def test_cost_and_declaration_are_checked(tmp_path: Path) -> None:
    for wrong, match in (
        ({"objectives": "gap"}, "no objective"),
        ({"objectives": "max gap", "cost": "spacer"}, "numbers above 0"),
        ({"objectives": "max bromide"}, "both a choice"),
        ({"objectives": "max gap", "acquisition": "best"}, "unknown acquisition"),
        ({"objectives": "max gap", "stop_below": -1.0}, "above 0"),
    ):
        with pytest.raises(NavigationError, match=match):
            Campaign.new(tmp_path / "w", grid(), **wrong)
    assert not (tmp_path / "w").exists()
    dear = Campaign.new(tmp_path / "cost", grid(), "max gap (eV)", cost="temperature (C)")
    assert dear.suggest(2)


class Fixed:
    """A surrogate whose functions have a known covariance."""

    def __init__(self, covariance: np.ndarray) -> None:
        self.covariance, self.columns = covariance, InputColumns.continuous({"x": (0.0, 1.0)})

    def sample(self, inputs: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
        return drawn(np.full(len(inputs), 3.0), self.covariance, count, generator)


def test_what_is_left_after_pending_rows_is_the_conditional_spread() -> None:
    x = np.linspace(0, 1, 7)
    covariance = np.exp(-0.5 * (x[:, None] - x) ** 2 / 0.3**2)
    spread = _Spread([Fixed(covariance)], x[:, None], np.random.default_rng(0))
    for place in (1, 5):
        spread.learn(place)
    some = covariance[:, [1, 5]]
    exact = np.sqrt(np.diag(covariance - some @ np.linalg.inv(covariance[np.ix_([1, 5], [1, 5])]) @ some.T).clip(0))
    assert spread.left()[:, 0] == pytest.approx(exact, abs=0.04)


def test_pending_rows_take_no_gain_from_what_lies_far_away(campaign: Campaign) -> None:
    tell_batch(campaign, 4)
    first = campaign.suggest(1)[0]
    later = campaign.suggest(6)
    assert first.expected_gain is not None
    # the gain of a suggestion is that of the results alone, so that the advice to stop doesn't follow from waiting
    assert max(one.expected_gain or 0.0 for one in later) > 0.2 * first.expected_gain


def test_a_log_that_is_none_gets_one_sentence(tmp_path: Path) -> None:
    for i, first in enumerate((Event("begun", detail={"seed": 0}), Event("measured", "A"))):
        (tmp_path / str(i)).mkdir()
        Log(tmp_path / str(i) / "log.sqlite").create(first)
        with pytest.raises(NavigationError, match=r"isn't whole|holds no campaign"):
            Campaign.open(tmp_path / str(i))
    (tmp_path / "log.sqlite").write_bytes(b"no database at all" * 50)
    with pytest.raises(NavigationError, match="can't be used"):
        Campaign.open(tmp_path)
