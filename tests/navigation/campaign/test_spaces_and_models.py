"""Campaigns on a declared space, and with laws that compete."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from campaign_grid import grid
from perospin.chemistry import Ion
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
    for model in ({"kind": "plain"}, {"rate": {"kind": "plain"}}, {"a": "plain"}):
        with pytest.raises(NavigationError, match="each has a model of its own, under its name: a and b"):
            Campaign.new(tmp_path / "d", space, ["max a", "max b"], model=model)
    with pytest.raises(NavigationError, match="unknown surrogate"):
        Campaign.new(tmp_path / "d", space, "max a", model={"kind": "oracle"})


def test_two_objectives_have_a_law_each(tmp_path: Path) -> None:
    space = Space.from_dict({"name": "mixed", "variables": {"t": {"low": 60, "high": 140, "step": 5, "unit": "C"}}})
    line = {"kind": "straight line", "column": "t", "level": {"normal": [0, 3]}, "slope": {"normal": [0, 0.1]}}
    flat = {"kind": "constant", "level": {"normal": [2.0, 0.5]}}
    model = {"rate": {"kind": "competing", "laws": [line, flat]}, "gap": {"kind": "structured", "law": line}}
    made = Campaign.new(tmp_path / "c", space, ["min rate (1/ps)", "max gap (eV)"], model=model)
    for t in (60, 75, 95):
        made.tell({"t": float(t)}, {"rate": 5.0 - 0.03 * t, "gap": 1.0 + 0.01 * t}, {"rate": 0.01, "gap": 0.01})
    heard: list[str] = []
    (one,) = Campaign.open(tmp_path / "c").suggest(1, progress=lambda what, done, in_all: heard.append(what))
    assert heard == ["learning rate", "learning gap", "choosing"]
    assert float(one.choices["t"]) > 120  # both laws go on upwards, far from what is known
    assert one.mean["gap"] == pytest.approx(1.0 + 0.01 * float(one.choices["t"]), abs=0.05)
    assert set(evidence(made.events)[0][1]) == {"rate: straight line in t", "rate: constant"}


def test_own_ions_stay_with_the_campaign(tmp_path: Path) -> None:
    file = tmp_path / "space.toml"
    file.write_text(SPACE.replace('"PEA"', '"MINE"'))
    with pytest.raises(NavigationError, match="MINE"):
        Campaign.new(tmp_path / "c", file, "min rate (1/ps)")
    own = {"MINE": "[NH3+]CCc1ccccc1"}
    made = Campaign.new(tmp_path / "c", file, "min rate (1/ps)", ions=own)
    made.tell("(MINE)2PbI4", {"rate": 0.5})
    file.unlink()
    again = Campaign.open(tmp_path / "c")
    again.tell("(BA)2PbI4", {"rate": 0.2})
    assert len(again.suggest(2)) == 2
    with pytest.raises(NavigationError, match="own ions are for a space file"):
        Campaign.new(tmp_path / "d", tmp_path / "table.csv", "min rate (1/ps)", ions=own)


def test_a_cation_that_cannot_be_computed_stays_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "space.toml"
    file.write_text(SPACE.replace('"PEA"', '"NEW"'))
    asked: list[str] = []

    def fail(wanted: Sequence[Ion], *_: object) -> dict[str, str]:
        asked.extend(ion.symbol for ion in wanted)
        return {ion.symbol: "no time" for ion in wanted}

    monkeypatch.setattr("perospin.navigation.space.space.describe_spacers", fail)
    own = {"NEW": "[NH3+]CCCCc1ccc(Br)c(Br)c1"}
    made = Campaign.new(tmp_path / "c", file, "min rate (1/ps)", ions=own)
    assert asked == ["NEW"]
    again = Campaign.open(tmp_path / "c")
    assert again.space.count == made.space.count == 3
    assert all("BA" in one.material for one in again.suggest(2))
    assert asked == ["NEW"]


def test_when_to_stop_can_be_stated_later(tmp_path: Path) -> None:
    made = Campaign.new(tmp_path / "c", grid(), "max gap (eV)")
    for i, one in enumerate(made.suggest(3)):
        made.tell(one.material, {"gap": 1.0 + 0.1 * i})
    made.suggest(1)
    assert "--stop-below" in made.status().advice
    assert made.status(1e3).advice.startswith("stop")
    assert made.status(1e-9).advice.startswith("go on")
