"""Screening of a space with a study."""
