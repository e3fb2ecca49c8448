"""Predict new materials with a fitted study."""
