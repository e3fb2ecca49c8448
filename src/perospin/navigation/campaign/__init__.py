"""A campaign: which materials to make next, what came of them, and why; kept in a log that only grows."""
