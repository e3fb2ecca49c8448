"""Is it more than luck: bootstrap, permutation, pairs, noise floor, learning curve."""
