"""The Triton backend: maps, products and gradients on GPUs that Triton compiles for.

Tiles are chosen by the shared memory of the device; compiled and inspected for an H100 alone.

Importing this package loads nothing; its module `backend` loads Triton.
"""
