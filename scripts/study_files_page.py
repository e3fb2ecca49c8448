"""Write docs/study_files.md from the declaration of study files: python scripts/study_files_page.py."""

from __future__ import annotations

from pathlib import Path

from perospin.studies.declaration.reference import page

PAGE = Path(__file__).resolve().parents[1] / "docs" / "study_files.md"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
