"""A2D2: points by camera, with colours for labels."""
