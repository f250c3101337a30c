"""Labelled LAS and LAZ tiles: airborne or terrestrial surveys, classes as ASPRS numbers them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pcseg.data.labels import LabelSet
from pcseg.data.readers.generic.files import find_point_files
from pcseg.data.readers.generic.reader import LABEL_MAPS, Generic
from pcseg.errors import DataError

SUFFIXES = (".las", ".laz")


class Las(Generic):
    """A folder of LAS or LAZ tiles; each is a scan, whole: nothing is thinned or cut.

    Coordinates stay exact: the whole metres that were subtracted stand in ``meta["offset"]``.
    Intensities and colours are in 0..1; returns, scan angle, GPS time and the other dimensions of
    the file are attributes of their own names. The classification byte is the raw label, in the
    classes of ASPRS LAS 1.4 (label map ``las``) unless the folder has a ``labels.yaml``: write
    one for your own classes (64..255). In a tile where every point is 0, "never classified", there
    are no labels.
    """

    name: str = "las"
    label_map: ClassVar[str] = "las"

    def __init__(
        self,
        root: str | Path,
        split: str = "all",
        label_set: str | LabelSet | None = None,
        *,
        label_map: str | Path | None = None,
        labels: str = "optional",
        invalid: str = "error",
        fractions: Mapping[str, float] | None = None,
        seed: int = 0,
        every: int = 1,
    ) -> None:
        """Find the tiles of a split.

        Args:
            root: the folder, or a single file.
            split: ``all``; ``train``, ``val``, ``test`` by `fractions`, by lists (``train.txt``),
                by folders (``train/``) or by ``splits`` in the label map; or names of folders.
            label_set: a set of the map (``las/land_4``), or itself; ``las/asprs`` by default.
            label_map: YAML file with the classes; ``labels.yaml`` in `root` by default.
            labels: see `Generic`.
            invalid: see `Generic`.
            fractions: see `Generic`.
            seed: see `Generic`.
            every: see `Generic`.

        Raises:
            ConfigError: for a setting that does not exist.
            DataError: if there are no tiles.
            LabelError: if the label map is malformed.
        """
        folder = Path(root) if Path(root).is_dir() else Path(root).parent
        own = label_map is not None or any((folder / name).is_file() for name in LABEL_MAPS)
        super().__init__(
            root,
            split,
            label_set if own or label_set is not None else self.label_map,
            label_map=label_map,
            labels=labels,
            invalid=invalid,
            fractions=fractions,
            seed=seed,
            every=every,
        )

    def _point_files(self, suffix: str | None) -> list[Path]:
        tiles = [p for p in find_point_files(self.root) if p.suffix.lower() in SUFFIXES]
        if not tiles:
            raise DataError(
                f"{self.root}: no .las or .laz file here. "
                "Files of other formats are read by dataset 'generic'."
            )
        return tiles
