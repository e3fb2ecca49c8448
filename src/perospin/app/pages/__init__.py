"""One file a page; each has `show`, which draws it and is imported when its page is opened."""

from __future__ import annotations

import importlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A page of the app.

    Attributes
    ----------
    name : str
        Of its file, and in its address.
    title, line : str
        In the menu, and what it is for.
    """

    name: str
    title: str
    line: str

    def show(self) -> None:
        """Draw the page."""
        importlib.import_module(f"perospin.app.pages.{self.name}").show()


PAGES = (Page("predict", "Predict", "Rate and lifetime of a material, with interval and reasons."),)
