"""Write ``docs/reliability.md`` from what `fuzz.py` and `faults.py` counted; run it from the repository's root.

python scripts/fuzz.py --keep docs/reliability/inputs.json
python scripts/faults.py --json docs/reliability/faults.json
python scripts/reliability_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FED = {
    "formulas": "formulas: noise, pieces, changed and joined ones",
    "smiles": "SMILES, `NAME=SMILES` arguments, files of ions",
    "tables": "tables of records (CSV) with and without a mapping: checked, imported, exported, read again",
    "containers": "HDF5, `.npz` and `.npy` files with wrong bytes",
    "readers": "files of instruments, cut, doubled, mixed",
    "toml": "study files and files of ions (TOML)",
    "saved_fits": "saved fits with a wrong value, checksum made right",
    "saved_results": "saved results with a wrong value or table, checksum made right",
    "saved_models": "saved models with wrong bytes",
    "crystals": "CIF and POSCAR files: read and described",
}
SEEN = {
    "writer killed": "`kill -9` while a file is written: it is the old or the new one, and no part is left",
    "study killed": "`kill -9` while a study runs: it goes on, with the scores of an undisturbed run",
    "full disk": "commands that write on a full disk: one sentence, old file whole",
    "folder that can't be written": "a file in the way, no folder, no permission: one sentence",
    "eight writers, one file": "eight processes count in one file: no step lost, none double",
    "eight runs, one folder": "eight runs of a study into one folder: one writes, others wait or are refused",
    "planted links": "links at every place that is written to: what they point at stays as it is",
    "store: writer killed": "`kill -9` while records are added: what was told as added is there, once",
    "store: migration killed": "`kill -9` while an old store is upgraded: old or new, all records there, going on",
    "store: backup and restore killed": "`kill -9` meanwhile: a whole backup or none, a whole store or an empty one",
    "PostgreSQL: writer killed": "the same as for a file, on a PostgreSQL server",
    "campaign: writer killed": "`kill -9` while results are told: what was told is in the log, once",
    "service killed": "`kill -9` of the service: what it answered with 201 is there once, also when sent again",
}
TEXT = """# Reliability

perospin is fed with wrong input and interrupted on purpose. This page shows what was tried and what came of it.
The tables are written by commands, not by hand.

## Wrong input

An input **fails** in these cases:

- perospin ends with anything but a result or one clear sentence (at most 400 letters, no control signs);
- it takes more than 1 s of processor time; files with numbers, crystals, results and models have 5 s;
- the memory grows by more than 200 MB;
- something is written outside the folder;
- the process dies.

**Read** are the inputs that perospin took. All others were refused with a sentence. **Mended** are failures that these
runs found, and that passed when the same inputs were run again after the mend.

{inputs}

Each slice of inputs has a seed, so that a failure can be made again. A few things are not covered: inputs above a few
hundred kB, and files of kinds that are not in the table. On systems other than Linux, the
memory that the HDF5 library takes for a broken file has no limit.

## Interruptions

A **failure** is a file that is neither old nor new, or a result that is lost or there twice. It is also a traceback,
something left behind, or a file outside the folder.

{faults}

## Run it again

```
python scripts/fuzz.py --keep docs/reliability/inputs.json    # all inputs; goes on where it stopped
python scripts/faults.py --json docs/reliability/faults.json  # all interruptions
python scripts/reliability_page.py                            # this page
```

`make fuzz` and `make faults` run both without keeping the counts; `make test` runs a short slice of each.
"""


def _number(value: float) -> str:
    return f"{value:,}".replace(",", " ")


def _table(heading: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [heading, ("---",) + ("--:",) * (len(heading) - 1), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _inputs(found: dict[str, Any]) -> str:
    """Table of the inputs; slices that failed and were not run again count with their failures."""
    rows: list[tuple[Any, ...]] = []
    totals = [0, 0, 0, 0]
    for kind, kept in found.items():
        last = list(kept["failed"].values())
        tries, read = (kept.get(n, 0) + sum(one.get(n, 0) for one in last) for n in ("tries", "accepted"))
        names = ("uncaught", "bad_message", "slow", "outside")
        failures = sum(one.get(n, 0) for one in last for n in names) + sum(
            one.get("memory_mb", 0) > 200 for one in last
        )
        counts = (tries, read, failures, kept["mended"])
        totals = [a + b for a, b in zip(totals, counts, strict=True)]
        worst = f"{kept.get('slowest_s', 0.0):.2f}", f"{kept.get('memory_mb', 0.0):.0f}"
        rows.append((FED[kind], *map(_number, counts), *worst))
    rows.append(("**all**", *map(_number, totals), "", ""))
    return _table(("what is fed", "tries", "read", "failures", "mended", "slowest (s)", "memory (MB)"), rows)


def _faults(found: list[dict[str, Any]]) -> str:
    return _table(("what is done, and what must hold", "tries", "failures"),
                  [(SEEN[row["kind"]], row["tries"], row["failures"]) for row in found])  # fmt: skip


def page(folder: Path = ROOT / "docs" / "reliability") -> str:
    """Text of the page, from the counts that are kept in a folder."""
    kept = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in ("inputs", "faults")}
    return TEXT.format(inputs=_inputs(kept["inputs"]), faults=_faults(kept["faults"]))


if __name__ == "__main__":
    (ROOT / "docs" / "reliability.md").write_text(page(), encoding="utf-8")
