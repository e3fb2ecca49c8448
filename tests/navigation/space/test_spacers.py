"""Spacers that a space brings: counted before they are made, each molecule once, impossible ones refused."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import NavigationError
from perospin.navigation import Space, screen
from perospin.navigation.space import space as spaces
from perospin.navigation.space.spacers import Core, describe_spacers, substituted


def _space(**materials: Any) -> Space:
    return Space.from_dict({"materials": materials})


def test_a_benzene_ring_has_the_isomers_that_books_count() -> None:
    ring = Core(core="[*:1]c1c([*:2])c([*:3])c(CC[NH3+])c([*:4])c1[*:5]", groups=["H", "F"], most=2)
    assert ring.count == 1 + 5 + 10
    # ortho, meta, para; then 23, 24, 25, 26, 34, 35
    assert len(substituted("F", ring)) == 1 + 3 + 6


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 3),
    st.lists(st.sampled_from(["H", "F", "Cl", "C", "OC"]), min_size=1, max_size=4, unique=True),
    st.one_of(st.none(), st.integers(0, 3)),
)
def test_counts_are_exact_and_molecules_differ(n: int, groups: list[str], most: int | None) -> None:
    places = "".join(f"C([*:{i}])" for i in range(1, n + 1))
    rule = Core(core=f"{places}C[NH3+]", groups=groups, most=most)
    listed = [
        g for g in itertools.product(groups, repeat=n) if most is None or sum(one != "H" for one in g) <= most
    ]  # fmt: skip
    assert rule.count == len(listed)
    made = substituted("X", rule)
    assert len(made) == len(set(made)) <= len(listed)
    assert bool(made) == bool(listed)


@pytest.mark.parametrize(
    ("core", "groups", "said"),
    [
        ("c1ccccc1C[NH3+]", ["F"], "marks no position"),
        ("[*:1]CC[NH3+]", ["Q"], "can't be bound"),
        ("[*:1]CC[NH3+][*:2]", ["F"], "valence"),
        ("[*:1]c1ccc(CC[NH3+])cc1", ["=O"], "makes no molecule"),
        ("[*:1]CC[NH3+][", ["F"], "can't be read"),
        ("[*:1]CCN", ["F"], "neutral molecule"),
        ("[*:1]C([*:2])C([*:3])C([*:4])C([*:5])C[NH3+]", ["H", "F", "Cl", "Br", "I", "C"], "7,776 substitutions"),
    ],
)
def test_what_makes_no_spacer_is_said_in_one_sentence(core: str, groups: list[str], said: str) -> None:
    with pytest.raises(NavigationError, match=said) as error:
        _space(cores={"XEA": {"core": core, "groups": groups}})
    assert len(str(error.value)) <= 400


def test_a_smiles_file_is_read_once_and_kept(tmp_path: Path) -> None:
    (tmp_path / "own.smi").write_text("# mine\n[NH3+]CCc1ccccc1 MYPEA\nC#CC[NH3+]\n\n", encoding="utf-8")
    file = tmp_path / "space.toml"
    file.write_text('[materials]\nsmiles_file = "own.smi"\nspacers = ["PEA"]\n', encoding="utf-8")
    space = Space.load(file)
    assert space.grid is not None
    assert list(space.grid.spacers) == ["PEA", "PGA"]  # phenethylammonium is known by its own name, and stands once
    (tmp_path / "own.smi").unlink()
    again = Space.from_dict(space.to_dict())
    assert again.grid == space.grid
    with pytest.raises(NavigationError, match="SMILES file"):
        Space.load(file)
    (tmp_path / "own.smi").write_text("C#CC[NH3+] A\nCC[NH3+] A\n", encoding="utf-8")
    with pytest.raises(NavigationError, match="line 2"):
        Space.load(file)


def test_a_spacer_that_can_not_be_described_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    space = _space(smiles={"VNYL": "C=C[NH3+]"}, spacers=["PEA"])
    assert [ion.symbol for ion in space.to_compute()] == ["VNYL"]
    assert "1 cation without" in space.told()[0]
    limits: list[float] = []

    def fail(ions: list[Any], limit_s: float, *rest: Any) -> dict[str, str]:
        limits.append(limit_s)
        return {ion.symbol: "took longer than 3 s and was stopped" for ion in ions}

    monkeypatch.setattr(spaces, "describe_spacers", fail)
    found = screen(space, limit_s=3.0)
    assert limits == [3.0]
    assert found.table["formula"].tolist() == ["(PEA)2PbI4"]
    assert found.notes()[-1] == "VNYL is left out: took longer than 3 s and was stopped."
    with pytest.raises(NavigationError, match="without --scheduler"):
        screen(space, scheduler="tcp://nowhere:1")


@pytest.mark.slow
def test_the_time_limit_holds() -> None:
    pytest.importorskip("pyscf")
    space = _space(smiles={"LONGX": "CCCCCCCCCCCCCCCCCCCCCC(=O)OCC[NH3+]"}, spacers=["PEA"])
    failed = describe_spacers(space.to_compute(), 1.0, 1)
    assert "longer than 1 s" in failed["LONGX"]


def test_alternating_cations_are_a_family() -> None:
    space = _space(spacers=["GUA", "3AMP"], a_cations=["MA", "FA"], a_step=0.5, layers=[1, 2], families=["ACI"])
    assert space.size == 6
    assert list(space.described.index)[:3] == ["(GUA)(MA)PbI4", "(GUA)(FA)PbI4", "(GUA)(FA)0.5(MA)0.5PbI4"]
    assert _space(spacers=["GUA", "3AMP"], a_cations=["MA"], layers=[2], families=["RP", "DJ", "ACI"]).size == 3


def test_excluded_pairs_never_stand_together() -> None:
    asked = {"spacers": ["PEA", "BA"], "a_cations": ["MA", "Cs"], "layers": [1, 2]}
    space = _space(**asked, excluded_pairs=[["PEA", "Cs"]])
    listed = {one.choices["material"] for one in space.candidates()}
    assert listed == {f for f in _space(**asked).described.index if not ("PEA" in f and "Cs" in f)}
    assert space.count == len(listed) == space.size - 1
    with pytest.raises(NavigationError, match="holds PEA and Cs"):
        space.find({"material": "(PEA)2CsPb2I7"})
    with pytest.raises(NavigationError, match="excluded_pairs"):
        _space(**asked, excluded_pairs=[["PEA", "Xx"]])
