"""``perospin crystal``: crystals that nobody has grown."""
