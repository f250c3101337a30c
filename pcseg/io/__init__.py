"""Point files: bin, npy, npz, ply, pcd, las, laz, xyz, txt, csv, off and obj, read and written."""

from pcseg.io.formats import FORMATS, point_files, read_points, supported_suffixes, write_points
from pcseg.io.points import PointFile, Stored
from pcseg.io.scans import from_scan, to_scan

__all__ = [
    "FORMATS",
    "PointFile",
    "Stored",
    "from_scan",
    "point_files",
    "read_points",
    "supported_suffixes",
    "to_scan",
    "write_points",
]
