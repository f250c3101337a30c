"""DGLSS: one network, two densities of beams, the same features."""
