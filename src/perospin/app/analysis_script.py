"""The script that repeats an analysis made on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["script"]


def script(
    name: str,
    files: Sequence[str],
    reading: Mapping[str, Any],
    within: tuple[float, float] | None,
    options: Mapping[str, Any],
) -> str:
    """Write Python that reads and fits the same files in the same way.

    Parameters
    ----------
    name, files, within
        As `perospin.measurements.fit_files` takes them.
    reading, options
        Its keywords for the reader and for the analysis.
    """
    lines = ["from perospin.measurements import fit_files", "", "outcome = fit_files("]
    lines += [f"    {name!r},", f"    {list(files)!r},"]
    lines += [f"    {key}={value!r}," for key, value in reading.items()]
    lines += [f"    within={within!r},"] if within is not None else []
    lines += [f"    {key}={value!r}," for key, value in options.items()]
    lines += [")", "print(outcome.fit.report())", f'outcome.fit.plot().savefig("fit-{name}.pdf")', ""]
    return "\n".join(lines)
