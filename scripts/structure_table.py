"""Print the main structure descriptors of some files as a Markdown table: python scripts/structure_table.py FILES..."""

from __future__ import annotations

import sys
from pathlib import Path

from perospin.descriptors.structure import describe_structure

COLUMNS = {
    "layer_spacing_a": ("spacing", 2),
    "layer_thickness_a": ("thickness", 2),
    "layer_shift_t1": ("t1", 2),
    "layer_shift_t2": ("t2", 2),
    "nitrogen_depth_a": ("N depth", 2),
    "bx_length_mean_a": ("B-X", 3),
    "bx_length_range_a": ("range", 3),
    "distortion_index": ("D", 4),
    "bond_angle_variance_deg2": ("σ²", 1),
    "bxb_angle_mean_deg": ("B-X-B", 1),
    "beta_in_deg": ("β_in", 1),
    "beta_out_deg": ("β_out", 1),
    "delta_beta_in_deg": ("Δβ_in", 1),
    "delta_beta_out_deg": ("Δβ_out", 1),
}


def main(paths: list[Path]) -> None:
    print("| file | space group | " + " | ".join(title for title, _ in COLUMNS.values()) + " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    for path in paths:
        d = describe_structure(path)
        cells = " | ".join(f"{d.values[column]:.{digits}f}" for column, (_, digits) in COLUMNS.items())
        print(f"| {path.stem} | {d.labels['space_group'].replace('_', '')} | {cells} |")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
