"""pcseg: segmentation of 3D point clouds and meshes."""

from pcseg._version import __version__

__all__ = ["__version__"]
