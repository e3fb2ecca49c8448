"""Records with provenance, the curated tables, the user's store, import and export."""

from __future__ import annotations

from perospin.database.benchmark import TABLES, data_file, load_table

__all__ = ["TABLES", "data_file", "load_table"]
