"""S3DIS: rooms as text, one file an object."""
