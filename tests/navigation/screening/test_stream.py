"""A streamed screening finds what predicting every candidate finds, however it is cut, stopped or shared out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dask_workers import two_workers
from perospin.chemistry import Perovskite
from perospin.descriptors import CandidateGrid, describe_blocks
from perospin.errors import NavigationError
from perospin.navigation import Rule, Space, screen
from perospin.navigation.screening import screen as screening
from perospin.navigation.screening import stream as streaming
from perospin.studies import Study
from perospin.studies.predicting.many import predict_many
from perospin.studies.predicting.predictor import Predictor
from perospin.studies.predicting.stacked import StackedPredictor

MATERIALS: dict[str, Any] = {
    "spacers": ["PEA", "3AMP", "EOA"],
    "a_cations": ["MA", "FA"],
    "metals": ["Pb", "Sn"],
    "halides": ["I", "Br"],
    "halide_step": 0.25,
    "layers": [1, 2],
    "three_dimensional": True,
}


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.load("spin-relaxation")


@pytest.fixture(scope="module")
def predictor(study: Study) -> Predictor:
    return study.predictor()


@pytest.fixture
def space() -> Space:
    rule = {"rule": "molar_mass_g_mol < 130 and (tolerance_factor > 0.8 or not metal_z > 60)"}
    pairs = [["PEA", "FA"], ["EOA", "Br"], ["MA", "Sn"]]
    return Space.from_dict({"materials": {**MATERIALS, "excluded_pairs": pairs}, "rules": [rule]})


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "_LARGEST", 0)
    monkeypatch.setattr(screening, "_SPARE", 5)
    monkeypatch.setattr(streaming, "_PART", 40)
    monkeypatch.setattr(streaming, "_CELLS", 30)


def test_a_block_is_what_predicting_each_material_gives(predictor: Predictor) -> None:
    grid = CandidateGrid(
        spacers=["PEA", "3AMP"], a_site=["MA", "Cs"], metals=["Pb", "Ge"], n_layers=[1, 2], three_dimensional=True,
        halides=["I", *({"I": round(1 - i / 10, 1), "Br": i / 10} for i in range(1, 6))], alternating=["GUA"],
    )  # fmt: skip
    stacked = StackedPredictor(predictor, grid)
    block = stacked.block(0, grid.n_stacks)
    formulas = stacked.formulas(np.arange(len(grid)))
    told = predict_many(predictor, [Perovskite.parse(formula) for formula in formulas])
    assert np.abs(block.centre.ravel() - told["centre"]).max() < 1e-4
    assert np.abs(0.5 * (block.high - block.low).ravel() - told["spread"]).max() < 2e-3
    assert block.inside.ravel().tolist() == told["in_domain"].tolist()
    assert block.off < 1e-3
    assert 0 < block.inside.sum() < block.inside.size
    assert "(GUA)(MA)PbI4" in formulas


@pytest.mark.slow
@pytest.mark.parametrize("rank", ["bound", "chance", "value"])
def test_the_list_is_that_of_all_candidates(space: Space, study: Study, rank: str, request: Any) -> None:
    whole = screen(space, study, top=5, rank=rank)
    diverse = screen(space, study, top=4, rank=rank, diverse=True)
    request.getfixturevalue("small_parts")
    parts = screen(space, study, top=5, rank=rank)
    assert parts.off is not None
    assert (parts.n_screened, parts.n_in_domain) == (whole.n_screened, whole.n_in_domain)
    assert parts.table["formula"].tolist() == whole.table["formula"].tolist()
    assert np.allclose(parts.table[["value", "low", "high"]], whole.table[["value", "low", "high"]], rtol=1e-9)
    assert parts.told_apart == whole.told_apart
    again = screen(space, study, top=4, rank=rank, diverse=True)
    assert again.table["formula"].iloc[0] == diverse.table["formula"].iloc[0]


def test_a_descriptor_ranks_too(space: Space, study: Study, request: Any) -> None:
    asked = {"top": 5, "objectives": ("min molar_mass_g_mol", "min")}
    whole = screen(space, study, **asked)  # type: ignore[arg-type]
    request.getfixturevalue("small_parts")
    parts = screen(space, study, **asked)  # type: ignore[arg-type]
    assert parts.table["formula"].tolist() == whole.table["formula"].tolist()
    assert "front" in parts.notes()[-1]


@pytest.mark.usefixtures("small_parts")
def test_a_stopped_screening_goes_on(space: Space, study: Study, tmp_path: Path) -> None:
    state = tmp_path / "top.csv.screening"
    whole = screen(space, study, top=5)

    def stop(what: str, done: int, in_all: int) -> None:
        if what.startswith("screening") and done > in_all / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        screen(space, study, top=5, state=state, workers=1, progress=stop)
    began: list[int] = []
    resumed = screen(
        space, study, top=5, state=state, resume=True,
        progress=lambda what, done, in_all: began.append(done) if what.startswith("screening") else None,
    )  # fmt: skip
    assert space.grid is not None
    assert began[0] > len(space.grid) / 2
    pd.testing.assert_frame_equal(resumed.table, whole.table)
    assert resumed.n_screened == whole.n_screened
    with pytest.raises(NavigationError, match="another screening"):
        screen(space, study, top=6, state=state, resume=True)
    state.write_text("{}")
    with pytest.raises(NavigationError, match="no screening that can go on"):
        screen(space, study, top=5, state=state, resume=True)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(-5, 5)), max_size=60, unique_by=lambda pair: pair[0]),
    st.integers(1, 10),
    st.randoms(use_true_random=False),
)
def test_parts_in_any_order_keep_the_same(pairs: list[tuple[int, int]], keep: int, mix: Any) -> None:
    best = sorted(sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:keep])
    mix.shuffle(pairs)
    found = streaming.Found()
    for i in range(0, len(pairs), 7):
        numbers, merits = (np.array(values) for values in zip(*pairs[i : i + 7], strict=True))
        found = found.with_part(streaming.Found(inside=(numbers, merits.astype(float))), keep)
    assert [(int(n), int(m)) for n, m in zip(*found.inside, strict=True)] == best
    assert streaming.Found.from_dict(found.to_dict()).to_dict() == found.to_dict()


_LETTERS = st.sampled_from(["x", "y", "0", "1", "2.5"])
_SUMS = st.builds("({} {} {})".format, _LETTERS, st.sampled_from(["+", "-", "*", "/"]), _LETTERS)
_CALLS = st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), _LETTERS, _SUMS)
_COMPARED = st.builds(
    "{} {} {}".format,
    st.one_of(_LETTERS, _SUMS, _CALLS),
    st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    st.one_of(_LETTERS, _SUMS, _CALLS),
)
_RULES = st.recursive(
    _COMPARED,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(_RULES)
def test_a_rule_says_the_same_of_many_as_of_one(text: str) -> None:
    values = [-1.0, 0.0, 1.0, 2.5, float("nan")]
    x, y = np.array(values)[:, None], np.array(values)[None, :]
    rule = Rule(text)
    told = np.broadcast_to(rule.holds_in({"x": x, "y": y}), (5, 5))
    assert told.tolist() == [[rule.holds({"x": a, "y": b}) for b in values] for a in values]


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.sampled_from(["PEA", "BA", "3AMP"]), max_size=3, unique=True),
    st.lists(st.sampled_from(["MA", "FA", "Cs"]), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True),
    st.booleans(),
    st.lists(st.sampled_from(["GUA", "BA"]), max_size=2, unique=True),
)
def test_counts_are_those_of_the_list(
    spacers: list[str], cages: list[str], layers: list[int], bulk: bool, alternating: list[str]
) -> None:
    if not (spacers or bulk or alternating):
        return
    grid = CandidateGrid(
        spacers=spacers, a_site=cages, halides=["I", "Br"], n_layers=layers, three_dimensional=bulk,
        alternating=alternating,
    )  # fmt: skip
    formulas = pd.concat(describe_blocks(grid, columns=["inverse_n"], block_size=5)).index
    assert len(formulas) == len(set(formulas)) == len(grid)


_TWO_MILLION = """
name = "large"
[materials]
spacers = "all"
a_cations = ["MA", "FA", "Cs", "GUA"]
metals = ["Pb", "Sn", "Ge"]
halides = ["I", "Br"]
halide_step = 0.01
layers = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
"""


@pytest.mark.slow
def test_a_killed_command_goes_on_and_writes_the_same_list(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    file.write_text(_TWO_MILLION)
    command = [
        sys.executable,
        "-c",
        "from perospin.cli import main; main()",
        "screen",
        str(file),
        "--top",
        "10",
        "--out",
    ]
    subprocess.run([*command, str(tmp_path / "whole.csv")], check=True, capture_output=True)
    out, state = tmp_path / "cut.csv", tmp_path / "cut.csv.screening"
    killed = 0
    while not out.is_file():
        with subprocess.Popen(
            [*command, str(out), "--resume"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as run:
            before = state.stat().st_mtime_ns if state.is_file() else 0
            while run.poll() is None and killed < 3:
                time.sleep(0.05)
                if state.is_file() and state.stat().st_mtime_ns > before:
                    os.kill(run.pid, signal.SIGKILL)
                    killed += 1
                    break
            _, said = run.communicate()
            assert run.returncode in (0, -signal.SIGKILL), said
    assert killed
    assert not state.is_file()
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_list(space: Space, study: Study, small_parts: None) -> None:
    whole = screen(space, study, top=5)
    with two_workers() as cluster:

        def lose(what: str, done: int, in_all: int) -> None:
            if what.startswith("screening"):
                cluster.lose_one()

        shared = screen(space, study, top=5, scheduler=cluster.address, progress=lose)
    assert cluster.lost
    pd.testing.assert_frame_equal(shared.table, whole.table)
    assert shared.n_screened == whole.n_screened
