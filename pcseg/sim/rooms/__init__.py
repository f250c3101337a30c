"""Simulated rooms: furnished, labelled, scanned like those of ScanNet and S3DIS."""

from pcseg.sim.rooms.room import Room, build_room

__all__ = ["Room", "build_room"]
