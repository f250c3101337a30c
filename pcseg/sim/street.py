"""Streets: seeded worlds, complete with ground, buildings, plants, things and traffic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pcseg.errors import ConfigError
from pcseg.sim.details import build_details
from pcseg.sim.ground import build_ground
from pcseg.sim.kerbside import build_kerbside
from pcseg.sim.lots import build_lots
from pcseg.sim.mesh import join
from pcseg.sim.plan import draw_plan
from pcseg.sim.site import Site
from pcseg.sim.traffic import build_traffic
from pcseg.sim.world import Track, World

MARGIN_M = 70.0
"""Street before the first and beyond the last place of the sensor: the view does not end there."""
MAX_LENGTH_M = 4000.0
_DETAILS = 5
"""Tells the random stream of details from that of the street."""


def build_street(
    seed: int | Sequence[int], length_m: float = 300.0, *, speed_mps: float = 8.0
) -> World:
    """A street that is the same whenever it is built from the same arguments.

    The carrier of the sensor starts `MARGIN_M` after its beginning, in the right-hand lane.

    Args:
        seed: of everything; streets of different seeds differ in layout and in every object.
        length_m: of the street, margins included.
        speed_mps: of the carrier, and of the traffic in its lane.

    Raises:
        ConfigError: if the length is outside 160..4000 m or the speed is not positive.
    """
    if not 160.0 <= length_m <= MAX_LENGTH_M:
        raise ConfigError(
            f"a street of {length_m:.0f} m cannot be built: choose 160 to {MAX_LENGTH_M:.0f} m "
            "(fewer frames, or a smaller step between them; or more sequences)."
        )
    if not speed_mps > 0:
        raise ConfigError(f"the speed must be positive, not {speed_mps} m/s.")
    rng = np.random.default_rng(seed)
    plan = draw_plan(rng, length_m)
    site = Site(plan, rng)
    site.parts.append(build_ground(plan, rng))
    build_kerbside(site)
    build_lots(site)
    ego = Track(plan.path, MARGIN_M, speed_mps, -0.42 * plan.road_half, sway=0.15)
    movers, name = build_traffic(site, ego), f"street {seed}"
    build_details(site, np.random.default_rng([*np.atleast_1d(seed).tolist(), _DETAILS]))
    return World(join(site.parts), movers, plan.path, ego, name, site.headings)
