"""Spins that relax: ODMR, spin inertia, T1 against field and temperature, polarisation against power."""
