"""Records with provenance, the curated tables, the user's store, import and export.

Every number has a source, the conditions it holds under, and says whether it was read in the original.
`load_records` reads single measured values, `load_table` a published table as its authors wrote it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perospin.database.benchmark import TABLES, BenchmarkTable, data_file, load_table
    from perospin.database.checking import check_curated
    from perospin.database.exporting import CitedSource, cited_sources, export_records, to_bibtex, to_json
    from perospin.database.importing import ColumnMapping, ImportCheck, check_file, import_file
    from perospin.database.query import CURATED, curated_records, load_records, select_records, to_frame
    from perospin.database.record import Conditions, Record, Source
    from perospin.database.store import Store
    from perospin.database.tidy import CellIssue, read_records, write_records
    from perospin.database.vocabulary import PROPERTIES, Property

# Where each public name lives; imported on first use, so that reading one table does not load SQLAlchemy.
_HOMES = {
    "benchmark": ("TABLES", "BenchmarkTable", "data_file", "load_table"),
    "checking": ("check_curated",),
    "exporting": ("CitedSource", "cited_sources", "export_records", "to_bibtex", "to_json"),
    "importing": ("ColumnMapping", "ImportCheck", "check_file", "import_file"),
    "query": ("CURATED", "curated_records", "load_records", "select_records", "to_frame"),
    "record": ("Conditions", "Record", "Source"),
    "store": ("Store",),
    "tidy": ("CellIssue", "read_records", "write_records"),
    "vocabulary": ("PROPERTIES", "Property"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "CURATED",
    "PROPERTIES",
    "TABLES",
    "BenchmarkTable",
    "CellIssue",
    "CitedSource",
    "ColumnMapping",
    "Conditions",
    "ImportCheck",
    "Property",
    "Record",
    "Source",
    "Store",
    "check_curated",
    "check_file",
    "cited_sources",
    "curated_records",
    "data_file",
    "export_records",
    "import_file",
    "load_records",
    "load_table",
    "read_records",
    "select_records",
    "to_bibtex",
    "to_frame",
    "to_json",
    "write_records",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"perospin.database.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'perospin.database' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
