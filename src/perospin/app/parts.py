"""Parts that pages share: one sentence for an error, downloads, tables, figures."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from perospin import look
from perospin.errors import PerospinError, sentence

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = [
    "as_csv",
    "downloads",
    "figure_bytes",
    "guarded",
    "heading",
    "on_a_page",
    "plain_text",
    "save_figure",
    "show_figure",
    "source_url",
    "styled",
]

FORMATS = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Show what goes wrong as one sentence; the rest of the page stays."""
    try:
        yield
    except PerospinError as error:
        st.error(plain_text(on_a_page(str(error))), icon=":material/error:")
    except MemoryError:
        st.error("There is not enough memory for this: give a smaller file or fewer rows.")
    except RecursionError:
        st.error("The input is nested deeper than anything that perospin reads.")


_ON_A_PAGE = (
    (r"with --ion '[^']*'", "under 'A cation of your own'"),
    (r" ?\(--columns[^)]*\)", " under 'What is taken for what'"),
    (r"give --unit\b", "choose its unit"),
    (r"ask for materials with 'perospin campaign suggest'", "choose some on the page 'Campaign'"),
    (r"try robust=True", "tick 'robust'"),
    (r"state with --stop-below", "state with 'Stop below' at the start of a campaign"),
)


def on_a_page(text: str) -> str:
    """Put advice about the command line's options in the words of the page.

    Examples
    --------
    >>> on_a_page("unknown ion 'Foo'. Define your own cation with --ion 'Foo=<SMILES>'")
    "unknown ion 'Foo'. Define your own cation under 'A cation of your own'"
    """
    for pattern, words in _ON_A_PAGE:
        text = re.sub(pattern, words, text)
    return text


def plain_text(text: str) -> str:
    """Make Streamlit show a text as it stands: no sign in it is Markdown, HTML or LaTeX."""
    found = sentence(text)
    for sign in "\\`*_{}[]()<>#+-.!|~$:&":
        found = found.replace(sign, f"\\{sign}")
    return found


def heading(title: str, line: str) -> None:
    """Write the title of a page and what it is for."""
    st.title(title)
    st.caption(line)


def figure_bytes(figure: Figure, ending: str) -> bytes:
    """Write a figure as PNG, SVG or PDF."""
    out = io.BytesIO()
    figure.savefig(
        out, format=ending, dpi=200, bbox_inches="tight", metadata={"Date": None} if ending == "svg" else None
    )
    return out.getvalue()


def show_figure(figure: Figure | Callable[[], Figure], name: str, words: str, width: int = 560, key: str = "") -> None:
    """Show a figure with its description, and offer it in three formats.

    Parameters
    ----------
    figure : Figure or callable
        The figure, or what draws it.
    name : str
        Of the downloaded file, without its ending.
    words : str
        What the figure shows, for readers who can't see it.
    width : int
        On the page, in pixels; less where the page is narrower.
    key : str
        All that the figure shows; equal ones are drawn once. Without it each is drawn anew.
    """

    def draw() -> Figure:
        return figure() if callable(figure) else figure

    with st.container(width=width):
        picture = _kept_png(f"{name}:{key}", draw) if key else figure_bytes(draw(), "png")
        st.image(picture, caption=plain_text(words), width="stretch", alt=words)
    save_figure(draw, name)


@st.cache_resource(max_entries=100, show_spinner=False)
def _kept_png(key: str, _draw: Callable[[], Figure]) -> bytes:
    return figure_bytes(_draw(), "png")


def save_figure(draw: Callable[[], Figure], name: str) -> None:
    """Offer a figure in three formats; it is drawn once somebody asks for it."""
    with st.container(horizontal=True):
        for ending, kind in FORMATS.items():
            st.download_button(
                ending.upper(), partial(_drawn, draw, ending), f"{name}.{ending}", kind, key=f"{name}.{ending}",
                on_click="ignore", help=f"Save the figure as {ending.upper()}", icon=":material/download:",
            )  # fmt: skip


def _drawn(draw: Callable[[], Figure], ending: str) -> bytes:
    return figure_bytes(draw(), ending)


def downloads(
    key: str, files: Mapping[str, tuple[bytes | str | Callable[[], bytes], str]], named: bool = False
) -> None:
    """Offer files in one row of buttons, labelled with their kind or their whole name.

    Parameters
    ----------
    key : str
        Of this row.
    files : dict of str to tuple
        Name to content (or what makes it once somebody asks for it) and kind.
    named : bool
        Label each button with the whole name.
    """
    with st.container(horizontal=True):
        for name, (content, kind) in files.items():
            label = name if named else name.rpartition(".")[2].upper()
            st.download_button(
                label, content, name, kind, key=f"{key}:{name}", on_click="ignore", help=f"Save {name}",
                icon=":material/download:",
            )  # fmt: skip


def as_csv(frame: pd.DataFrame) -> str:
    """Write a table as CSV that a spreadsheet can open without running anything in it."""
    from perospin.saving import no_formulas

    return str(no_formulas(frame).to_csv(index=False))


def source_url(source: str) -> str:
    """Address of a source: a DOI as a link to it, an address as it stands, else nothing."""
    found = re.search(r"10\.\d{4,9}/[^\s);]+", source)
    if found:
        return f"https://doi.org/{found[0]}"
    address = re.search(r"https?://[^\s);]+", source)
    return address[0] if address else ""


def styled(figure: Any, height: int = 460) -> Any:
    """Give a plotly figure the look of all figures: colours that everybody can tell apart, no frame, no logo."""
    figure.update_layout(
        colorway=list(look.COLOURS), height=height, margin={"l": 8, "r": 8, "t": 36, "b": 8}, template="simple_white",
        font={"color": look.BLACK, "size": 13},
        # below the figure: above it stands the bar of buttons
        legend={"orientation": "h", "y": 0.0, "yref": "container", "yanchor": "bottom", "x": 0.0},
    )  # fmt: skip
    return figure
