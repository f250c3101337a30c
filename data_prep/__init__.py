"""Dataset preparation programs."""
