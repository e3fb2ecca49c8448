"""Feed broken files to what opens them: the kinds of ``fuzz.py`` that are files of perospin."""

from __future__ import annotations

import sys

import fuzz

if __name__ == "__main__":
    sys.argv[1:] = ["toml", "saved_fits", "saved_results", "saved_models", "--inputs", "500"]
    sys.exit(fuzz.main())
