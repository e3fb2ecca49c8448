"""Chirality and charge: dichroism, absorption edges, selectivity of currents, magnetoresistance."""
