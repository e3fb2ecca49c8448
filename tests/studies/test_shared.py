"""Folds that workers share give the numbers of folds fitted one after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import small_study
from dask_workers import two_workers
from perospin.errors import QuantumError
from perospin.learning.estimators import build_estimator
from perospin.studies.result import StudyResult
from perospin.studies.running.run import trains_together
from perospin.studies.running.shared import predictions_of_sets
from perospin.studies.study import Study


def _study(folder: Path) -> Study:
    content = small_study.predicting()
    content["parts"] = {"one": {"label": "one"}}
    return Study.load(small_study.write(folder, content))


def _same(first: StudyResult, second: StudyResult) -> None:
    for table in ("predictions", "scores", "gains"):
        one, two = (getattr(found["one"], table).drop(columns="seconds", errors="ignore") for found in (first, second))
        assert len(one)
        pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "ridge"},
        {"kind": "svr"},
        {"kind": "random_forest", "tune": False},
        {"kind": "gp"},
        {"kind": "average", "members": [{"kind": "ridge"}, {"kind": "svr"}]},
    ],
    ids=lambda spec: spec["kind"],
)
def test_the_cut_changes_no_number(spec: dict[str, Any]) -> None:
    generator = np.random.default_rng(3)
    table = pd.DataFrame(generator.normal(size=(14, 3)), columns=["a", "b", "c"])
    y = table["a"].to_numpy() + 0.1 * generator.normal(size=14)
    rows = np.arange(14)
    trains = [np.delete(rows, i) for i in rows]
    scored = [rows[i : i + 1] for i in rows]
    estimator = build_estimator(spec, 0)
    assert not trains_together(estimator)
    alone = predictions_of_sets(estimator, table, y, trains, scored)
    told: list[int] = []
    with ThreadPoolExecutor(2) as executor:
        shared = predictions_of_sets(
            estimator, table, y, trains, scored, executor=executor, progress=lambda done, in_all: told.append(done)
        )
    assert np.array_equal(np.concatenate(alone), np.concatenate(shared))
    assert sorted(told) == list(range(1, 15))


def test_an_address_where_nobody_answers_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    with pytest.raises(QuantumError, match="no Dask scheduler answers at"):
        _study(tmp_path).run(tmp_path / "out", progress=False, scheduler="nowhere")


@pytest.mark.slow
def test_processes_share_the_folds_of_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path / "state"))
    study = _study(tmp_path)
    _same(study.run(progress=False), study.run(progress=False, workers=2))


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path / "state"))
    study = _study(tmp_path)
    alone = study.run(progress=False)
    with two_workers() as cluster:

        def lose(what: str, done: int, in_all: int) -> None:
            if 0 < done < in_all:
                cluster.lose_one()

        shared = study.run(progress=lose, scheduler=cluster.address)
    assert cluster.lost
    _same(alone, shared)


_SCRIPT = """
import sys
from pathlib import Path
from perospin.studies.study import Study
with Path("runs").open("a") as file:
    file.write("x")
print(len(Study.load(sys.argv[1]).run(progress=False, workers=2)["one"].predictions))
"""


@pytest.mark.slow
def test_a_script_without_a_guard_runs_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess
    import sys

    monkeypatch.setenv("PEROSPIN_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    content = small_study.predicting()
    content["parts"] = {"one": {"label": "one"}}
    study = small_study.write(tmp_path, content)
    (tmp_path / "script.py").write_text(_SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py", str(study)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 10
    assert (tmp_path / "runs").read_text() == "x"
