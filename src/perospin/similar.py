"""The one "did you mean": names that look like a misspelt one, for a message."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["did_you_mean", "similar_names", "similarity"]

_LONGEST = 200
"""Letters of a name that are compared: a foreign name may be a megabyte long."""


def similar_names(name: str, known: Iterable[str], *, most: int = 1, cutoff: float = 0.6) -> list[str]:
    """Up to `most` of the known names that look like `name`, the most similar first.

    Parameters
    ----------
    name : str
        The name that was not found.
    known : iterable of str
        The names that there are.
    most : int
        How many to give at most.
    cutoff : float
        Least similarity, 0 to 1 (``difflib``'s ratio).

    Examples
    --------
    >>> similar_names("lifetme_ps", ["lifetime_ps", "rate_per_ps"])
    ['lifetime_ps']
    """
    from difflib import get_close_matches

    return get_close_matches(name[:_LONGEST], list(known), n=most, cutoff=cutoff)


def did_you_mean(
    name: str,
    known: Iterable[str],
    *,
    otherwise: str = "",
    most: int = 1,
    cutoff: float = 0.6,
    quoted: bool = False,
) -> str:
    """Part of a sentence that offers similar names, or `otherwise` where none is similar.

    Examples
    --------
    >>> did_you_mean("layr", ["layer", "bond"], quoted=True)
    "did you mean 'layer'?"
    >>> did_you_mean("xyz", ["layer", "bond"], otherwise="there are: layer, bond")
    'there are: layer, bond'
    """
    close = similar_names(name, known, most=most, cutoff=cutoff)
    if not close:
        return otherwise
    mark = "'" if quoted else ""
    return f"did you mean {' or '.join(f'{mark}{other}{mark}' for other in close)}?"


def similarity(first: str, second: str) -> float:
    """Similarity of two spellings, 0 to 1, with regard to case."""
    from difflib import SequenceMatcher

    return SequenceMatcher(None, first, second).ratio()
