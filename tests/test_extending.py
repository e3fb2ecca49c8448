"""The manual's page on extensions: every diff applies to the present code, and what it adds works."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
DIFFS = dict(re.findall(r"^## (.+?)\n.*?```diff\n(.*?)```", PAGE, flags=re.DOTALL | re.MULTILINE))

USES = {
    "An ion": "assert ps.Perovskite.parse('(TPAm)2PbI4').n_layers == 1",
    "A descriptor": "assert ps.describe(['(BA)2PbI4'])['z_ratio'].iloc[0] == 82 / 53",
    "An estimator": """
from perospin.learning import build_estimator
model = build_estimator({"kind": "marginal_slopes", "shrink": 1.0}, 0).fit(np.arange(8.0)[:, None], np.arange(8.0))
assert np.allclose(model.predict(np.array([[3.5]])), 3.5)
""",
    "A scheme of validation": """
from perospin.learning.validation.schemes import halves
from perospin.studies.declaration.schemes import SCHEME_RULES
assert [len(split.test) for split in halves(7).splits] == [4, 3] and "halves" in SCHEME_RULES
""",
    "An analysis of a measurement": """
power = np.linspace(0.1, 10, 40)
fit = ps.spectra.fit_saturation(power, 3 * power / (power + 2.0) + np.random.default_rng(0).normal(0, 0.01, 40))
assert abs(fit["saturation_power"].value - 2.0) < 0.1
""",
    "A format of files": """
open("x.txt", "w").write("TWOLINE\\n0 1 2 3\\n1.0 0.5 0.25 0.125\\n")
trace = ps.measurements.read_trace("x.txt")
assert trace.names == ("delay", "signal") and len(trace) == 4
""",
    "A rate law": "assert ps.mechanisms.get_law('flips_at_hops').function(2.0, 0.01) == 0.04",
    "A figure of the report": "from perospin.reports.figures.targets import targets\nassert callable(targets)",
}


def test_the_page_has_all_extensions() -> None:
    assert set(DIFFS) == set(USES)


@pytest.mark.parametrize("title", sorted(DIFFS))
def test_a_diff_is_short_applies_and_works(title: str, tmp_path: Path) -> None:
    changed = [line for line in DIFFS[title].splitlines() if re.match(r"[+-](?![+-]{2} )", line)]
    assert len(changed) <= 40
    for part in ("src", "docs"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "change.diff").write_text(DIFFS[title], encoding="utf-8")
    applied = subprocess.run(
        ["git", "apply", "--unidiff-zero", "change.diff"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert applied.returncode == 0, applied.stderr
    script = f"import numpy as np\nimport perospin as ps\nassert {str(tmp_path)!r} in ps.__file__\n{USES[title]}\n"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "src")},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
