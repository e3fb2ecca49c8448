"""Numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perospin.studies.result import PartResult


def history(part: PartResult) -> list[str]:
    """Say step by step how the declaration came about, with commits."""
    return [
        (f"Commit {step.commit}: " if step.commit else "") + step.what.strip() for step in part.spec.variants.history
    ]


def variants_text(part: PartResult) -> str:
    """Say how many variants were tried on the table: declared by the study's author, and counted by the engine."""
    declared = part.spec.variants.tried
    text = f"Models tried before this study was fixed: {declared} declared"
    known = part.provenance.get("variants")
    if not known:
        return text + "."
    here = known["this_run"]
    if not known["logged"]:
        return f"{text}; {here} settings scored in this run (their log could not be written)."
    studies = len(known["studies"])
    return (
        f"{text}; the log on this computer holds {known['settings']} settings scored on this table "
        f"({here} of them in this run; {studies} stud{'y' if studies == 1 else 'ies'} since {known['since']})."
    )
