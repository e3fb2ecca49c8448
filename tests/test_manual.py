"""The manual: formulas, notebooks and the reference become pages; every page is in its list of contents."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from loading import load

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def manual() -> ModuleType:
    return load("scripts/manual.py")


def test_formulas_become_mathml_and_code_stays(manual: ModuleType) -> None:
    pytest.importorskip("latex2mathml")
    text = manual.with_mathml("rate $\\gamma^2$ costs `$x$` and 5 $ or 6 $\n\n```\n$y$\n```\n$$a = b$$\n")
    assert text.count("<math") == 2
    assert 'display="block"' in text
    assert "`$x$`" in text
    assert "```\n$y$\n```" in text
    assert "5 $ or 6 $" in text


def test_a_notebook_becomes_a_page_with_its_outputs(manual: ModuleType, tmp_path: Path) -> None:
    picture = base64.b64encode(b"png").decode()
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "First."]},
        {"cell_type": "code", "source": ["hidden = 1"], "metadata": {"tags": ["hide"]}, "outputs": []},
        {
            "cell_type": "code",
            "source": ["print(1)"],
            "metadata": {},
            "outputs": [
                {"output_type": "stream", "text": ["\x1b[1m1\x1b[0m\n"]},
                {"output_type": "display_data", "data": {"image/png": [picture], "text/plain": ["<Figure>"]}},
            ],
        },
    ]
    page = manual.page_of({"cells": cells}, "t", tmp_path / "pictures")
    assert page.index("# Title") < page.index("(t.ipynb)")
    assert "hidden" not in page
    assert "```text\n1\n```" in page
    assert (tmp_path / "pictures" / "t-2.png").read_bytes() == b"png"


def test_every_command_and_every_key_of_a_space_is_in_the_reference(manual: ModuleType) -> None:
    from perospin.cli.main import COMMANDS

    pages = manual.command_pages()
    for name in COMMANDS:
        assert f"perospin {name}" in pages[f"reference/commands/{name}.md"]
        assert f"commands/{name}.md" in pages["reference/commands.md"]
    assert "--spacers" in pages["reference/commands/screen.md"]
    assert "| `halide_step` | Step in which two halides" in manual.space_page()
    assert "| `tau_spin` |" in manual.vocabulary_page()


def test_every_page_is_in_the_list_of_contents() -> None:
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*") if path.suffix in (".md", ".ipynb")]
    missing = [str(page) for page in pages if f" {page.with_suffix('.md').as_posix()}\n" not in listed]
    assert missing == []
    named = re.findall(r": ([\w/.-]+\.md)$", listed, flags=re.MULTILINE)
    made = {"DATA.md", "CHANGELOG.md", "CONTRIBUTING.md"}
    for page in named:
        source = ROOT / "docs" / page
        assert (
            page.startswith("reference/") or page in made or source.is_file() or source.with_suffix(".ipynb").is_file()
        )


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["mkdocs", "zensical"])
def test_the_manual_is_built_without_a_warning(builder: str, tmp_path: Path) -> None:
    pytest.importorskip(builder, reason=f"{builder} isn't installed: pip install --group docs")
    for name in ("docs", "scripts", "src"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("mkdocs.yml", "DATA.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run([sys.executable, "scripts/manual.py"], cwd=tmp_path, check=True)
    command = [sys.executable, "-m", builder, "build", *(["--strict"] if builder == "mkdocs" else [])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    if builder == "zensical":
        assert "No issues found" in done.stdout + done.stderr
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "fonts.googleapis" not in page
