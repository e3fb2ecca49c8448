"""Counts of what is shipped, as the Markdown block of DATA.md; a test holds the two together."""

from __future__ import annotations

from pathlib import Path

from perospin.database.benchmark import TABLES, load_table
from perospin.database.citing import cited_sources
from perospin.database.query import CURATED, curated_records, curated_table
from perospin.database.vocabulary import PROPERTIES
from perospin.errors import DataError
from perospin.saving import write_text

BEGIN = "<!-- counts: written by scripts/build_database.py, checked by the tests; do not edit -->"
END = "<!-- end of counts -->"


def counts_markdown() -> str:
    """Count records, properties, sources and benchmark tables."""
    lines = [
        "### Records",
        "",
        "| table | records | known composition | theory | bounds and largest values | estimated | sources | what |",
        "|---|---|---|---|---|---|---|---|",
    ]

    def row(name: str, records: tuple[object, ...], what: str) -> str:
        counts = _counts(records)
        return f"| {name} | {' | '.join(str(n) for n in counts)} | {what} |"

    for name, what in CURATED.items():
        lines.append(row(f"`{name}`", curated_table(name), what))
    everything = curated_records()
    lines.append(row("**all**", everything, ""))
    primary = sum(record.source.evidence == "primary" for record in everything)
    default = sum(record.composition == "known" and not record.theory for record in everything)
    lines += [
        "",
        f"A default query sees {default} of the {len(everything)} records (composition known, not theory); "
        f"{primary} were read in the work that reports them, {len(everything) - primary} are quoted by another.",
        "",
        "### Properties",
        "",
        "| property | unit | records | in default queries |",
        "|---|---|---|---|",
    ]
    for prop in PROPERTIES.values():
        own = [record for record in everything if record.property == prop.name]
        if own:
            shown = sum(record.composition == "known" and not record.theory for record in own)
            lines.append(f"| `{prop.name}` | {prop.unit} | {len(own)} | {shown} |")
    lines += ["", "### Benchmark tables", "", "| table | rows | columns | licence | source |", "|---|---|---|---|---|"]
    for name, table in TABLES.items():
        frame = load_table(name)
        lines.append(f"| `{name}` | {len(frame)} | {frame.shape[1]} | {table.licence} | {table.source} |")
    return "\n".join(lines) + "\n"


def update_counts(path: Path | str) -> None:
    """Replace the block between the two markers of DATA.md.

    Raises
    ------
    DataError
        If the markers are missing.
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise DataError(f"'{path}' lacks the lines '{BEGIN}' and '{END}'")
    write_text(path, f"{head}{BEGIN}\n\n{counts_markdown()}\n{END}{tail}")


def counts_in(path: Path | str) -> str:
    """Read the block as it stands in the file."""
    text = Path(path).read_text(encoding="utf-8")
    return text.partition(BEGIN)[2].partition(END)[0].strip() + "\n"


def _counts(records: tuple[object, ...]) -> tuple[int, ...]:
    from perospin.database.record import Record

    own = [record for record in records if isinstance(record, Record)]
    return (
        len(own),
        sum(record.composition == "known" for record in own),
        sum(record.theory for record in own),
        sum(record.limit != "value" for record in own),
        sum(record.estimated for record in own),
        len(cited_sources(own)),
    )
