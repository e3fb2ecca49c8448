from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from perospin.cli import main
from perospin.reports.card import model_card
from perospin.studies.result import StudyResult

STORED = Path(__file__).parents[1] / "data" / "results" / "format2"


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return StudyResult.load(STORED)


def test_the_card_says_all_that_a_reader_must_know(result: StudyResult) -> None:
    card, part = model_card(result), result["small"]
    titles = re.findall(r"^## (.+)$", card, re.MULTILINE)
    assert titles == [
        "What it predicts",
        "Data",
        "Features",
        "How well, and by which scheme",
        "Intervals",
        "Domain",
        "Known faults and cautions",
        "Models tried",
        "Make it again",
        "Cite",
    ]
    assert part.provenance["sha256"] in card
    assert "`halide_z`" in card
    assert "all numbers are made up" in card
    assert "Spacers: 3AMP; 4AMP; BA; EOA; PEA" in card
    assert "3 declared" in card
    assert "Their coverage was not measured" in card
    for name, version in result.provenance["versions"].items():
        assert f"{name} {version}" in card


def test_no_score_stands_without_its_scheme(result: StudyResult) -> None:
    schemes = {result["small"].scheme_label(s) for s in result["small"].scores["scheme"]}
    rows = re.findall(r"^\| (?:ridge|rule).+$", model_card(result), re.MULTILINE)
    assert len(rows) == len(result["small"].scores)
    assert all(any(f"| {scheme} |" in row for scheme in schemes) for row in rows)
    score = result["small"].score("ridge", "loso")
    assert score is not None
    assert any("leave one spacer out" in row and f"| −{abs(score['r2']):.2f} |" in row for row in rows)


def test_tables_are_markdown_with_equal_cells(result: StudyResult) -> None:
    lines = model_card(result).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| model | scheme | R²"))
    assert lines[start - 1] == ""
    width = lines[start].count("|")
    assert lines[start + 1].count("|") == width
    assert all(line.count("|") == width for line in lines[start:] if line.startswith("| r"))


def test_measured_coverage_is_in_the_card(result: StudyResult) -> None:
    coverage = pd.DataFrame(
        [{"estimator": "ridge", "scheme": "loo", "level": 0.8, "coverage": 0.75, "n_rows": 16, "scheme_label": "LOO"}]
    )
    part = dataclasses.replace(result["small"], coverage=coverage)
    assert "| ridge | LOO | 80 % | 75 % | 16 |" in model_card(dataclasses.replace(result, parts={"small": part}))


def test_several_parts_stand_under_their_names(result: StudyResult) -> None:
    both = dataclasses.replace(result, parts={"a": dataclasses.replace(result["small"], name="a"), **result.parts})
    titles = re.findall(r"^## (.+)$", model_card(both), re.MULTILINE)
    assert titles == ["Part: small", "Part: a", "Make it again", "Cite"]


def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["study", "card", str(STORED)])
    assert not stop.value.code
    printed = capsys.readouterr().out
    assert printed == model_card(StudyResult.load(STORED))
    with pytest.raises(SystemExit) as stop:
        main(["study", "card", str(STORED), "--out", str(tmp_path / "nowhere" / "card.md")])
    assert stop.value.code == 2
    assert "can't write" in capsys.readouterr().err
