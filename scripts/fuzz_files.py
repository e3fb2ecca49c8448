"""Feed broken files to what opens them (TOML, saved fits, results, models): each opens whole or is refused.

Run as ``python scripts/fuzz_files.py --tries 1000``; prints a table (kind, tries, failures) and ends with 1 if anything
failed. A failure is an error that is no `PerospinError`, a message above 400 letters, more than a second (five for
files), or a file that opens and fails when its content is used.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**12, 1e308, float("nan"), "", "x" * 2000, "../../evil", "a\x1b[31mb\x00", [], [[]], {},
    {"a": 1}, {"number": "NaN"}, ["x"], {"$": "tuple", "value": [[]]}, [1.0, "a"],
)  # fmt: skip


def mutated(value: Any, draw: random.Random) -> Any:
    """Copy of plain values with one place changed: replaced, removed, doubled or renamed."""
    found = copy.deepcopy(value)
    places: list[tuple[Any, Any]] = []
    stack = [found]
    while stack:
        node = stack.pop()
        items = list(node.items()) if isinstance(node, dict) else list(enumerate(node))
        places += [(node, key) for key, _ in items]
        stack += [item for _, item in items if isinstance(item, dict | list)]
    # places deep inside long tables are many and alike: the few at the top get their share
    node, key = places[min(int(len(places) * draw.random() ** 3), len(places) - 1)]
    action = draw.random()
    if action < 0.7:
        node[key] = copy.deepcopy(draw.choice(ODD))
    elif action < 0.85:
        del node[key]
    elif isinstance(node, dict):
        node["evil"] = node.pop(key)
    else:
        node.insert(key, copy.deepcopy(node[key]))
    return found


def garbled(text: str, draw: random.Random) -> str:
    """Copy of a text with a piece cut, doubled, moved or replaced."""
    a, b = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
    b = min(b, a + draw.choice((1, 3, 30, 300)))
    piece = draw.choice(("", text[a:b] * draw.choice((2, 50)), *"[]{}=.\"'#\n\\", "\x00", "\x1b[2J", "[" * 300,
                         "a." * 300, "9" * 5000, "nan", "-1", "1e400", "'''", '"""', "../" * 5, "\u202e"))  # fmt: skip
    return text[:a] + piece + text[b:]


class Tally:
    """Counts of one kind."""

    def __init__(self, kind: str, limit_s: float) -> None:
        self.kind, self.limit_s = kind, limit_s
        self.tries, self.failures = 0, 0
        self.seen: list[str] = []

    def check(self, call: Callable[[], Any]) -> None:
        """Call once; anything but a value or one sentence in time is a failure."""
        from perospin.errors import PerospinError

        self.tries += 1
        began, fault = time.process_time(), ""
        try:
            call()
        except PerospinError as error:
            text = str(error)
            if len(text) > 400 or not text.isprintable():
                fault = f"message of {len(text)} letters: {text[:60]!r}"
        except Exception as error:
            fault = f"{type(error).__name__}: {str(error)[:100]}"
        seconds = time.process_time() - began  # of our own work, however busy the machine is
        if not fault and seconds > self.limit_s:
            fault = f"{seconds:.1f} s"
        if fault:
            self.failures += 1
            if len(self.seen) < 5:
                self.seen.append(fault)


def toml(tries: int) -> Tally:
    """Study files and ion files."""
    import small_study
    from perospin.chemistry.user_ions import read_toml
    from perospin.studies.study import Study

    tally, draw = Tally("TOML", 1.0), random.Random(3)
    shipped = sorted((ROOT / "src/perospin/studies/shipped").glob("*.toml"))
    texts = [small_study.to_toml(small_study.RAW), *(path.read_text(encoding="utf-8") for path in shipped)]
    Study.load(shipped[0]).check()  # imports are paid once
    texts += ['[ions]\nPEEA = "[NH3+]CCc1ccccc1"\n']
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "study.toml"
        for number in range(tries):
            if number % 3:
                text = garbled(texts[draw.randrange(len(texts))], draw)
            else:
                try:
                    text = small_study.to_toml(mutated(small_study.RAW, draw))
                except (TypeError, AttributeError):
                    continue
            path.write_text(text, encoding="utf-8", errors="replace")
            tally.check(lambda: Study.load(path).check())
            tally.check(lambda: read_toml(path))
    return tally


