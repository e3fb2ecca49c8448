"""Feed perospin with random inputs and print what happened; exit code 1 if anything went wrong.

python scripts/fuzz.py formulas smiles tables --inputs 10000 --seed 1 --json fuzz.json
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

KINDS = sorted(
    path.stem
    for path in (Path(__file__).parents[1] / "tests" / "fuzzing").glob("*.py")
    if path.stem not in ("__init__", "harness") and not path.stem.startswith("test_")
)


def main() -> int:
    """Run the kinds that are asked for, or all."""
    parser = argparse.ArgumentParser(description="Feed perospin with random inputs and count what happens.")
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], help=f"of {', '.join(KINDS)}; all if none is given")
    parser.add_argument("--inputs", type=int, default=10_000, help="inputs of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the counts and the first failures here")
    given = parser.parse_args()

    from fuzzing.harness import run, table

    outcomes = []
    for kind in given.kinds or KINDS:
        target = importlib.import_module(f"fuzzing.{kind}").TARGET
        with tempfile.TemporaryDirectory() as folder:
            outcome = run(target, given.inputs, given.seed, Path(folder))
        outcomes.append(outcome)
        for example in outcome.examples:
            print(f"{kind}: {example}", file=sys.stderr)
    print(table(outcomes))
    if given.json:
        given.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1), encoding="utf-8")
    return 1 if any(outcome.failures for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
