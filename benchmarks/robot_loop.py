"""Wells until one of the best 1 % of materials is made, in the simulated laboratory of ``examples/robot/loop.py``.

python benchmarks/robot_loop.py FOLDER [--rounds 12] [--seeds 3] [--batch 8]

Three ways to choose: by chance, by a Gaussian process, and by a Gaussian process around a law with a phase boundary.
Each runs through files only, by the commands of perospin; what stands in FOLDER is not played again. Printed are the
wells until the first of the best 1 % (by the hidden truth), and the hidden value of the best one found in the end.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "robot"))

import loop

from perospin.navigation import Campaign, Space


def shares_of(choices: dict[str, object]) -> dict[str, float]:
    """Shares of a candidate by the names of the stocks."""
    return {name.split(":")[1]: float(str(value)) for name, value in choices.items()}


def play(folder: Path, rounds: int, seed: int, law: bool, best: set[str], batch: int) -> tuple[int | None, float]:
    """Wells until the first of the best, and the best hidden value that was made."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        loop.begin(folder, seed, law)
    wells, found, top = 0, None, -np.inf
    for number in range(rounds):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            loop.play_round(folder, number, seed, batch)
        events = Campaign.open(folder / "campaign").events
        tried = [e for e in events if e.kind in ("measured", "failed")]
        wells = len(tried)
        measured = [(i, e) for i, e in enumerate(tried, 1) if e.kind == "measured"]
        found = found or next((i for i, e in measured if e.material in best), None)
        top = max((loop.truth(shares_of(e.meant)) for _, e in measured), default=top)
        print(f"  {folder.name} round {number + 1}: {wells} wells, best {top:.3f}", flush=True)
        if found is not None:
            break
    return found, top


def main() -> None:
    """Play, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    (asked.folder / "space.toml").write_text(loop.SPACE, encoding="utf-8")
    names = {
        one.name: loop.truth(shares_of(one.choices)) for one in Space.load(asked.folder / "space.toml").candidates()
    }
    ranked = sorted(names, key=lambda name: -names[name])
    best = set(ranked[: max(1, round(0.01 * len(ranked)))])
    print(f"{len(ranked)} candidates, {len(best)} of them the best 1 % ({names[ranked[0]]:.3f} at most)")
    found: dict[str, list[int | None]] = {"law": [], "plain": []}
    for seed in range(asked.seeds):
        for kind in found:
            wells, _ = play(asked.folder / f"{kind}-{seed}", asked.rounds, seed, kind == "law", best, asked.batch)
            found[kind].append(wells)
    generator = np.random.default_rng(0)
    chance = [
        min(np.flatnonzero(np.isin(generator.permutation(len(ranked)), np.arange(len(best))))) + 1 for _ in range(2000)
    ]
    most = asked.rounds * asked.batch
    print(f"by chance             median {np.median(chance):.0f} wells of {len(ranked)}")
    for kind, words in (("plain", "Gaussian process"), ("law", "with a boundary law")):
        told = [f"{wells}" if wells else f"> {most}" for wells in found[kind]]
        print(f"{words:<21} median {np.median([w or most + 1 for w in found[kind]]):.0f} wells ({', '.join(told)})")


if __name__ == "__main__":
    main()
