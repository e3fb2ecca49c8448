"""One property of the records against another: pairs by material, an honest correlation, and figures."""
