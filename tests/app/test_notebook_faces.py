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


def test_results_stand_in_one_line() -> None:
    study = ps.Study.load("spin-relaxation")
    prediction = study.predict("(3AMP)PbI4")
    assert repr(ps.Perovskite.parse("(PEA)2(MA)Pb2I7")).startswith("<Perovskite (PEA)2(MA)Pb2I7: RP, n = 2, spacer PEA")
    assert repr(prediction).startswith("<Prediction (3AMP)PbI4: spin lifetime 4.5 ps (90 % interval 6")
    assert repr(prediction).endswith("in domain>")
    hostile = dataclasses.replace(prediction, in_domain=False, reasons=("far away",))
    assert repr(hostile).endswith("out of domain: far away>")
    assert repr(study).startswith("<Study spin-relaxation: ")
    result = StudyResult.load(next(iter(sorted(RESULTS.rglob("result.json")))).parent)
    for one in (prediction, study, result, prediction.nearest):
        assert "\n" not in repr(one)
        assert len(repr(one)) < 400 or one is prediction.nearest


NOTEBOOK = (
    "import perospin as ps\nps.Perovskite.parse('(PEA)2PbI4')",
    "prediction = ps.Study.load('spin-relaxation').predict('(3AMP)PbI4')\nprediction",
    "prediction.plot()",
    "ps.describe(['(PEA)2PbI4', '(BA)2PbI4'])",
    "import numpy as np\ndelay = np.arange(-2.0, 30.0, 0.2)\n"
    "same, counter = ps.spectra.simulate_pump_probe(delay, 3.0, noise=0.01, seed=1)\n"
    "fit = ps.spectra.fit_pump_probe(delay, same, counter)\nfit",
    "fit.plot()",
)


@pytest.mark.slow
def test_a_notebook_shows_results_as_they_are() -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in NOTEBOOK])
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
    shown = []
    for cell in book.cells:
        assert not [one for one in cell.outputs if one.output_type in ("error", "stream")], cell.outputs
        (result,) = (one.data for one in cell.outputs if one.output_type in ("execute_result", "display_data"))
        shown.append(result)
    assert "PbI<sub>4</sub>" in shown[0]["text/html"]
    assert "spin lifetime" in shown[1]["text/html"]
    assert shown[1]["text/plain"].startswith("<Prediction (3AMP)PbI4: spin lifetime")
    assert "<table" in shown[3]["text/html"]
    assert "lifetime_ps" in shown[4]["text/plain"]
    for place in (2, 5):
        # a figure that shows itself is a picture; the object alone would be a line of text
        assert "image/png" in shown[place], shown[place]["text/plain"]
