"""KITTI-360: scans that take their labels from windows of joined scans."""
