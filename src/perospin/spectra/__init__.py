"""Analysis of spin-dynamics measurements: pump-probe, Kerr and Faraday rotation, Hanle, ODMR, spin inertia, dichroism."""
