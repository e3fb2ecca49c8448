"""A crystal in space: its octahedra are those that the descriptors measure."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pymatgen.core")
pytest.importorskip("spglib")

from scipy.spatial import ConvexHull

from perospin.descriptors.structure import describe_structure, example_structures
from perospin.descriptors.structure.scene import structure_scene
from perospin.errors import StructureError


@pytest.mark.parametrize("name", example_structures())
def test_octahedra_are_those_of_the_descriptors(name: str) -> None:
    path = example_structures()[name]
    scene, values = structure_scene(path), describe_structure(path).values
    volumes = [ConvexHull(vertices).volume for vertices in scene.octahedra]
    assert np.mean(volumes) == pytest.approx(values["octahedron_volume_a3"], rel=1e-6)
    lengths = np.linalg.norm(scene.octahedra - scene.centres[:, None, :], axis=-1)
    assert lengths.mean() == pytest.approx(values["bx_length_mean_a"], rel=1e-6)
    assert scene.edges.shape == (12, 2, 3)
    assert len(scene.symbols) == len(scene.atoms)
    assert not {"H", "D"} & set(scene.symbols)


def test_a_missing_file_is_one_sentence() -> None:
    with pytest.raises(StructureError):
        structure_scene("nothing.cif")
