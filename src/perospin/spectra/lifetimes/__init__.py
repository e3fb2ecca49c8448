"""Lifetimes from pump-probe traces."""
