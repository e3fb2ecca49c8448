"""The tutorials are executed notebooks: complete, without errors, without traces of the machine that ran them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from loading import load

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = {path.stem: path for path in sorted((ROOT / "docs" / "tutorials").glob("*.ipynb"))}
LONGEST = 45
# a temporary folder, a home, a drive, the repository itself
MACHINE = re.compile(r"(?<![\w.:/])(?:/(?:tmp|home|root|Users|work|var|opt|usr|private)/|[A-Z]:\\)")


def script() -> ModuleType:
    return load("scripts/tutorials.py")


def cells(name: str, kind: str) -> list[Any]:
    return [cell for cell in nbformat.read(NOTEBOOKS[name], as_version=4).cells if cell.cell_type == kind]


def shown(name: str) -> str:
    """All text that a reader of the outputs sees."""
    texts = []
    for cell in cells(name, "code"):
        for output in cell.outputs:
            texts.append(output.get("text", ""))
            texts += [text for kind, text in output.get("data", {}).items() if kind != "image/png"]
    return "\n".join(texts)


def test_the_eight_tutorials_are_there() -> None:
    expected = "campaign crystal detector own_records own_table predict pump_probe screen"
    assert list(NOTEBOOKS) == expected.split()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_tutorial_is_a_valid_notebook_that_was_run(name: str) -> None:
    nbformat.validate(nbformat.read(NOTEBOOKS[name], as_version=4))
    for place, cell in enumerate(cells(name, "code"), start=1):
        assert cell.execution_count == place, "run scripts/tutorials.py"
        errors = [output for output in cell.outputs if output.output_type == "error" or output.get("name") == "stderr"]
        assert not errors, errors
    assert any("image/png" in output.get("data", {}) for cell in cells(name, "code") for output in cell.outputs)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_step_shows_what_it_did(name: str) -> None:
    silent = [cell.source for cell in cells(name, "code") if not cell.outputs]
    assert not silent, silent


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_words_stand_before_the_code(name: str) -> None:
    notebook = nbformat.read(NOTEBOOKS[name], as_version=4)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert len(cells(name, "markdown")) > 0.7 * len(cells(name, "code"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_sentences_are_short(name: str) -> None:
    for cell in cells(name, "markdown"):
        for paragraph in re.split(r"\n\s*\n|\n(?=\s*[-*] )", cell.source):
            for sentence in re.split(r"(?<=[.!?:])\s+(?=[A-Z`*(\[])", " ".join(paragraph.split())):
                assert len(sentence.split()) <= LONGEST, sentence


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_nothing_tells_where_or_when_it_was_run(name: str) -> None:
    content = json.loads(NOTEBOOKS[name].read_text(encoding="utf-8"))
    assert set(content["metadata"]) == {"kernelspec", "language_info"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in content["cells"])
    code = "\n".join(cell.source for cell in cells(name, "code"))
    for text in (shown(name), code):
        assert not MACHINE.search(text), MACHINE.search(text)
        assert str(ROOT) not in text
        assert "\x1b" not in text


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_tutorial_asks_the_network(name: str) -> None:
    for cell in cells(name, "code"):
        assert not re.search(r"https?://|urllib|requests|httpx|pip install|^[!]", cell.source, flags=re.MULTILINE)
    assert not re.search(r"(?:src|href)=.?https?://(?!doi\.org/)", shown(name))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_lead_somewhere(name: str) -> None:
    for cell in cells(name, "markdown"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", cell.source):
            if not target.startswith("http"):
                assert (NOTEBOOKS[name].parent / target).is_file(), target


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_score_stands_with_its_scheme(name: str) -> None:
    """R² of held-out rows and of rows that were seen are never mixed up: the scheme is in the line or in the table."""
    scheme = re.compile(r"leave one|in sample|scheme", re.IGNORECASE)
    text = re.sub(r"<table.*?</table>", "", shown(name), flags=re.DOTALL)
    for line in text.split("\n"):
        if re.search(r"R²|R2\b", line):
            assert scheme.search(line), line


def test_tidying_takes_out_what_changes_and_keeps_the_rest() -> None:
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    streams = [new_output("stream", name="stdout", text=text) for text in ("one ", "two")]
    table = new_output("display_data", {"text/html": "<table></table>", "text/plain": "a table"})
    result = new_output("display_data", {"text/html": "<p></p>", "text/plain": "every field " * 1000})
    metadata = {"execution": {"start": "now"}, "tags": ["hide"]}
    cell = new_code_cell("print()", outputs=[*streams, table, result], metadata=metadata, id="a1b2")
    tidy = script().tidied(new_notebook(cells=[cell], metadata={"language_info": {"name": "python", "version": "3.1"}}))
    outputs = tidy.cells[0].outputs
    assert [output.output_type for output in outputs] == ["stream", "display_data", "display_data"]
    assert outputs[0].text == "one two"
    assert [list(output.data) for output in outputs[1:]] == [["text/html", "text/plain"], ["text/html"]]
    assert tidy.cells[0].metadata == {"tags": ["hide"]}
    assert "version" not in tidy.metadata.language_info
    nbformat.validate(tidy)


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_tutorial_runs_within_its_time(name: str) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    module = script()
    notebook, seconds = module.execute(NOTEBOOKS[name])
    assert seconds < module.TIME_LIMIT_S
    kept = nbformat.read(NOTEBOOKS[name], as_version=4)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in kept.cells]
