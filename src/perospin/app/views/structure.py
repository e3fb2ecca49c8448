"""Structure: a crystal file to a picture in space, octahedra, angles, spacing and symmetry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from perospin.app import parts, plots
from perospin.app.uploads import stored
from perospin.errors import PerospinError

if TYPE_CHECKING:
    import pandas as pd

    from perospin.descriptors.structure import StructureDescriptors
    from perospin.descriptors.structure.scene import Scene

_HEADLINES = (
    ("layer_spacing_a", "Layer spacing", "Å"),
    ("n_layers", "Layers n", ""),
    ("bxb_angle_mean_deg", "Angle metal-halide-metal", "°"),
    ("delta_beta_deg", "Bond-angle disparity Δβ", "°"),
    ("bx_length_mean_a", "Metal-halide distance", "Å"),
    ("bond_angle_variance_deg2", "Bond-angle variance", "deg²"),
)


def show() -> None:
    """Draw the page."""
    from perospin.descriptors.structure import example_structures

    parts.heading("Structure", "A crystal file to octahedra, angles, layer spacing and symmetry.")
    file = st.file_uploader(
        "CIF, or another crystal file", key="crystal", help="CIF, POSCAR, ... One crystal, at most 50 MB."
    )
    examples = example_structures()
    example = st.selectbox("or an example", list(examples), index=None, key="example", placeholder="none")
    if file is None and example is None:
        return
    path = str(stored([file])[0] if file is not None else examples[str(example)])
    found = _described(path)
    labels = found.labels
    st.subheader(parts.plain_text(_formula(path) or labels["formula"]), anchor=False)
    orientation = f" {labels['layer_orientation']}" if labels["layer_orientation"] else ""
    st.caption(
        parts.plain_text(
            f"{labels['space_group']}, {labels['dimensionality']}{orientation}, {_links(labels['connectivity'])}; "
            f"{_symmetry(found)}"
        )
    )
    with st.container(horizontal=True):
        for name, words, unit in _HEADLINES:
            value = found.values.get(name, float("nan"))
            if value == value:
                st.metric(words, f"{value:.4g} {unit}".strip(), width=190)
    for sentence in found.warnings:
        st.warning(parts.plain_text(sentence), icon=":material/warning:")
    st.plotly_chart(
        plots.scene_plot(_scene(path)), key="scene", config=plots.CONFIG,
        alt=f"One cell of {labels['formula']}: octahedra, and atoms without hydrogens; turn it with the mouse",
    )  # fmt: skip
    table = _table(found)
    st.dataframe(
        table, hide_index=True, alt="All structural descriptors",
        column_config={"value": st.column_config.NumberColumn(format="%.5g")},
    )  # fmt: skip
    parts.downloads("structure", {"structure.csv": (parts.as_csv(table), "text/csv")})
    with st.expander("Single bond angles and lengths"):
        for name, values in found.lists.items():
            if values:
                st.caption(parts.plain_text(f"{name}: {', '.join(f'{value:.4g}' for value in values[:60])}"))


def _links(connectivity: str) -> str:
    if connectivity == "isolated":
        return "isolated octahedra"
    return f"octahedra share {' and '.join(f'{word}s' for word in connectivity.split('+'))}"


def _symmetry(found: StructureDescriptors) -> str:
    words = {
        "centrosymmetric": "centrosymmetric: no static Rashba splitting",
        "polar": "polar",
        "sohncke": "chiral group",
    }
    told = [text for name, text in words.items() if found.values.get(name) == 1.0]
    return ", ".join(told) or "no inversion centre"


def _table(found: StructureDescriptors) -> pd.DataFrame:
    import pandas as pd

    from perospin.descriptors.structure import STRUCTURE_DESCRIPTIONS

    rows = [(name, value, STRUCTURE_DESCRIPTIONS[name]) for name, value in found.values.items() if value == value]
    return pd.DataFrame(rows, columns=["quantity", "value", "what it is"])


@st.cache_resource(max_entries=60, show_spinner="Reading the crystal ...")
def _described(path: str) -> StructureDescriptors:
    from perospin.descriptors.structure import describe_structure

    return describe_structure(path)


@st.cache_resource(max_entries=60, show_spinner=False)
def _scene(path: str) -> Scene:
    from perospin.descriptors.structure.scene import structure_scene

    return structure_scene(path)


@st.cache_resource(max_entries=60, show_spinner=False)
def _formula(path: str) -> str:
    """Write the formula with the names of the ions, where they are told."""
    from perospin.descriptors.structure import read_structure
    from perospin.descriptors.structure.identify import identify

    try:
        material = identify(read_structure(path)).material
    except PerospinError:
        return ""
    return str(material) if material is not None else ""
