"""Campaigns on a declared space, and with laws that compete."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign_grid import grid
from perospin.errors import NavigationError
from perospin.navigation import Space
from perospin.navigation.campaign.campaign import Campaign
from perospin.navigation.campaign.history import evidence, summarise

SPACE = """
name = "two spacers"
[materials]
spacers = ["PEA", "BA"]
a_cations = ["MA"]
metals = ["Pb"]
halides = ["I"]
layers = [1, 2, 3]
"""


def test_a_space_file_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text(SPACE)
    made = Campaign.new(tmp_path / "c", file, "min log rate (1/ps)")
    file.unlink()  # the log holds the space
    for i, one in enumerate(made.suggest(3)):
        assert made.tell(one.material, {"rate": 0.1 * (i + 1)})
    batch = Campaign.open(tmp_path / "c").suggest(2)
    assert all(0 < one.lower["rate"] < one.mean["rate"] < one.upper["rate"] for one in batch)
    assert made.tell("(PEA)2PbI4", {"rate": 0.02})  # a spelling that the space doesn't write
    with pytest.raises(NavigationError, match="outside the space"):
        made.tell("(PEA)2SnI4", {"rate": 0.02})


def test_less_is_better_turns_suggestions_to_the_small_side(tmp_path: Path) -> None:
    made = Campaign.new(tmp_path / "c", grid(), "min log rate (1/ps)")
    for one in made.space.candidates():
        if float(one.choices["temperature (C)"]) in (60.0, 100.0):
            made.tell(one.name, {"rate": 10 ** (2.0 - float(one.choices["temperature (C)"]) / 50)})
    assert float(made.suggest(1)[0].choices["temperature (C)"]) > 100


def test_laws_compete_and_their_evidence_is_in_the_log(tmp_path: Path) -> None:
    space = Space.from_dict({"name": "mixed", "variables": {"t": {"low": 60, "high": 140, "step": 5, "unit": "C"}}})
    laws = [
        {"kind": "straight line", "column": "t", "level": {"normal": [0, 3]}, "slope": {"normal": [0, 0.1]}},
        {"kind": "constant", "level": {"normal": [2.0, 0.5]}},
    ]
    made = Campaign.new(tmp_path / "c", space, "min rate (1/ps)", model={"kind": "competing", "laws": laws})
    for t in (60, 75, 95, 110, 125):
        made.tell({"t": float(t)}, {"rate": 5.0 - 0.03 * t}, {"rate": 0.01})
    (one,) = made.suggest(1)
    assert float(one.choices["t"]) == 140
    ((known, shares),) = evidence(made.events)
    assert known == 5
    assert sum(shares.values()) == pytest.approx(1.0)
    assert summarise(made, "c").evidence
    with pytest.raises(NavigationError, match="one objective"):
        Campaign.new(tmp_path / "d", space, ["max a", "max b"], model={"kind": "plain"})
    with pytest.raises(NavigationError, match="unknown surrogate"):
        Campaign.new(tmp_path / "d", space, "max a", model={"kind": "oracle"})
