"""From the spectra of a plate to numbers, well by well, and to what a campaign is told."""
