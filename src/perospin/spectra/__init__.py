"""Analysis of spin-dynamics measurements: pump-probe, Kerr rotation, Hanle, ODMR, spin inertia, dichroism."""
