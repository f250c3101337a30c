"""Waymo Open Dataset: Parquet range images, and folders that converters make of them."""