def fits(tries: int) -> Tally:
    """Mutate saved fits of both formats, the checksum of the newer one made right again."""
    from perospin.fitting.result import Fit
    from perospin.measurements import SpinFit
    from perospin.saving import digest

    def use(kind: type[Fit], text: str) -> None:
        fit = kind.from_json(text)
        for word in (fit.report(), fit.summary(), repr(fit), fit._repr_html_()):
            assert word
        fit.covariance()
        assert kind.from_json(fit.to_json()).to_json() == fit.to_json()

    tally, draw = Tally("saved fits", 1.0), random.Random(4)
    old = json.loads((ROOT / "tests/fitting/data/fit_format_1.json").read_text(encoding="utf-8"))
    new = Fit.from_json(json.dumps(old)).to_dict()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(tries):
            content = mutated(old if number % 2 else new, draw)
            if "sha256" in content and number % 4:
                content["sha256"] = digest({k: v for k, v in content.items() if k != "sha256"})
            text = json.dumps(content)
            if number % 10 == 9:
                text = garbled(text, draw)
            tally.check(lambda: use(SpinFit if number % 3 == 0 else Fit, text))  # noqa: B023
    return tally


def results(tries: int) -> Tally:
    """Folders of results of both formats, their checksums made right again."""
    from perospin.reports import cite, model_card
    from perospin.saving import digest, sha256
    from perospin.studies.result import StudyResult

    def use(folder: Path) -> None:
        result = StudyResult.load(folder)
        assert str(result)
        assert model_card(result)
        assert cite(result)

    tally, draw = Tally("results", 5.0), random.Random(5)
    sources = sorted(path.parent for path in (ROOT / "tests/data/results").rglob("result.json"))
    with tempfile.TemporaryDirectory() as name:
        for number in range(tries):
            source = sources[number % len(sources)]
            folder = Path(name) / "result"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(source, folder)
            path = folder / "result.json"
            content = json.loads(path.read_text(encoding="utf-8"))
            if number % 3 == 2:
                tables = sorted((folder / "tables").rglob("*.csv"))
                table = tables[draw.randrange(len(tables))]
                table.write_text(garbled(table.read_text(encoding="utf-8"), draw), encoding="utf-8", errors="replace")
                if "tables_sha256" in content:
                    content["tables_sha256"][f"{table.parent.name}/{table.name}"] = sha256(table)
            else:
                content = mutated(content, draw)
            if isinstance(content.get("format"), int) and content["format"] > 1 and number % 5:
                content["sha256"] = digest({k: v for k, v in content.items() if k != "sha256"})
            path.write_text(json.dumps(content), encoding="utf-8")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tally.check(lambda: use(folder))  # noqa: B023
    return tally


def models(tries: int) -> Tally:
    """Model files with flipped, cut and doubled bytes; what is behind the checksums has tests of its own."""
    from perospin.studies.study import Study

    tally, draw = Tally("models", 5.0), random.Random(6)
    source = next(iter(sorted((ROOT / "tests/data/models").rglob("*.npz"))))
    data = source.read_bytes()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "model.npz"
        for _ in range(tries):
            broken = bytearray(data)
            for _ in range(draw.choice((1, 1, 4))):
                at = draw.randrange(len(broken))
                size = draw.choice((1, 8, 500))
                broken[at : at + size] = draw.choice((b"", draw.randbytes(size), bytes(broken[at : at + size]) * 2))
            path.write_bytes(bytes(broken))
            tally.check(lambda: Study.load_model(path))
    return tally


def run(tries: int) -> list[Tally]:
    """Every kind; those that cost more get fewer tries."""
    return [toml(tries), fits(4 * tries), results(max(tries // 4, 8)), models(max(tries // 2, 8))]


def main() -> int:
    """Print the table; also as JSON with ``--json FILE``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write the table to this file too")
    asked = parser.parse_args()
    tallies = run(asked.tries)
    print(f"{'kind':<14} {'tries':>8} {'failures':>9}")
    for tally in tallies:
        print(f"{tally.kind:<14} {tally.tries:>8} {tally.failures:>9}")
        for fault in tally.seen:
            print(f"    {fault}")
    if asked.json is not None:
        from perospin.saving import write_json

        write_json(asked.json, [{"kind": t.kind, "tries": t.tries, "failures": t.failures} for t in tallies])
    return int(any(tally.failures for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
