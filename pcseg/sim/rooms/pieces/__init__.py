"""Pieces: what stands, hangs and lies in rooms, each built of labelled triangles."""
