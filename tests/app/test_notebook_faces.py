"""Results show themselves in notebooks, and nothing in them is taken for markup."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import perospin as ps
from perospin.navigation import Campaign
from perospin.reports.relations.relate import relate
from perospin.studies import StudyResult

RESULTS = Path(__file__).parents[1] / "data" / "results"


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def well_formed(text: str) -> str:
    parser = Balance()
    parser.feed(text)
    assert not parser.open
    assert "<script" not in text
    return re.sub(r"<[^>]+>", " ", text)


def test_a_material() -> None:
    text = ps.Perovskite.parse("(PEA)2PbI4")._repr_html_()
    assert "PbI<sub>4</sub>" in text
    assert "RP, n = 1" in well_formed(text)


def test_a_prediction_shows_value_interval_and_domain() -> None:
    prediction = ps.Study.load("spin-relaxation").predict("(3AMP)PbI4")
    text = well_formed(prediction._repr_html_())
    assert "spin lifetime" in text
    assert "90 % interval" in text
    assert "in domain" in text
    hostile = dataclasses.replace(prediction, in_domain=False, reasons=("<script>alert(1)</script>",))
    assert "&lt;script&gt;" in hostile._repr_html_()
    well_formed(hostile._repr_html_())


def test_the_report_of_a_prediction_holds_all_of_it() -> None:
    prediction = ps.Study.load("spin-relaxation").predict("(3AMP)PbI4")
    text = prediction.report()
    for words in ("spin lifetime", "1/ps", "90 % interval", "in domain", "nearest known", "10.1039/d5sc07406a", "why:"):
        assert words in text
    assert text.count("nearest known") == len(prediction.nearest)


def test_a_study_and_its_result() -> None:
    study = ps.Study.load("spin-relaxation")
    assert study.title in well_formed(study._repr_html_())
    folder = next(iter(sorted(RESULTS.rglob("result.json")))).parent
    result = StudyResult.load(folder)
    text = well_formed(result._repr_html_())
    part = result.parts[result.default_part]
    assert part.scheme_label(part.spec.verdict.scheme) in text


def test_a_campaign(tmp_path: Path) -> None:
    table = tmp_path / "candidates.csv"
    table.write_text("name,x (nm)\n" + "\n".join(f"s{i},{i}" for i in range(8)))
    campaign = Campaign.new(tmp_path / "one", table, "max lifetime (ps)")
    campaign.suggest(2)
    text = well_formed(campaign._repr_html_())
    campaign.close()
    assert "8 candidates" in text
    assert "2 pending" in text


def test_a_relation() -> None:
    assert "falls with" in well_formed(relate("xray_sensitivity", "xray_detection_limit", user=False)._repr_html_())


@pytest.mark.parametrize(("spacer", "n", "formula"), [("PEA", 1, "(PEA)2PbI4"), ("3AMP", 3, "(3AMP)(MA)2Pb3I10")])
def test_a_formula_is_put_together(spacer: str, n: int, formula: str) -> None:
    assert str(ps.Perovskite.layered(spacer, n_layers=n)) == formula
    with pytest.raises(ps.PerospinError, match="at least one layer"):
        ps.Perovskite.layered(spacer, n_layers=0)
