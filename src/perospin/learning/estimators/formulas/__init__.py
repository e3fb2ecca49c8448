"""Models that end in a formula."""
