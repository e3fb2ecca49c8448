"""Feed perospin with inputs that nobody would write, and count what happens.

``python scripts/fuzz.py formulas smiles tables --inputs 10000`` prints the table; the fast tests run a slice of it.
A kind of input is a `Target`: it makes one input from a random generator, and tries it. A try may only end well or in
one `PerospinError` with a sentence.
"""
