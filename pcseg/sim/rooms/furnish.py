"""Furnishing: what belongs in a room of each kind, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pcseg.sim.rooms import shell
from pcseg.sim.rooms.pieces import bathroom, beds, clutter, kitchen, seats, storage, tables, wall
from pcseg.sim.rooms.pieces.piece import Piece
from pcseg.sim.rooms.space import MARGIN_M, Space, Spot
from pcseg.sim.rooms.tabletop import stand_on

Maker = Callable[[np.random.Generator], Piece]


def furnish(space: Space) -> None:
    """Fill a room whose doors and windows are already known to its space."""
    _FURNISH[space.plan.kind](space)


def _office(space: Space) -> None:
    rng = space.rng
    _column(space, 0.5)
    for _ in range(int(rng.integers(2, 5))):
        item = tables.desk(rng)
        spot = space.against_wall(item, front=0.75, keep_front=False)
        if spot is not None:
            _seat(space, item, spot, [seats.office_chair], 1.0)
            stand_on(space, item, spot, workplace=True)
    for maker, count in ((storage.bookshelf, 2), (storage.file_cabinet, 2), (storage.cabinet, 1)):
        _along_walls(space, maker, count, 0.55)
    _hang(space, wall.whiteboard, 1)
    _hang(space, wall.picture, 2)
    _hang(space, wall.clock, 1)
    _scatter(space, [clutter.trash_can, clutter.backpack, clutter.carton, clutter.floor_plant])
    _scatter(space, [clutter.computer_tower])


def _conference(space: Space) -> None:
    rng, plan = space.rng, space.plan
    _column(space, 0.6)
    length = min(max(plan.width, plan.depth) - 2.6, 4.0)
    item = tables.meeting_table(rng, max(1.6, length))
    yaw = 0.0 if plan.width >= plan.depth else np.pi / 2
    spot = space.stand(item, plan.width / 2, plan.depth / 2, yaw)
    if spot is not None:
        chair = seats.office_chair if rng.random() < 0.6 else seats.chair
        _seat(space, item, spot, [chair], 0.92)
        stand_on(space, item, spot)
    _hang(space, wall.whiteboard if rng.random() < 0.7 else wall.blackboard, 1)
    _hang(space, wall.wall_tv, 1)
    _along_walls(space, storage.cabinet, 1, 0.4)
    _hang(space, wall.picture, 2)
    _hang(space, wall.clock, 1)
    _scatter(space, [clutter.floor_plant, clutter.trash_can])


def _living(space: Space) -> None:
    rng = space.rng
    couch = seats.sofa(rng)
    spot = space.against_wall(couch, front=1.1, keep_front=False)
    if spot is not None:
        low = tables.coffee_table(rng)
        placed = space.stand(low, *_before(spot, spot.depth / 2 + 0.35 + low.size[1] / 2), spot.yaw)
        if placed is not None:
            stand_on(space, low, placed)
        _beside(space, spot, [tables.end_table, clutter.floor_lamp])
    screen = storage.tv_stand(rng)
    stand = space.against_wall(screen, front=0.5)
    if stand is not None:
        stand_on(space, screen, stand)
    _along_walls(space, storage.bookshelf, 2, 0.5)
    _along_walls(space, seats.armchair, 1, 0.5)
    _along_walls(space, storage.cabinet, 1, 0.4)
    item = tables.dining_table(rng)
    table = space.in_room(item, walk=0.55)
    if table is not None:
        _seat(space, item, table, [seats.chair], 0.9)
        stand_on(space, item, table)
    _hang(space, wall.picture, 4)
    _scatter(space, [clutter.floor_plant, clutter.floor_lamp, seats.ottoman, clutter.backpack])


def _bedroom(space: Space) -> None:
    rng = space.rng
    sleeping = beds.bed(rng)
    spot = space.against_wall(sleeping, front=0.4)
    if spot is not None:
        _beside(space, spot, [storage.nightstand, storage.nightstand])
    _along_walls(space, storage.wardrobe, 1, 0.6)
    _along_walls(space, storage.dresser, 1, 0.5)
    item = tables.desk(rng)
    place = space.against_wall(item, front=0.7, keep_front=False)
    if place is not None:
        _seat(space, item, place, [seats.chair, seats.office_chair], 1.0)
        stand_on(space, item, place, workplace=True)
    _along_walls(space, storage.bookshelf, 1, 0.4)
    _hang(space, wall.picture, 2)
    _hang(space, wall.mirror, 1)
    _scatter(space, [clutter.laundry_basket, clutter.backpack, clutter.carton, clutter.floor_plant])


def _kitchen(space: Space) -> None:
    rng, plan = space.rng, space.plan
    longest = sorted(range(4), key=lambda w: -plan.length(w))
    for number in longest:
        length = plan.length(number) - rng.uniform(0.8, 1.2)
        run = kitchen.kitchen_run(rng, float(np.clip(length, 2.1, 3.6)))
        spot = space.against_wall(run, walls=(number,), front=0.8)
        if spot is not None:
            stand_on(space, run, spot)
            break
    item = tables.dining_table(rng)
    table = space.in_room(item, walk=0.45, tries=100) or space.in_room(item, walk=0.25, tries=100)
    _along_walls(space, storage.refrigerator, 1, 0.6)
    if table is not None:
        _seat(space, item, table, [seats.chair], 0.95)
        stand_on(space, item, table)
    _along_walls(space, storage.cabinet, 1, 0.4)
    _hang(space, wall.picture, 1)
    _hang(space, wall.clock, 1)
    _scatter(space, [clutter.trash_can, seats.stool, clutter.carton])


def _bathroom(space: Space) -> None:
    rng = space.rng
    tub = bathroom.bathtub(rng)
    long_walls = tuple(w for w in range(4) if space.plan.length(w) > tub.size[0] + 0.05)
    space.against_wall(tub, walls=long_walls or (0, 1, 2, 3), front=0.5, tries=60)
    basin = bathroom.washstand(rng)
    spot = space.against_wall(basin, front=0.6, tries=60)
    if spot is not None:
        stand_on(space, basin, spot)
        _above(space, wall.mirror(rng), spot)
    closet = bathroom.toilet(rng)
    place = space.against_wall(closet, front=0.5, tries=60)
    _hang(space, bathroom.towels, 2)
    if place is not None:
        _hang(space, bathroom.toilet_roll, 1)
    _along_walls(space, storage.dresser, 1, 0.4)
    _scatter(space, [clutter.trash_can, clutter.laundry_basket])


def _hallway(space: Space) -> None:
    rng = space.rng
    for _ in range(3):
        _column(space, 0.9)
    space.objects += shell.beams(space.plan, rng)
    _along_walls(space, seats.bench, 2, 0.4)
    _along_walls(space, storage.bookshelf, 1, 0.5)
    _along_walls(space, storage.file_cabinet, 2, 0.4)
    _hang(space, wall.whiteboard, 1)
    _hang(space, wall.picture, 4)
    _hang(space, wall.clock, 1)
    _scatter(space, [clutter.floor_plant, clutter.trash_can, clutter.carton, clutter.carton])


_FURNISH: dict[str, Callable[[Space], None]] = {
    "office": _office,
    "conference": _conference,
    "living": _living,
    "bedroom": _bedroom,
    "kitchen": _kitchen,
    "bathroom": _bathroom,
    "hallway": _hallway,
}


def _column(space: Space, chance: float) -> None:
    """A column by a wall."""
    if space.rng.random() >= chance:
        return
    mesh, wide = shell.column(space.plan, space.rng)
    for _ in range(20):
        number = int(space.rng.integers(4))
        along = space.rng.uniform(wide, space.plan.length(number) - wide)
        matrix = space.plan.wall_pose(number, along, wide / 2 + MARGIN_M)
        yaw = float(np.arctan2(matrix[1, 0], matrix[0, 0]))
        x, y = float(matrix[0, 3]), float(matrix[1, 3])
        if space.block(mesh.placed(matrix), Spot(x, y, yaw, wide, wide, 0.0, space.plan.height)):
            return


def _along_walls(space: Space, maker: Maker, most: int, front: float) -> None:
    """Up to so many pieces with their backs to walls."""
    for _ in range(int(space.rng.integers(1, most + 1))):
        item = maker(space.rng)
        spot = space.against_wall(item, front=front)
        if spot is not None:
            stand_on(space, item, spot)


def _hang(space: Space, maker: Maker, most: int) -> None:
    for _ in range(int(space.rng.integers(1, most + 1))):
        space.against_wall(maker(space.rng), gap=0.002)


def _above(space: Space, item: Piece, spot: Spot) -> None:
    """Hang a piece on the wall behind another one, if that place is free."""
    for number in range(4):
        into = np.linalg.inv(space.plan.wall_pose(number))
        along, _, _, _ = into @ [spot.x, spot.y, 0.0, 1.0]
        facing = into[:2, :2] @ [np.cos(spot.yaw), np.sin(spot.yaw)]
        if facing[0] > 0.99:
            space.against_wall(item, walls=(number,), middle=float(along), gap=0.002, tries=1)


def _scatter(space: Space, makers: Sequence[Maker]) -> None:
    """Things on the floor: near walls, but what can be stepped over may lie anywhere."""
    for maker in makers:
        item = maker(space.rng)
        if item.size[2] > 0.6 or space.rng.random() < 0.7:
            space.against_wall(item)
        else:
            space.in_room(item, walk=0.3, turned=True)


def _seat(space: Space, item: Piece, spot: Spot, makers: Sequence[Maker], chance: float) -> None:
    """Chairs of one kind at the places of a table, some of them pulled out or turned."""
    rng = space.rng
    chair = makers[int(rng.integers(len(makers)))](rng)
    c, s = np.cos(spot.yaw), np.sin(spot.yaw)
    for x, y, yaw in item.seats:
        if rng.random() > chance:
            continue
        for out in (rng.uniform(0.0, 0.25), 0.3):
            away = np.array([x, y]) + out * np.array([-np.sin(yaw), np.cos(yaw)])
            place = (spot.x + c * away[0] - s * away[1], spot.y + s * away[0] + c * away[1])
            turn = spot.yaw + yaw + rng.normal(0, 0.12)
            if space.stand(chair, *place, turn, beside=spot) is not None:
                break


def _beside(space: Space, spot: Spot, makers: Sequence[Maker]) -> None:
    """A piece on each side of another one, their backs in line."""
    for side, maker in zip((-1, 1), makers, strict=False):
        item = maker(space.rng)
        along = side * (spot.width / 2 + item.size[0] / 2 + 0.05)
        back = (spot.depth - item.size[1]) / 2 - 0.01
        x = spot.x + np.cos(spot.yaw) * along - np.sin(spot.yaw) * back
        y = spot.y + np.sin(spot.yaw) * along + np.cos(spot.yaw) * back
        placed = space.stand(item, float(x), float(y), spot.yaw)
        if placed is not None:
            stand_on(space, item, placed)


def _before(spot: Spot, away: float) -> tuple[float, float]:
    """A place in front of something, that far from its middle."""
    return (
        float(spot.x + np.sin(spot.yaw) * away),
        float(spot.y - np.cos(spot.yaw) * away),
    )
