"""Shapes of signals: responses, decays, oscillations, their starts, and simulated measurements."""
