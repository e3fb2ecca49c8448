"""Evidence of a run: gains, permutations, sanity tests, explanations, coverage, cautions."""
