"""Feed perospin with random inputs and print what happened; exit code 1 if anything went wrong.

python scripts/fuzz.py formulas smiles tables --inputs 10000 --seed 1 --json fuzz.json
python scripts/fuzz.py --keep docs/reliability/inputs.json

With ``--keep`` the million inputs of `CAMPAIGN` run in slices, each in a process of its own (a crash is counted too).
The file is written after each slice. A second call goes on where the first stopped, slices with failures first.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

KINDS = sorted(
    path.stem
    for path in (ROOT / "tests" / "fuzzing").glob("*.py")
    if path.stem not in ("__init__", "harness") and not path.stem.startswith("test_")
)
#: Inputs of a slice, and slices, of each kind: a million in all. The cheap kinds get most and come first.
CAMPAIGN = {
    "smiles": (15_000, 40),
    "formulas": (25_000, 12),
    "containers": (2_500, 16),
    "tables": (3_500, 12),
    "toml": (1_000, 12),
    "saved_fits": (1_000, 12),
    "crystals": (1_000, 12),
    "readers": (1_000, 12),
    "saved_models": (300, 12),
    "saved_results": (200, 12),
}
_COUNTS = ("tries", "accepted", "uncaught", "bad_message", "slow", "outside")


def failures_of(counts: dict[str, Any]) -> int:
    """Count the failures of a slice."""
    from fuzzing.harness import Outcome

    return Outcome(**counts).failures


def one_slice(kind: str, inputs: int, seed: int) -> dict[str, Any]:
    """Run one slice in a process of its own; a process that dies is one uncaught error."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, __file__, kind, "--inputs", str(inputs), "--seed", str(seed), "--json", str(found)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.is_file():
            counts: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))[0]
            return counts
        if done.returncode == -2:  # interrupted, as we are
            raise KeyboardInterrupt
    last = (done.stderr.strip().splitlines() or [""])[-1]
    return {"kind": kind, "tries": inputs, "uncaught": 1, "examples": [f"ended with {done.returncode}: {last:.200}"]}


def added(kept: dict[str, Any], counts: dict[str, Any]) -> None:
    """Add the counts of a slice without failures to what is kept of its kind."""
    for name in _COUNTS:
        kept[name] = kept.get(name, 0) + counts.get(name, 0)
    for name in ("slowest_s", "memory_mb"):
        kept[name] = round(max(kept.get(name, 0.0), counts.get(name, 0.0)), 2)


def campaign(path: Path, scale: float) -> int:
    """Run what is missing of the campaign; the counts are kept in a file."""
    from perospin.saving import make_folder, write_json

    make_folder(path.parent)
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    seeds = [(kind, seed) for kind, (_, slices) in CAMPAIGN.items() for seed in range(1, slices + 1)]
    todo = sorted(seeds, key=lambda slice_: slice_[1] > 4)  # a few slices of each kind first
    failed = [(kind, int(seed)) for kind, found in kept.items() for seed in found["failed"]]
    for kind, seed in [*failed, *todo]:
        of_kind = kept.setdefault(kind, {"passed": [], "failed": {}, "mended": 0})
        if seed in of_kind["passed"]:
            continue
        before = of_kind["failed"].pop(str(seed), None)
        counts = one_slice(kind, max(int(CAMPAIGN[kind][0] * scale), 1), 1000 + seed)
        if failures := failures_of(counts):
            of_kind["failed"][str(seed)] = counts
        else:
            of_kind["passed"].append(seed)
            of_kind["mended"] += failures_of(before) if before else 0
            added(of_kind, counts)
        print(f"{kind} {seed}: {counts['tries']} tries, {failures} failures", flush=True)
        for example in counts["examples"]:
            print(f"    {example}", flush=True)
        write_json(path, kept)
    return int(any(found["failed"] for found in kept.values()))


def main() -> int:
    """Run the kinds that are asked for, or all."""
    parser = argparse.ArgumentParser(description="Feed perospin with random inputs and count what happens.")
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], help=f"of {', '.join(KINDS)}; all if none is given")
    parser.add_argument("--inputs", type=int, default=10_000, help="inputs of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the counts and the first failures here")
    parser.add_argument("--keep", type=Path, help="run the campaign, and keep its counts in this file")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the campaign's inputs")
    given = parser.parse_args()
    if given.keep:
        return campaign(given.keep, given.scale)

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
