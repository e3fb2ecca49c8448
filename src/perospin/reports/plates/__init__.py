"""The page of a plate."""
