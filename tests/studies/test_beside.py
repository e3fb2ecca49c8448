"""Parts that run in processes of their own give the numbers of parts that run one after the other."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import small_study
from perospin.studies.study import Study


def _study(folder: Path) -> Study:
    content = small_study.predicting()
    content["parts"] = {"one": {"label": "one"}, "two": {"label": "two", "seed": 4}}
    return Study.load(small_study.write(folder, content))


@pytest.mark.slow
def test_processes_fill_the_cells_that_a_run_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path / "state"))
    study = _study(tmp_path)
    alone = study.run(tmp_path / "alone", progress=False)
    told: list[str] = []
    beside = study.run(tmp_path / "beside", progress=lambda what, done, in_all: told.append(what), workers=2)
    assert beside.provenance["cells_computed"] == 0
    assert alone.provenance["cells_computed"] == beside.provenance["cells_reused"] > 4
    assert told
    for name in ("one", "two"):
        for table in ("predictions", "scores", "gains"):
            first, second = (
                getattr(found[name], table).drop(columns="seconds", errors="ignore") for found in (alone, beside)
            )
            assert len(first)
            pd.testing.assert_frame_equal(first, second, check_exact=True)


@pytest.mark.slow
def test_a_child_that_fails_leaves_the_work_to_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("perospin.studies.running.beside._START", "raise SystemExit(1)")
    found = _study(tmp_path).run(tmp_path / "out", progress=False, workers=2)
    assert found.provenance["cells_computed"] > 4
