import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from perospin.errors import NavigationError
from perospin.navigation import InputColumns, surrogate_from
from perospin.navigation.surrogates.declared import LAWS, law_from

COLUMNS = InputColumns(
    ("iodide", "bromide", "temperature_k"), ("fraction", "fraction", "continuous"), (0, 0, 77), (1, 1, 300)
)
DECLARED = """
kind = "competing"
[[laws]]
kind = "vegard"
fractions = ["iodide", "bromide"]
ends = [{ normal = [1.6, 0.2] }, { normal = [2.3, 0.2] }]
[[laws]]
kind = "arrhenius"
temperature_k = "temperature_k"
barrier_mev = { lognormal = [30, 2] }
attempt = { normal = [2.0, 0.5] }
[[laws]]
kind = "rate law"
law = "dyakonov_perel"
options = { dimension = 2 }
[laws.arguments]
temperature_k = "temperature_k"
rashba_ev_a = { lognormal = [0.05, 2] }
momentum_scattering_time_ps = 0.005
mass_m0 = 0.2
"""


def test_a_campaign_s_declaration_becomes_a_surrogate():
    competing = surrogate_from(COLUMNS, tomllib.loads(DECLARED))
    rng = np.random.default_rng(0)
    share = rng.random(6)
    rows = np.column_stack([share, 1 - share, rng.uniform(77, 300, 6)])
    competing.fit(rows, 1.6 * share + 2.3 * (1 - share) - 0.3 * share * (1 - share))
    assert competing.decided == "Vegard's law with bowing"
    assert len(competing.names) == 3
    assert type(surrogate_from(COLUMNS)).__name__ == "GPSurrogate"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "vegrad"}, f"unknown law 'vegrad'; known are {', '.join(LAWS)}"),
        ({"kind": "vegard"}, "the law 'vegard' can't be read: missing a required argument: 'fractions'; it takes"),
        ({"kind": "constant", "level": {"normal": [1.0]}}, r"a prior is written \{ normal = \[a, b\] \}"),
        ({"kind": "constant", "level": {"normal": [1.0, -1.0]}}, "a prior needs a finite mean and an sd above 0"),
        ({"kind": "constant", "level": 2.0}, "an option of|its prior is a Normal"),
        ({"kind": "constant", "levels": 2.0}, "it takes level"),
    ],
)
def test_wrong_laws(given, words):
    with pytest.raises(NavigationError, match=words):
        law_from(given)


def test_wrong_surrogates():
    with pytest.raises(NavigationError, match="unknown surrogate 'gp'; known are plain, structured"):
        surrogate_from(COLUMNS, {"kind": "gp"})
    with pytest.raises(NavigationError, match="takes exactly 'law' beside its kind"):
        surrogate_from(COLUMNS, {"kind": "structured"})
    with pytest.raises(NavigationError, match=r"takes nothing beside its kind, not \['law'\]"):
        surrogate_from(COLUMNS, {"kind": "plain", "law": {}})


def test_the_declaration_in_the_manual():
    page = Path(__file__).resolve().parents[3] / "docs" / "navigation" / "surrogates.md"
    (block,) = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    columns = InputColumns(("iodide", "bromide"), ("fraction", "fraction"), (0, 0), (1, 1))
    assert len(surrogate_from(columns, tomllib.loads(block)["surrogate"]).names) == 2
