"""A campaign over a small grid whose true values are known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from campaign_grid import grid
from perospin.navigation.campaign.campaign import Campaign


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    made = Campaign.new(tmp_path / "c", grid(), "max gap (eV)", stop_below=0.01)
    yield made
    made.close()
