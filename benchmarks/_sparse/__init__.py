"""Sparse-convolution engines side by side: operations, engines, their processes, the report."""
