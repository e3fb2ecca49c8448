"""Python blocks of README and manual run; pages whose rooms test their printed numbers are listed there."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTED_ELSEWHERE = {
    # page: the test that runs its blocks and compares what they print
    "docs/conditions.md": "tests/studies/test_conditions.py",
    "docs/crystals/building.md": "tests/descriptors/structure/test_building.py",
    "docs/descriptors.md": "tests/descriptors/test_descriptors_page.py",
    "docs/estimators.md": "tests/learning/test_estimator_docs.py",
    "docs/explanations.md": "tests/reports/test_pages.py",
    "docs/files.md": "tests/spectra/test_index_pages.py",
    "docs/mechanisms.md": "tests/mechanisms/test_page.py",
    "docs/spectra.md": "tests/spectra/test_index_pages.py",
    "docs/structures.md": "tests/descriptors/structure/test_docs.py",
    "docs/uncertainty.md": "tests/reports/test_pages.py",
    **{f"docs/spectra/{page}.md": "tests/spectra/test_index_pages.py" for page in ("chirality", "files")},
    **{
        f"docs/spectra/{page}.md": "tests/spectra/test_pump_probe_pages.py"
        for page in ("fitting", "maps", "pump_probe")
    },
    **{
        f"docs/spectra/{page}.md": "tests/spectra/test_precession_pages.py"
        for page in ("hanle", "kerr", "odmr", "spin_inertia")
    },
}
NEEDS_A_CLUSTER = ("docs/quantum.md",)
PAGES = {
    path.relative_to(ROOT).as_posix(): blocks
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if (blocks := re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.DOTALL))
}


def test_every_page_that_is_tested_elsewhere_is() -> None:
    for page, test in TESTED_ELSEWHERE.items():
        assert page in PAGES, page
        name = Path(page).name
        text = (ROOT / test).read_text(encoding="utf-8")
        assert name in text or Path(name).stem in text, (page, test)


@pytest.mark.parametrize("page", sorted(set(PAGES) - set(TESTED_ELSEWHERE) - set(NEEDS_A_CLUSTER)))
def test_the_code_of_a_page_runs(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("Agg")
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    for block in PAGES[page]:
        exec(compile(block, page, "exec"), names)


@pytest.mark.parametrize("page", NEEDS_A_CLUSTER)
def test_code_for_a_cluster_imports_what_exists(page: str) -> None:
    for block in PAGES[page]:
        compile(block, page, "exec")
        for line in re.findall(r"^from perospin.*$", block, flags=re.MULTILINE):
            exec(line, {})


LONGEST = 45
PROSE = [
    "README.md",
    "DATA.md",
    "CONTRIBUTING.md",
    *(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", sorted(PROSE))
def test_sentences_are_short_enough_to_read(page: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    prose = "\n".join("" if line.startswith(("|", "#", "![", "<")) else line for line in text.split("\n"))
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*[-*] |\s*\d+\. )", prose):
        for sentence in re.split(r"(?<=[.!?:])\s+(?=[A-Z`*(\[])", " ".join(paragraph.split())):
            assert len(sentence.split()) <= LONGEST, sentence[:120]
