"""What each structure descriptor is: column name -> meaning, unit and source of the formula."""

from __future__ import annotations

_JANA = "Jana et al., doi 10.1038/s41467-021-25149-7"
_ROBINSON = "Robinson et al., doi 10.1126/science.172.3983.567"

STRUCTURE_DESCRIPTIONS: dict[str, str] = {
    # cell and symmetry
    "cell_volume_a3": "volume of the conventional standard cell (A^3; spglib)",
    "volume_per_b_a3": "cell volume per B atom (A^3)",
    "mean_lattice_parameter_a": "mean of a, b, c of the conventional standard cell (A; spglib)",
    "mean_lattice_angle_deg": "mean of alpha, beta, gamma of the conventional standard cell (deg; spglib)",
    "space_group_number": "number of the space group (spglib, tolerance 0.02 A)",
    "centrosymmetric": "1 if the space group has an inversion centre (forbids static Rashba splitting)",
    "sohncke": "1 if the space group holds rotations and screw axes only, as a chiral crystal must",
    "polar": "1 if the point group is polar (1, 2, 3, 4, 6, m, mm2, 3m, 4mm, 6mm)",
    # network
    "network_dimension": "number of directions in which the B-X network goes on (0 to 3; rank of its periodic graph)",
    "corner_links_per_b": "octahedra joined to an octahedron by one X, mean",
    "edge_links_per_b": "octahedra joined to an octahedron by two X, mean",
    "face_links_per_b": "octahedra joined to an octahedron by three X, mean",
    "terminal_x_per_b": "X bound to one B only, per B (2/n for a (100) slab of n sheets)",
    # layers
    "n_layers": "sheets of octahedra in a slab ((100) slabs only)",
    "layer_spacing_a": "distance between neighbouring inorganic mid-planes (mean height of B), mean (A)",
    "layer_spacing_max_a": "the same, largest (A)",
    "layer_thickness_a": "distance between the two mean planes of terminal halides of a slab, mean (A; (100) only)",
    "layer_envelope_a": "distance between the outermost halides of a slab along the normal, mean (A)",
    "interlayer_gap_a": "layer spacing - layer thickness: mean height of the organic layer (A; (100) only)",
    "area_per_b_a2": "area of the layer per B of one sheet (A^2; (100) only)",
    "layer_shift_t1": "smaller layer shift factor, 0 to 0.5, mean over gaps (Marchenko et al., arXiv 2010.02309)",
    "layer_shift_t2": "larger layer shift factor; (0, 0) Dion-Jacobson, (0.5, 0.5) Ruddlesden-Popper",
    "nitrogen_depth_a": "depth of anchoring nitrogens below the plane of terminal halides, mean (A; > 0 towards B)",
    "nitrogen_depth_min_a": "the same, smallest (A)",
    "nitrogen_depth_max_a": "the same, largest (A)",
    # bond lengths
    "bx_length_mean_a": "mean B-X length (A)",
    "bx_length_min_a": "shortest B-X length (A)",
    "bx_length_max_a": "longest B-X length (A)",
    "bx_length_range_a": "longest - shortest B-X length (A)",
    "bx_length_in_plane_a": "mean B-X length to X that bridge inside a sheet (A; (100) only)",
    "bx_length_across_a": "mean B-X length to X that bridge two sheets (A; (100), n > 1)",
    "bx_length_terminal_a": "mean B-X length to X bound to one B only (A)",
    # octahedra
    "distortion_index": "D = mean |L - Lav| / Lav of an octahedron, mean over octahedra (Baur 1974)",
    "distortion_index_max": "the same, largest octahedron",
    "length_variance": "Delta = mean ((L - Lav) / Lav)^2, mean over octahedra (Lufaso and Woodward)",
    "zeta_a": "zeta = sum |L - Lav|, mean over octahedra (A)",
    "bond_angle_variance_deg2": f"sigma^2 = sum over cis angles (theta - 90)^2 / 11, mean (deg^2; {_ROBINSON})",
    "bond_angle_variance_max_deg2": "the same, largest octahedron (deg^2)",
    "sigma_deg": "Sigma = sum over cis angles |90 - theta|, mean over octahedra (deg)",
    "quadratic_elongation": f"lambda = mean (L / L0)^2, L0 of the regular octahedron of equal volume ({_ROBINSON})",
    "quadratic_elongation_max": "the same, largest octahedron",
    "octahedron_volume_a3": "volume of the hull of the six X, mean (A^3)",
    "b_off_centre_a": "distance of B from the centroid of its six X, mean (A)",
    # bridging angles
    "bxb_angle_mean_deg": "mean B-X-B angle over all bridges (deg)",
    "bxb_angle_min_deg": "smallest B-X-B angle (deg)",
    "bxb_angle_max_deg": "largest B-X-B angle (deg)",
    "bxb_angle_in_plane_deg": "mean B-X-B angle at X that bridge inside a sheet (deg; (100) only)",
    "bxb_angle_across_deg": "mean B-X-B angle at X that bridge two sheets (deg; (100), n > 1)",
    "beta_in_deg": f"in-plane part of the bridging angle inside a sheet, mean (deg; {_JANA})",
    "beta_out_deg": f"out-of-plane part of the bridging angle inside a sheet, mean (deg; {_JANA})",
    "d_in_deg": "180 - beta_in, mean (deg)",
    "d_out_deg": "180 - beta_out, mean (deg)",
    "delta_beta_deg": f"largest - smallest bridging angle of a sheet, mean over sheets (deg; {_JANA})",
    "delta_beta_max_deg": "the same, largest sheet (deg)",
    "delta_beta_in_deg": "largest - smallest beta_in of a sheet, mean over sheets (deg)",
    "delta_beta_in_max_deg": "the same, largest sheet (deg)",
    "delta_beta_out_deg": "largest - smallest beta_out of a sheet, mean over sheets (deg)",
    "delta_beta_out_max_deg": "the same, largest sheet (deg)",
    # geometry of the cage
    "cage_tolerance_factor": "Goldschmidt tolerance factor of the cage cation (3D, or layered with n > 1)",
}
"""Column -> what it is, with unit and source of the formula. Means count every atom once, so no cell choice matters."""
