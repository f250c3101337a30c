"""Training: a flat loop that can be stopped and resumed at any update."""
