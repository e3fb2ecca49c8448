"""Spaces of candidates: chemistry, mixtures and processing together."""
