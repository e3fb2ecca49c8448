"""The report of a study: one self-contained page, with its figures and tables beside it as files."""

from __future__ import annotations

from perospin.learning.report.write import write_report

__all__ = ["write_report"]
