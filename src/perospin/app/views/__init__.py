"""One file a page; each has `show`, which draws it and is imported when its page is opened.

The folder isn't called `pages`: Streamlit would serve such a one by itself.
"""

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
        importlib.import_module(f"perospin.app.views.{self.name}").show()


PAGES = (
    Page("predict", "Predict", "Rate and lifetime of a material, with interval and reasons."),
    Page("analyse", "Analyse", "Traces of a measurement to a lifetime, with figure, doubts and record."),
    Page("explore", "Explore", "Measured values and their sources; what goes with what."),
    Page("structure", "Structure", "A crystal file to octahedra, angles, spacing and symmetry."),
    Page("screen", "Screen", "Which materials of a space to make next."),
    Page("campaign", "Campaign", "What to make next, with reasons, and what came of it."),
    Page("plates", "Plates", "Suggestions to a robot's worklist; plates of spectra to numbers."),
    Page("study", "Study", "A table to a validated model; reports; two results side by side."),
    Page("mechanisms", "Mechanisms", "Rate laws on sliders, and which one your data speak for."),
    Page("detectors", "Detectors", "X-ray attenuation, and one device to a page."),
)
"""In the order of the menu; the first one opens first."""
