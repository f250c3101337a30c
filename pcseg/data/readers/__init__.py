"""Readers: a file per dataset, on what its family of layouts shares."""
