from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import small_study
from perospin.cli import main
from perospin.learning.estimators import KINDS
from perospin.reports import citing
from perospin.reports.citing import cite, cited, library
from perospin.studies.declaration.reading import parse_study, shipped_studies
from perospin.studies.result import StudyResult
from perospin.studies.study import Study

STORED = Path(__file__).parents[1] / "data" / "results" / "format2"
OWN = {"mean", "two_class_rule", "two_stage", "class_step", "class_law", "group_mean", "average", "best_of"}
"""Kinds that need no reference of their own: arithmetic, or what the models inside them need."""


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return StudyResult.load(STORED)


def _with_features(spec: dict[str, object]) -> dict[str, object]:
    kind = KINDS[str(spec["kind"])]
    return {"features": "all", **spec} if kind.on_columns or "features" in kind.takes else spec


def with_estimators(result: StudyResult, *specs: dict[str, object], **sections: object) -> StudyResult:
    """The result as if its study had other estimators, all of which ran."""
    content = {**small_study.predicting(), **sections}
    content["estimators"] = [{"name": f"e{i}", **_with_features(spec)} for i, spec in enumerate(specs)]
    content |= {"baseline": "e0", "verdict": {"estimator": "e0", "scheme": "loo"}}
    content["predict"] = {"estimator": "e0", "scheme": "loo"}
    _, parts, _ = parse_study(content, "test")
    part = dataclasses.replace(result["small"], spec=parts["small"], scores=result["small"].scores.iloc[:0])
    return dataclasses.replace(result, parts={"small": part})


def test_the_library_is_whole() -> None:
    text = (Path(citing.__file__).parent / "references.bib").read_text(encoding="utf-8")
    assert len(library()) == len(re.findall(r"^@", text, re.MULTILINE)) > 30
    for key, reference in library().items():
        fields = reference.fields
        assert {"author", "year"} <= set(fields), key
        assert "title" in fields or "note" in fields, key
        assert re.fullmatch(r"\d{4}", fields["year"]), key
        assert fields["year"] in key, key
        assert reference.bibtex.count("{") == reference.bibtex.count("}"), key
        if "doi" in fields:
            assert re.fullmatch(r"10\.\d{4,9}/\S+", fields["doi"]), key
    dois = [r.fields["doi"].lower() for r in library().values() if "doi" in r.fields]
    assert len(dois) == len(set(dois))


def test_every_kind_and_every_table_is_cited_from_the_library() -> None:
    assert {name for name, kind in KINDS.items() if kind.references} == set(KINDS) - OWN
    further = [keys for kind in KINDS.values() for _, keys in kind.cites_if]
    named = (*(kind.references for kind in KINDS.values()), *further, *citing._TABLES.values())
    keys = {key for keys in named for key in keys}
    assert keys <= set(library())
    tables = {part.data.table for name in shipped_studies() for part in Study.load(name).parts.values()} - {None}
    assert tables <= set(citing._TABLES)


def test_what_was_used_is_cited_and_nothing_else(result: StudyResult) -> None:
    keys = {reference.key for reference in cited(result)}
    assert {"perospin", "Hoerl1970Ridge", "Pedregosa2011Sklearn", "Barber2021Jackknife", "Bannwarth2019GFN2"} <= keys
    assert "Goldschmidt1926Krystallochemie" in keys  # it reads the tolerance factor
    assert not keys & {"Breiman2001Forests", "Li2025SpinRelaxation", "Dunn2023Hierarchical", "Rucker2007Randomization"}


def test_methods_inside_methods_are_cited(result: StudyResult) -> None:
    def keys(*specs: dict[str, object]) -> set[str]:
        return {reference.key for reference in cited(with_estimators(result, *specs))}

    all_ = {"features": "all"}
    inside = {
        "kind": "average",
        "members": [{"kind": "xgboost", **all_}, {"kind": "gp", "likelihood": "student_t", **all_}],
    }
    found = keys(inside)
    assert {"Chen2016XGBoost", "DelMoral2006Samplers", "Scott2010Multiplicity", "Tipping2005StudentT"} <= found
    assert "Cawley2010Overfitting" not in found
    assert "DelMoral2006Samplers" not in keys({"kind": "gp", "mode": "map"})
    assert {"Zou2005ElasticNet", "Cawley2010Overfitting"} <= keys(
        {"kind": "elastic_net", "tune": {"alpha": [0.1, 1.0]}}
    )
    assert "Nix1994Variance" in keys({"kind": "mlp_ensemble", "heteroscedastic": True})
    assert "Hoerl1970Ridge" in keys({"kind": "two_stage"})
    assert "Hoerl1970Ridge" not in keys({"kind": "two_stage", "residual": "none"})


def test_a_shipped_table_is_cited_and_a_table_of_ones_own_is_not(result: StudyResult) -> None:
    data = {key: value for key, value in small_study.RAW["data"].items() if key != "csv"} | {"table": "hoip192"}
    shipped = with_estimators(result, {"kind": "mean"}, data=data)
    assert {"Kim2017HybridPerovskites", "Hase2021Olympus"} <= {r.key for r in cited(shipped)}
    own = dataclasses.replace(shipped, data="mine.csv")
    assert not {"Kim2017HybridPerovskites", "Hase2021Olympus"} & {r.key for r in cited(own)}


def test_records_are_cited_by_what_is_known_of_them(result: StudyResult) -> None:
    part = result["small"]
    rows = part.rows.assign(
        source=["doi:10.1038/s41467-019-08625-z (Belykh)"] + ["10.1234/none"] * (len(part.rows) - 1)
    )
    found = cited(dataclasses.replace(result, parts={"small": dataclasses.replace(part, rows=rows)}))
    unknown = next(r for r in found if r.fields.get("doi") == "10.1234/none")
    assert set(unknown.fields) == {"doi", "note"}
    assert "10.1038/s41467-019-08625-z" in {r.fields.get("doi") for r in found}


def test_the_text_is_bibtex_with_its_uses(result: StudyResult) -> None:
    text = cite(result)
    assert text == cite(result)
    entries = re.findall(r"^% (.+)\n@(\w+)\{(.+),$", text, re.MULTILINE)
    assert len(entries) == len(cited(result)) == text.count("\n@")
    assert len({key for _, _, key in entries}) == len(entries)
    assert "% estimator: ridge" in text


def test_the_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["study", "cite", str(STORED)])
    assert not stop.value.code
    printed = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["study", "cite", str(STORED), "--out", str(tmp_path / "refs.bib")])
    assert (tmp_path / "refs.bib").read_text(encoding="utf-8") == printed == cite(StudyResult.load(STORED))
