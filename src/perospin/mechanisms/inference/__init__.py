"""Which mechanism a set of lifetimes speaks for."""
