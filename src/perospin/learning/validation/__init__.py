"""Schemes, guards against leakage, metrics, evaluation."""
