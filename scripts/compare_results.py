"""Compare two result folders of one study: every number of every table, to the last digit.

``python scripts/compare_results.py report-before/spin-relaxation report/spin-relaxation``

Prints what differs and exits 1, or says that nothing does. Times, versions and machine are left out.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

IGNORED_COLUMNS = {"seconds"}


def rows_of(path: Path) -> list[dict[str, str]]:
    """Rows of a table without what changes from run to run."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if k not in IGNORED_COLUMNS} for row in csv.DictReader(file)]


def largest_difference(first: list[dict[str, str]], second: list[dict[str, str]]) -> tuple[float, str]:
    """Largest relative difference of two tables of one shape, and where; infinite where text differs."""
    worst, where = 0.0, ""
    for number, (a, b) in enumerate(zip(first, second, strict=True), start=1):
        for column in a:
            if a[column] == b.get(column):
                continue
            try:
                x, y = float(a[column]), float(b[column])
                size = abs(x - y) / max(abs(x), abs(y))
            except (ValueError, KeyError, TypeError):
                return float("inf"), f"row {number}, {column}: {a[column]!r} and {b.get(column)!r}"
            if size > worst:
                worst, where = size, f"row {number}, {column}: {x!r} and {y!r}"
    return worst, where


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--within", type=float, default=0.0, help="relative difference that counts as equal")
    asked = parser.parse_args()
    tables = sorted({p.relative_to(f) for f in (asked.before, asked.after) for p in f.rglob("*.csv")})
    tables = [table for table in tables if "cells" not in table.parts]
    if not tables:
        print(f"no tables in {asked.before} or {asked.after}")
        return 1
    different = 0
    for table in tables:
        paths = [folder / table for folder in (asked.before, asked.after)]
        missing = [str(path) for path in paths if not path.is_file()]
        if missing:
            print(f"{table}: missing in {missing[0]}")
            different += 1
            continue
        first, second = (rows_of(path) for path in paths)
        if len(first) != len(second):
            print(f"{table}: {len(first)} rows and {len(second)} rows")
            different += 1
            continue
        size, where = largest_difference(first, second)
        if size > asked.within:
            print(f"{table}: {size:.1e} at {where}")
            different += 1
    print(f"{len(tables)} tables compared, {different} differ")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())
