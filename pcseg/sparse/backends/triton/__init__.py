"""The Triton backend: maps, products and gradients on any GPU that Triton compiles for.

Importing this package loads nothing; its module `backend` loads Triton.
"""
