"""Descriptors of single cations: tables at each level of theory, and how they compare."""
