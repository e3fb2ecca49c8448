"""A new estimator is a class, a line on the list and a line in the manual: done here to a copy of perospin."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import perospin

ROOT = Path(perospin.__file__).parent
TESTS = Path(__file__).parents[1]
LIST = Path("learning/estimators/listed.py")

CLASS = '''"""Slopes of each column alone, averaged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from perospin.learning.estimators.kinds.kind import Kind
from perospin.learning.estimators.kinds.terms import AdditiveTerm, Take, Term
from perospin.learning.options import Option


class MarginalSlopes(RegressorMixin, BaseEstimator):
    """Mean of the straight lines through each column alone."""

    about: ClassVar[Kind] = Kind(
        "marginal_slopes",
        "mean of the straight lines through each column alone",
        {"shrink": Option(0.5, "factor of all slopes", low=0.0, high=1.0)},
        references=("Hoerl1970Ridge",),
    )

    def __init__(self, shrink: float = 0.5) -> None:
        self.shrink = shrink

    def fit(self, X: Any, y: Any) -> MarginalSlopes:
        self.mean_ = float(np.mean(y))
        self.slopes_ = self.shrink * (X.T @ (y - self.mean_)) / len(y) / X.shape[1]
        return self

    def predict(self, X: Any) -> Any:
        return self.mean_ + X @ self.slopes_

    def array_terms(self, columns: tuple[str, ...], take: Take) -> Iterator[Term]:
        yield AdditiveTerm(columns, take, lambda values: self.slopes_[:, None] * values.T)
'''

USE = """
import json
import sys
from pathlib import Path
import numpy as np
import small_study
import perospin
from perospin.errors import StudyError
from perospin.learning import build_estimator
from perospin.learning.explanation.terms_of_models import terms_of
from perospin.reports.citing import cite
from perospin.studies import Study, load_model

folder = Path(sys.argv[1])
content = small_study.predicting()
content["estimators"].append({"name": "new", "kind": "marginal_slopes", "shrink": 0.8, "features": "all"})
content |= {"explain": {"estimator": "new", "scheme": "loo"}, "predict": {"estimator": "new", "scheme": "loo"}}
study = Study.load(small_study.write(folder, content))
result = study.run(progress=False)
part = result["small"]
predictor = study.predictor()
written = predictor.save(folder / "model")
again = load_model(written)
wrong = json.loads(json.dumps(content))
wrong["estimators"][-1]["shrink"] = 2.0
try:
    Study.load(small_study.write(folder, wrong))
    refusal = ""
except StudyError as error:
    refusal = str(error)
X = small_study.table()[["x1_ev", "x2_debye", "x3"]]
terms = terms_of(build_estimator({"kind": "marginal_slopes"}, 0).fit(X, np.arange(len(X)) * 1.0))
print(json.dumps({
    "package": str(Path(perospin.__file__).parent),
    "r2": float(part.score("new", "loo")["r2"]),
    "terms": [type(term).__name__ for term in terms],
    "players": len(part.shapley),
    "value": float(predictor.predict("(PEA)2PbI4").value),
    "loaded": float(again.predict("(PEA)2PbI4").value),
    "cited": [line for line in cite(result).splitlines() if "Hoerl1970Ridge" in line],
    "uses": [line for line in cite(result).splitlines() if line.startswith("%") and "new" in line],
    "refusal": refusal,
}))
"""


@pytest.mark.slow
def test_a_new_estimator_takes_three_places(tmp_path: Path) -> None:
    package = tmp_path / "src" / "perospin"
    shutil.copytree(ROOT, package, ignore=shutil.ignore_patterns("__pycache__"))
    # 1. its class
    (package / "learning" / "estimators" / "marginal.py").write_text(CLASS, encoding="utf-8")
    # 2. its line on the list (and the import that goes with it)
    listed = (package / LIST).read_text(encoding="utf-8")
    after = "from perospin.learning.estimators.mlp import"
    new = "from perospin.learning.estimators.marginal import MarginalSlopes"
    listed = listed.replace(after, f"{new}\n{after}").replace(
        "    StackModel,\n)", "    StackModel,\n    MarginalSlopes,\n)"
    )
    assert listed.count("MarginalSlopes") == 2
    (package / LIST).write_text(listed, encoding="utf-8")
    # 3. its line in the manual
    manual = (ROOT.parents[1] / "docs" / "estimators.md").read_text(encoding="utf-8")
    (tmp_path / "docs").mkdir()
    row = "| `stack` |"
    manual = manual.replace(row, f"| `marginal_slopes` | a toy | none | none |\n{row}", 1)
    manual += "| `marginal_slopes` | `shrink` | 0.5 | a finite number from 0 to 1 | factor of all slopes |\n"
    (tmp_path / "docs" / "estimators.md").write_text(manual, encoding="utf-8")
    (tmp_path / "tests" / "learning").mkdir(parents=True)
    shutil.copy(TESTS / "learning" / "test_estimator_docs.py", tmp_path / "tests" / "learning")

    paths = os.pathsep.join([str(tmp_path / "src"), str(TESTS)])
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", USE, str(work)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["package"] == str(package)
    assert found["r2"] < 1.0
    assert found["terms"] == ["AdditiveTerm"]
    assert found["players"] > 0
    assert found["value"] == found["loaded"]
    assert found["cited"]
    assert found["uses"]
    assert "shrink = 2.0 of the estimator 'marginal_slopes' is not allowed; it is a finite number" in found["refusal"]

    listing = "import runpy; [f() for name, f in runpy.run_path(%r).items() if name.startswith('test_')]"
    script = listing % str(tmp_path / "tests" / "learning" / "test_estimator_docs.py")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
