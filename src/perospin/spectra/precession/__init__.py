"""Spins that precess: Kerr rotation, resonant amplification, Hanle curves, spin valves, nuclear precession."""
