"""Files of stocks and labware: what people write is read, anything else gets one sentence."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perospin.errors import NavigationError, PerospinError
from perospin.navigation.plates.maps import load_map
from perospin.navigation.worklists.labware import load_deck
from perospin.navigation.worklists.stocks import load_stocks

HEAD = "name,solutes,concentration (M),solvent,volume (uL),labware,well,solubility (M),order\n"


def read(tmp_path: Path, text: str) -> list[Any]:
    (tmp_path / "stocks.csv").write_text(text, encoding="utf-8")
    return load_stocks(tmp_path / "stocks.csv")


def test_stocks(tmp_path: Path) -> None:
    text = HEAD + "a,PEAI=2; PbI2=1,0.5,DMF=4; DMSO=1,1500,rack,b1,2.5,3\nd,,,DMF,9000,rack,C1,,\n"
    first, solvent = read(tmp_path, text)
    assert first.solutes == {"PEAI": 1.0, "PbI2": 0.5}
    assert first.solvent == {"DMF": 0.8, "DMSO": 0.2}
    assert (first.well, first.solubility_m, first.order, first.total_m) == ("B1", 2.5, 3, 1.5)
    assert solvent.solutes == {}
    (other,) = read(tmp_path, "Solution;Solute;Conc (mM);Solvent;Volume (mL)\nx;FAPbI3;1200,5;DMF;1,5\n")
    assert other.solutes == pytest.approx({"FAPbI3": 1.2005})
    assert other.volume_ul == 1500


def test_pascals_own_stocks(tmp_path: Path) -> None:
    (one,) = read(
        tmp_path,
        "Labware,Well,Volume (uL),Solutes,Molarity (M),Solvent\n"
        "4mL_Tray1,A1,770,\"{'FA': 0.936, 'Pb': 1.308, 'I': 3.1392}\",1.2,\"{'DMF': 0.75, 'DMSO': 0.25}\"\n",
    )
    assert one.solutes == {"FA": 0.936, "Pb": 1.308, "I": 3.1392}
    assert one.labware == "4mL_Tray1"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,FAPbI3,,DMF,900,r,A1,,", "row 2: it has no concentration"),
        ("a,FAPbI3,x,DMF,900,r,A1,,", "its concentration 'x' is no number"),
        ("a,FAPbI3,1,,900,r,A1,,", "it has no solvent"),
        ("a,FAPbI3,1,DMF,-5,r,A1,,", "needs a volume above 0 uL"),
        ("a,FAPbI3,1,DMF,,r,A1,,", "it needs a volume in uL or mL"),
        ("a,{'x': open('y')},1,DMF,9,r,A1,,", "can't be read"),
        ("a,FAPbI3,1,DMF,900,r,A1,,\nb,MAI,1,DMF,900,r,A1,,", "stand in r A1; move one"),
        ("", "lists no stock"),
    ],
)
def test_wrong_stocks(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(NavigationError, match=said):
        read(tmp_path, HEAD + row + "\n")


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="aA1,.;={}'\"\n DMF(uL)-", max_size=120))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("s")
    (folder / "x.csv").write_text(HEAD + text, encoding="utf-8")
    (folder / "m.csv").write_text("well,name\n" + text, encoding="utf-8")
    for reader in (load_stocks, load_map):
        for name in ("x.csv", "m.csv"):
            with contextlib.suppress(PerospinError):
                reader(folder / name)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 400) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "wells", "rows", "columns", "volume_ul", "racks", "ordering", "metadata"]),
                inner,
            )
        ),
        max_leaves=8,
    )
)
def test_any_json_is_labware_or_refused(tmp_path_factory: pytest.TempPathFactory, content: Any) -> None:
    file = tmp_path_factory.mktemp("j") / "plate.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with contextlib.suppress(PerospinError):
        load_deck(file)
