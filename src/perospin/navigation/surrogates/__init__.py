"""What a campaign believes of rows that aren't measured yet: Gaussian processes with and without physics in them.

All of them are fitted with the inputs as numbers, in the columns that `InputColumns` describes, and speak of the
noise-free function in the units of its values (`Surrogate`).
"""
