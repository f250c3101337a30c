"""Supervised semantic segmentation of voxels and points."""
