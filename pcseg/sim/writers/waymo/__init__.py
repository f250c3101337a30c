"""Waymo Open Dataset: range images and pictures in parquet files."""
