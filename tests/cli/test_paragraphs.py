"""Tables of the terminal: no DOI is cut at any width, and no line is longer than the terminal for its sake alone."""

from __future__ import annotations

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from perospin.cli.paragraphs import show_rows

DOIS = ["10.1021/acs.chemrev.2c00843", "10.1038/s41467-020-18485-7", "10.1126/sciadv.1700704"]
cell = st.text("abc (-)", max_size=40).map(str.strip)


@given(st.lists(st.tuples(cell, st.sampled_from(DOIS), cell), min_size=1, max_size=5), st.integers(30, 120))
def test_no_doi_is_cut(rows, width):
    out = StringIO()
    show_rows(Console(file=out, width=width), ["name", "source", "note"], rows, title="a title")
    text = out.getvalue()
    for _, doi, _ in rows:
        assert doi in text
    assert all(len(line) <= width for line in text.splitlines() if len(line.split()) > 1)


def test_a_name_stands_once():
    out = StringIO()
    show_rows(Console(file=out, width=80), ["name", "value"], [["T1", "1"], ["T1", "2"], ["T2", "3"]], once=True)
    assert out.getvalue().count("T1") == 1
