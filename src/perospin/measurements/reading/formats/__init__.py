"""Formats of files: containers, instruments' own formats, axes in files beside the data."""
