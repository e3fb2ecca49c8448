"""Records out of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perospin.database import Conditions, Record, Source
from perospin.errors import DataError, PerospinError

if TYPE_CHECKING:
    from perospin.server.messages import NewRecord

__all__ = ["record_of"]

_CONDITIONS = (
    "temperature_k",
    "field_t",
    "excitation_nm",
    "fluence_uj_cm2",
    "technique",
    "carrier",
    "form",
    "lifetime_convention",
)


def record_of(asked: NewRecord, place: int) -> Record:
    """Make a record of a message.

    Parameters
    ----------
    asked : NewRecord
        As it was sent; the unit is converted to that of the property.
    place : int
        Its place in the message, from 0, for the sentence of an error.

    Raises
    ------
    DataError
        If a value, unit or word is wrong.
    """
    try:
        return Record.measured(
            asked.material,
            asked.property,
            asked.value,
            asked.unit,
            Source(asked.doi, asked.first_author, asked.year, asked.located_in, asked.evidence, asked.url),
            uncertainty=asked.uncertainty,
            composition=None if asked.composition == "known" else asked.composition,
            limit=asked.limit,
            conditions=Conditions(**{name: getattr(asked, name) for name in _CONDITIONS}),
            estimated=asked.estimated,
            theory=asked.theory,
            note=asked.note,
        )
    except PerospinError as error:
        raise DataError(f"records[{place}]: {error}") from None
