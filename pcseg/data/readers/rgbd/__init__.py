"""Folders and streams of colour, depth and pose."""
