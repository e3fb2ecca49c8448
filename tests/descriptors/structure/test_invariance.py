"""The same crystal told differently gives the same descriptors: supercell, cell choice, origin, orientation, order."""

from __future__ import annotations

import pickle
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymatgen.core import Structure

from descriptors.structure.crystals import (
    corner_chain,
    cubic,
    face_chain,
    isolated,
    jiggled,
    other_view,
    rotated,
    slab_110,
    slab_111,
    slab_crystal,
)
from perospin.descriptors.structure import (
    StructureDescriptors,
    describe_structure,
    example_structures,
    read_structure,
)


@lru_cache(maxsize=1)
def crystals() -> dict[str, Structure]:
    mixed = cubic()
    mixed.replace(0, {"Pb": 0.6, "Sn": 0.4})
    mixed.replace(2, {"I": 0.7, "Br": 0.3})
    ideal = {
        "cubic": cubic(),
        "mixed": mixed,
        "tilted": rotated(8, layered=False, antiphase=True),
        "turned layer": rotated(12, layered=True),
        "DJ 3": slab_crystal(3, (0, 0), slabs=1),
        "RP 2": slab_crystal(2, (0.5, 0.5)),
        "staggered 1": slab_crystal(1, (0, 0.5)),
        "(110)": slab_110(),
        "(111)": slab_111(),
        "chain": corner_chain(),
        "faces": face_chain(),
        "isolated": isolated(),
    }
    distorted = {f"{name}, distorted": jiggled(ideal[name], 0.2, 7) for name in ("RP 2", "DJ 3", "(110)", "tilted")}
    examples = {name: read_structure(path) for name, path in example_structures().items()}
    return ideal | distorted | examples


@lru_cache(maxsize=100)
def described(name: str) -> StructureDescriptors:
    return describe_structure(crystals()[name])


def assert_same(first: StructureDescriptors, second: StructureDescriptors) -> None:
    assert second.labels == first.labels
    assert second.warnings == first.warnings
    assert dict(second.values) == pytest.approx(dict(first.values), abs=1e-6, rel=1e-9, nan_ok=True)
    assert set(second.lists) == set(first.lists)
    for name, values in first.lists.items():
        assert second.lists[name] == pytest.approx(values, abs=1e-6), name


@pytest.mark.parametrize("name", sorted(crystals()))
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=6)
def test_any_view_of_a_crystal_gives_the_same(name: str, seed: int) -> None:
    assert_same(described(name), describe_structure(other_view(crystals()[name], seed)))


@given(
    seed=st.integers(0, 2**32 - 1), size_a=st.floats(0.001, 0.04), which=st.sampled_from(["cubic", "tilted", "RP 2"])
)
@example(seed=209, size_a=0.03, which="cubic")
@settings(max_examples=40)
def test_nearly_broken_symmetry_doesn_t_depend_on_the_view(seed: int, size_a: float, which: str) -> None:
    # displacements about as large as the tolerance: at a fixed tolerance spglib's answer depends on the cell
    ideal = crystals()[which]
    moved = np.random.default_rng(seed).uniform(-size_a, size_a, (len(ideal), 3))
    crystal = Structure(ideal.lattice, ideal.species, ideal.cart_coords + moved, coords_are_cartesian=True)
    assert_same(describe_structure(crystal), describe_structure(other_view(crystal, seed)))


def test_descriptors_survive_the_way_to_another_process() -> None:
    d = described("RP 2")
    again = pickle.loads(pickle.dumps(d))
    assert again.labels == d.labels
    assert dict(again.values) == pytest.approx(dict(d.values), nan_ok=True)
