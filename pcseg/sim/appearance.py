"""Appearance: the colour of every face and, with textures and frames, of every spot on it."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from pcseg.sim.film import linear_colors
from pcseg.sim.materials import TABLE, material
from pcseg.sim.mesh import Mesh
from pcseg.sim.rims import Rims
from pcseg.sim.textures import PATTERNS, scattered, texture

# Paints by how much of the infrared they send back, which the simulator draws.
_PAINTS = {
    0.12: "#101114 #131c2a #1b2520 #18181b",
    0.3: "#33363b #15335a #571a1d #1e3c2b #3d3128",
    0.6: "#7d1519 #27558f #66696d #4d5a66 #8a2f1a",
    1.0: "#a6aaad #9a9ea2 #b8632a #7f93a6 #a39c8c",
    1.7: "#e4e5e4 #d9dad7 #cfd3d6 #e3ddcf",
}
_FRAMES = "#2a2d31 #7d1f1f #1f4f7a #2f5f3f #b8b8b4 #c9a227 #15171a"
_HAIR = "#2a1d14 #4a3320 #1a1614 #84663a #77726c"
_DOORS = "#5a3a28 #2f4a3a #6b2a24 #d9d5ca #33404f"
_CURTAIN, _LAMP_RED = "#cdc6b6", "#7d1410"
# Traffic signs by their outline: plate and rim.
_TRIANGLE = (("#f2f1ec", "#b3161b"),)
_SQUARE = (("#1f4fa3", "#e9ecef"), ("#f0efe9", "#2a2a2a"), ("#e3b21c", "#1c1c1c"),
           ("#1b6b45", "#e9ecef"))  # fmt: skip
_ROUND = (("#f2f1ec", "#b3161b"), ("#f2f1ec", "#b3161b"), ("#1f4fa3", "#e9ecef"))
_GROUND = ("asphalt", "paint_white", "cobble", "paving")
_WALLS = TABLE["wall_paint"]
"""All walls of a room have the same colour."""
_PATTERN_NAMES = tuple(PATTERNS)
_PATTERN_OF = np.array([_PATTERN_NAMES.index(m.pattern) for m in TABLE.values()], np.uint8)
_GLOSS_OF = np.array([m.gloss for m in TABLE.values()], np.float32)


class Appearance:
    """How the faces of one mesh look. The same mesh under the same name always looks the same.

    Objects (faces of one instance, or without one faces of one tint) share their colours.

    Attributes:
        color: (F, 3) float32 linear RGB, without texture.
        gloss: (F,) float32 share of the light that is mirrored at normal incidence.
        rims: frames of panes, plates and pictures.
    """

    def __init__(self, mesh: Mesh, name: str) -> None:
        self.material = mesh.material
        self.gloss = _GLOSS_OF[mesh.material]
        self._salt = crc32(name.encode()) & 0xFFFF
        self._key = np.where(mesh.instance > 0, mesh.instance, mesh.tint.view(np.uint32))
        self.color = self._plain(mesh)
        self.rims = Rims(mesh)
        self._paint_vehicles(mesh)
        self._dress_people(mesh)
        self._hang_signs(mesh)
        self._glaze(mesh)

    def albedo(
        self, face: np.ndarray, place: np.ndarray, u: np.ndarray, v: np.ndarray, spot: np.ndarray
    ) -> np.ndarray:
        """(N, 3) float32 linear RGB of spots on the mesh: the share of the light they send back.

        Args:
            face: (N,) rows of the mesh's faces.
            place: (N, 3) float32 in the frame of the mesh.
            u: (N,) float32 from `surface_coordinates`.
            v: (N,) float32 from `surface_coordinates`.
            spot: (N,) float32 metres across each spot; finer detail is left out.
        """
        color = self.color[face]
        pattern = _PATTERN_OF[self.material[face]]
        order = np.argsort(pattern, kind="stable")
        counts = np.bincount(pattern, minlength=len(_PATTERN_NAMES))
        for number, rows in enumerate(np.split(order, np.cumsum(counts)[:-1])):
            if len(rows):
                of = PATTERNS[_PATTERN_NAMES[number]]
                color[rows] *= texture(of, u[rows], v[rows], spot[rows])
        self.rims.draw(color, face, place, spot)
        return color

    def _pick(self, colors: str, keys: np.ndarray, salt: int) -> np.ndarray:
        """(N, 3) linear colours chosen by keys (N,)."""
        table = linear_colors(colors)
        chosen = (scattered(keys, self._salt + salt) * len(table)).astype(np.int64)
        return table[np.minimum(chosen, len(table) - 1)]

    def _plain(self, mesh: Mesh) -> np.ndarray:
        color = np.empty((len(mesh), 3), np.float32)
        order = np.argsort(mesh.material, kind="stable")
        counts = np.bincount(mesh.material, minlength=len(TABLE))
        for number, rows in enumerate(np.split(order, np.cumsum(counts)[:-1])):
            if len(rows):
                of = list(TABLE.values())[number]
                keys = np.zeros_like(self._key[rows]) if of is _WALLS else self._key[rows]
                color[rows] = self._pick(of.colors, keys, number)
        # The tint is made for a LiDAR; eyes see less of it, least in the patches of the ground.
        power = np.where(np.isin(mesh.material, [material(name) for name in _GROUND]), 0.3, 0.6)
        return color * (np.clip(mesh.tint, 0.3, 2.0) ** power)[:, None].astype(np.float32)

    def _paint_vehicles(self, mesh: Mesh) -> None:
        rows = np.flatnonzero(mesh.material == material("car_paint"))
        shades = np.array(list(_PAINTS))
        apart = np.abs(np.log(np.maximum(mesh.tint[rows], 0.01)[:, None] / shades))
        nearest = apart.argmin(1)
        for number, colors in enumerate(_PAINTS.values()):
            mine = rows[nearest == number]
            self.color[mine] = self._pick(colors, self._key[mine], 101)
        lamps = (mesh.material == material("retro")) & (mesh.tint < 0.6)
        self.color[lamps] = linear_colors(_LAMP_RED)[0]
        # The frames of what has wheels and no cab: bicycles, motorcycles, trailers.
        wheels = mesh.instance[mesh.material == material("rubber")]
        cabs = mesh.instance[mesh.material == material("car_glass")]
        frames = np.isin(mesh.instance, np.setdiff1d(wheels, [0, *np.unique(cabs)]))
        frames &= mesh.material == material("steel")
        self.color[frames] = self._pick(_FRAMES, self._key[frames], 102)

    def _dress_people(self, mesh: Mesh) -> None:
        """Trousers below the waist, a coat above it, hair on the head."""
        rows = np.flatnonzero(
            np.isin(mesh.material, [material("cloth"), material("skin")]) & (mesh.instance > 0)
        )
        if not len(rows):
            return
        height = mesh.vertices[mesh.faces[rows], 2].mean(1)
        low, high = np.full(1 << 16, np.inf), np.full(1 << 16, -np.inf)
        np.minimum.at(low, mesh.instance[rows], height)
        np.maximum.at(high, mesh.instance[rows], height)
        owner = mesh.instance[rows]
        share = (height - low[owner]) / np.maximum(high[owner] - low[owner], 0.1)
        cloth = mesh.material[rows] == material("cloth")
        coats, legs = rows[cloth & (share >= 0.5)], rows[cloth & (share < 0.5)]
        palette = TABLE["cloth"].colors
        self.color[coats] = self._pick(palette, self._key[coats], 103)
        self.color[legs] = 0.6 * self._pick(palette, self._key[legs], 104)
        hair = rows[~cloth & (share > 0.93)]
        self.color[hair] = self._pick(_HAIR, self._key[hair], 105)

    def _hang_signs(self, mesh: Mesh) -> None:
        """Plates by their shape: warning triangles, prohibitions, direction boards."""
        rows = np.flatnonzero(mesh.material == material("sign_face"))
        edges, plate = self.rims.edges(rows), self.rims.plate(rows)
        for kinds, mine in (
            (_TRIANGLE, edges == 3),
            (_SQUARE, (edges > 3) & (edges < 8)),
            (_ROUND, edges >= 8),
        ):
            faces = rows[mine]
            draw = scattered(plate[mine], self._salt + 106)
            chosen = np.minimum((draw * len(kinds)).astype(np.int64), len(kinds) - 1)
            self.color[faces] = linear_colors(" ".join(plate for plate, _ in kinds))[chosen]
            rims = linear_colors(" ".join(rim for _, rim in kinds))[chosen]
            self.rims.repaint(faces, 0.06, rims)

    def _glaze(self, mesh: Mesh) -> None:
        """Rooms behind panes: dark, darker, or curtained; tall panes in facades are doors."""
        rows = np.flatnonzero((mesh.material == material("glass")) & (mesh.instance == 0))
        key = self.rims.plate(rows)
        self.color[rows] *= (0.4 + 1.8 * scattered(key, 107))[:, None]
        curtained = rows[scattered(key, 108) < 0.22]
        self.color[curtained] = linear_colors(_CURTAIN)[0]
        tall = np.ptp(mesh.vertices[mesh.faces[rows], 2], axis=1)
        doors = rows[(tall > 2.06) & (tall < 3.2)]
        self.color[doors] = self._pick(_DOORS, self._key[doors], 109)
        self.gloss[doors] = 0.02
