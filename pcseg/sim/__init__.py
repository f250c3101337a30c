"""Simulation: seeded streets and rooms, seen by real data sets' sensors, in their layouts."""

from pcseg.sim.dataset import Simulation, simulate
from pcseg.sim.lidar import Lidar, scan
from pcseg.sim.rooms.room import Room, build_room
from pcseg.sim.rooms.simulate import simulate_rooms
from pcseg.sim.sensors import Sensor, list_rigs, list_sensors, rig_facts, sensor
from pcseg.sim.street import build_street
from pcseg.sim.world import Mover, Track, World

__all__ = [
    "Lidar",
    "Mover",
    "Room",
    "Sensor",
    "Simulation",
    "Track",
    "World",
    "build_room",
    "build_street",
    "list_rigs",
    "list_sensors",
    "rig_facts",
    "scan",
    "sensor",
    "simulate",
    "simulate_rooms",
]
