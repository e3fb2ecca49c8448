"""``--help`` of every command: an example first, what most never need last."""

from __future__ import annotations

import pytest

from commands import every_command
from perospin.cli.rarely import PANEL, RARE, rare_last

EVERY = every_command(rare_last)


@pytest.mark.parametrize("path", EVERY)
def test_a_command_begins_with_an_example_and_ends_with_what_is_rare(path):
    command = EVERY[path]
    words, sign, example = (command.help or "").partition("Example")
    assert sign, f"perospin {path} --help gives no example"
    assert f"perospin {path}" in example
    assert len(words.strip().split("\n")[0]) <= 120
    panels = [getattr(option, "rich_help_panel", None) for option in command.params]
    first = panels.index(PANEL) if PANEL in panels else len(panels)
    assert set(panels[first:]) <= {PANEL}


def test_the_table_of_rare_options_names_only_what_is_there():
    opts = {path: {name for option in command.params for name in option.opts} for path, command in EVERY.items()}
    assert RARE[""] <= set.union(*opts.values())
    for path, names in RARE.items():
        if path:
            assert names <= opts[path], path
