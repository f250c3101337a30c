"""Simulation: seeded streets, seen by the LiDARs of real data sets, in their file layouts."""

from pcseg.sim.dataset import Simulation, simulate
from pcseg.sim.lidar import Lidar, scan
from pcseg.sim.sensors import Sensor, list_rigs, list_sensors, rig_facts, sensor
from pcseg.sim.street import build_street
from pcseg.sim.world import Mover, Track, World

__all__ = [
    "Lidar",
    "Mover",
    "Sensor",
    "Simulation",
    "Track",
    "World",
    "build_street",
    "list_rigs",
    "list_sensors",
    "rig_facts",
    "scan",
    "sensor",
    "simulate",
]
