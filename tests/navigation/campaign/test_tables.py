"""Tables of results: as people paste them, late, out of order, repeated, wrong."""

from __future__ import annotations

import contextlib
import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perospin.errors import PerospinError
from perospin.navigation.campaign.campaign import Campaign
from perospin.navigation.campaign.tables import batch_table, export_table, read_results
from perospin.saving import write_rows


def told(campaign: Campaign, path: Path, text: str) -> int:
    path.write_text(text, encoding="utf-8")
    return campaign.tell_all(read_results(campaign, path).events)


def test_a_table_pasted_from_excel_with_decimal_commas(campaign: Campaign, tmp_path: Path) -> None:
    text = "name\tgap (meV)\tgap error (meV)\toutcome\tmade bromide\tcolour\nPEA-0.6-100\t1650,5\t20,5\t\t0,58\tred\n"
    path = tmp_path / "pasted.txt"
    path.write_text(text + "BA-0.0-60\t\t\tfailed\t\t\nBA-0.0-80\t\t\t\t\t\n")
    results = read_results(campaign, path)
    assert results.empty == 1
    assert results.unread == ("colour",)
    first, second = results.events
    assert first.values["gap"] == pytest.approx(1.6505)
    assert first.uncertainties["gap"] == pytest.approx(0.0205)
    assert first.made == {"bromide": 0.58}
    assert (second.kind, second.material) == ("failed", "BA-0.0-60")


def test_the_batch_goes_out_and_comes_back_filled_in(campaign: Campaign, tmp_path: Path) -> None:
    rows = batch_table(campaign, campaign.suggest(3))
    for row, value in zip(rows, (1.5, "", 1.7), strict=True):
        row["gap (eV)"] = value
    rows[1]["outcome"] = "failed"
    path = tmp_path / "batch.csv"
    write_rows(path, rows[0], reversed(rows))  # late and out of order
    results = read_results(campaign, path)
    assert campaign.tell_all(results.events) == 3
    assert campaign.tell_all(results.events) == 0  # told again: counts once
    assert campaign.status().pending == ()
    export = export_table(campaign)
    assert [row["outcome"] for row in export] == ["suggested"] * 3 + ["measured", "failed", "measured"]
    with path.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3


def test_choices_tell_a_material_without_its_name(campaign: Campaign, tmp_path: Path) -> None:
    text = "spacer,bromide,temperature (C),gap (eV)\nPEA,0.6,100,1.7\nBA,0.2,80,1.4\n"
    assert told(campaign, tmp_path / "r.csv", text) == 2
    assert [event.material for event in campaign.events[1:]] == ["PEA-0.6-100", "BA-0.2-80"]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("name,gap (K)\nBA-0.0-60,1.5\n", "can't be read in eV|1.5"),
        ("name,gap (nm)\nBA-0.0-60,780\n", "can't be read in eV"),
        ("name,gap\nBA-0.0-60,1.5\n", "head it 'gap"),
        ("name,gap (eV)\nBA-0.0-60,wide\n", "row 2: 'wide'"),
        ("name,gap (eV)\nBA-0.0-60,1.5\nMAPbI3,1.6\n", "row 3: 'MAPbI3' is no candidate"),
        ("name,spacer,gap (eV)\nBA-0.0-60,PEA,1.5\n", "row 2: 'BA-0.0-60' has spacer = BA, not PEA"),
        ("name,gap (eV),outcome\nBA-0.0-60,1.5,lost\n", "'lost' is none of"),
        ("name,gap (eV)\nBA-0.0-60,1.5,7\n", "3 cells"),
        ("name,colour\nBA-0.0-60,red\n", "has no column"),
        ("colour,gap (eV)\nred,1\n", "needs a column 'name'"),
    ],
)
def test_wrong_tables_get_one_sentence_and_tell_nothing(
    campaign: Campaign, tmp_path: Path, text: str, match: str
) -> None:
    with pytest.raises(PerospinError, match=match) as caught:
        told(campaign, tmp_path / "wrong.csv", text)
    assert len(str(caught.value)) <= 400
    assert len(campaign.events) == 1


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: f"name,gap (eV)\n{t}".encode())))
def test_garbage_never_breaks_the_campaign(campaign: Campaign, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garbage.csv"
    path.write_bytes(content)
    with contextlib.suppress(PerospinError):
        read_results(campaign, path)
    assert len(campaign.events) == 1
