"""Rate laws, one module a mechanism."""
