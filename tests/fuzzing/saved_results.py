"""Saved results of both formats with one value or a piece of a table changed, their checksums made right again."""

from __future__ import annotations

import json
import random
import shutil
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from fuzzing.harness import Target, garbled, mutated_values
from perospin.reports import cite, model_card
from perospin.saving import digest, sha256
from perospin.studies.result import StudyResult

SOURCES = sorted(path.parent for path in (Path(__file__).parents[1] / "data" / "results").rglob("result.json"))


@cache
def seeds() -> tuple[tuple[dict[str, Any], dict[str, str]], ...]:
    """Content of each result, and the texts of its tables by path."""
    return tuple(
        (
            json.loads((source / "result.json").read_text(encoding="utf-8")),
            {
                path.relative_to(source).as_posix(): path.read_text(encoding="utf-8")
                for path in sorted(source.rglob("*.csv"))
            },
        )
        for source in SOURCES
    )


def make(rng: random.Random) -> tuple[int, dict[str, Any], str, str]:
    """Which result, its content, and the path and text of one table (or '')."""
    which = rng.randrange(len(seeds()))
    content, tables = seeds()[which]
    if rng.random() < 0.33:
        name = rng.choice(list(tables))
        return which, content, name, garbled(rng, tables[name])
    return which, mutated_values(rng, content), "", ""


def attempt(content: tuple[int, dict[str, Any], str, str], folder: Path) -> bool:
    """Open it; what opens can be shown and cited."""
    which, result, name, text = content
    place = folder / str(which)
    if not place.is_dir():
        shutil.copytree(SOURCES[which], place)
    if name:
        (place / name).write_text(text, encoding="utf-8", errors="replace")
        if "tables_sha256" in result:
            path = Path(name)
            sums = {**result["tables_sha256"], f"{path.parent.name}/{path.name}": sha256(place / name)}
            result = {**result, "tables_sha256": sums}
    if isinstance(result.get("format"), int) and result["format"] > 1 and (name or len(str(result)) % 5):
        result = {**result, "sha256": digest({key: value for key, value in result.items() if key != "sha256"})}
    (place / "result.json").write_text(json.dumps(result), encoding="utf-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened = StudyResult.load(place)
            assert all((str(opened), model_card(opened), cite(opened)))
    finally:
        if name:
            shutil.copyfile(SOURCES[which] / name, place / name)
    return True


TARGET = Target("saved_results", make, attempt, limit_s=5.0)
