"""Check the shipped tables of records as strictly as a user's file, and more."""

from __future__ import annotations

from perospin.database.benchmark import data_file
from perospin.database.query import CURATED
from perospin.database.tidy import CellIssue, check_rows, read_cells


def check_curated() -> dict[str, tuple[int, list[CellIssue]]]:
    """Count the good records and list the bad cells of each curated table.

    On top of the checks of an import: identifiers are unique over all tables and every record says from which
    row of which source table it comes.
    """
    result: dict[str, tuple[int, list[CellIssue]]] = {}
    seen: dict[str, str] = {}
    for name in CURATED:
        header, rows = read_cells(data_file(f"records/{name}.csv"), delimiter=",")
        records, issues = check_rows(header, rows)
        identifiers, origins = header.index("record_id"), header.index("origin")
        for number, row in enumerate(rows, start=2):
            identifier = row[identifiers]
            if not identifier or identifier in seen:
                message = f"must be unique; {seen.get(identifier, 'it is empty')}"
                issues.append(CellIssue(number, "record_id", identifier, message))
            seen[identifier] = f"{name}, row {number} has it too"
            if not row[origins]:
                issues.append(CellIssue(number, "origin", "", "missing; every curated record says where it comes from"))
        result[name] = (len(records), issues)
    return result
