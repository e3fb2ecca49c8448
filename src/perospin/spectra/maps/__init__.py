"""Delay-wavelength maps: corrections, decomposition, global analysis."""
