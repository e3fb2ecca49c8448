"""The one table of analyses agrees with the rooms it names."""

from __future__ import annotations

import pytest

from perospin.cli.fit import app
from perospin.database import PROPERTIES
from perospin.errors import DataError
from perospin.measurements import ANALYSES, analysis
from perospin.measurements.drawings import DRAWINGS


@pytest.mark.parametrize("name", ANALYSES)
def test_an_analysis_names_what_exists(name: str) -> None:
    entry = ANALYSES[name]
    assert callable(entry.fit)
    assert entry.words
    assert set(entry.records) <= set(PROPERTIES)
    assert set(entry.drawings) - {""} <= set(DRAWINGS)


def test_every_drawing_belongs_to_an_analysis() -> None:
    assert {word for entry in ANALYSES.values() for word in entry.drawings} - {""} == set(DRAWINGS)


def test_every_command_is_an_analysis() -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert commands <= set(ANALYSES)


def test_an_unknown_analysis_is_named_with_those_there_are() -> None:
    with pytest.raises(DataError, match="there is no analysis 'nmr'; there are: pump-probe, map"):
        analysis("nmr")
