"""The plan of a benchmark: methods, sources, targets, seeds and views, as typed settings."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, model_validator

from pcseg.config.schema import Settings
from pcseg.hints import did_you_mean

Tier = Literal["quick", "standard", "full"]

EVERY = {"quick": 20, "standard": 5, "full": 1}
"""Which frames of recorded data a tier takes: each n-th of every sequence."""

SEEDS = {"quick": (1,), "standard": (1, 2, 3), "full": (1, 2, 3)}
"""Seeds of a tier, unless the plan names its own. Three are the least that give a spread."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+.-]*$")]


class SimulateEntry(Settings):
    """Drives to be simulated; see `pcseg.sim.simulate`."""

    layout: str = Field("semantickitti", description="whose files to write")
    sensor: str | None = Field(None, description="device or rig in place of the layout's own")
    sequences: tuple[str, ...] = Field(("00",), min_length=1, description="each a street")
    frames: PositiveInt = Field(20, description="scans in each sequence")
    seed: int = Field(0, ge=0, description="of the city: streets of one seed and number are equal")
    frame_step: float | None = Field(None, description="metres between scans; null: one sweep's")
    columns_step: PositiveInt = Field(1, description="keep every n-th firing")


class DataEntry(Settings):
    """Scans that sources and targets take their splits from: recorded, or to be simulated."""

    dataset: str | None = Field(None, description="reader; of simulated data: their layout")
    root: str | None = Field(None, description="folder of recorded data")
    simulate: SimulateEntry | None = Field(None, description="made into the output folder")
    label_set: str | None = Field(None, description="finest class table; null: the dataset's first")
    options: dict[str, Any] = Field({}, description="settings of the reader: {lidar: pandargt} …")
    thin: bool | None = Field(
        None, description="take the frames of the tier only; null: where data are recorded"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> DataEntry:
        if (self.root is None) == (self.simulate is None):
            raise ValueError("give either 'root' (with 'dataset') or 'simulate'")
        if self.root is not None and self.dataset is None:
            raise ValueError("'root' needs 'dataset', the reader of `pcseg ls datasets`")
        return self

    @property
    def reader(self) -> str:
        """Name of the reader."""
        return self.dataset or (self.simulate.layout if self.simulate else "")


class SourceEntry(Settings):
    """What networks are trained on and, alone, selected on."""

    data: str | None = Field(None, description="entry of 'data'")
    split: str = Field("train", description="scans to train on")
    val_split: str | None = Field("val", description="scans to select the checkpoint on")
    union: tuple[str, ...] = Field((), description="other sources, in place of data")
    train_labels: str = Field(
        "source", description="source: all classes of the dataset; or a set's name: dg_l3, dglss_10"
    )

    @model_validator(mode="after")
    def _data_or_union(self) -> SourceEntry:
        if (self.data is None) == (not self.union):
            raise ValueError("give either 'data' or 'union' (names of other sources)")
        if self.union and self.train_labels == "source":
            raise ValueError("a union needs 'train_labels': a class set that all members have")
        return self


class TargetEntry(Settings):
    """What is predicted and scored; its labels are read only for sealed checkpoints."""

    data: str = Field(description="entry of 'data'")
    split: str = Field("val", description="scans to score")
    in_domain: bool = Field(
        False, description="listed apart: scans like the source's, not part of the means"
    )
    oracle: str | None = Field(None, description="source that is like this target")


class MethodEntry(Settings):
    """What is compared."""

    config: str = Field(description="a YAML file, or a name of `pcseg ls configs`")
    settings: tuple[str, ...] = Field((), description="changed settings, key=value")
    enabled: bool = Field(True, description="false: keep the entry, leave it out")


class HungerEntry(Settings):
    """How much of a source is trained on, and how diverse that is."""

    amounts: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        (0.0625, 0.125, 0.25, 0.5, 1.0), description="shares of the training frames"
    )
    sequences: tuple[PositiveInt, ...] = Field(
        (), description="for each number: as many frames as `frames`, from so many sequences only"
    )
    frames: PositiveInt | None = Field(None, description="training frames of each diversity")
    spacing_m: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (), description="for each distance: as many frames as `frames`, at least so far apart"
    )
    budget: Literal["updates", "epochs"] = Field(
        "updates", description="what all trainings have in common"
    )

    @model_validator(mode="after")
    def _frames_for_diversity(self) -> HungerEntry:
        if (self.sequences or self.spacing_m) and self.frames is None:
            raise ValueError("'sequences' and 'spacing_m' compare equal amounts: give 'frames'")
        return self


class Plan(Settings):
    """A benchmark: every method on every source and seed, scored on every target under each view.

    Nothing of a target but its points is read before a checkpoint is sealed.
    """

    title: str = Field(description="of the report")
    kind: Literal["dg", "hunger"] = "dg"
    tier: Tier = Field("quick", description="how many frames and seeds")
    seeds: tuple[int, ...] | None = Field(None, description="null: those of the tier")
    data: dict[Name, DataEntry] = Field(min_length=1)
    sources: dict[Name, SourceEntry] = Field(min_length=1)
    targets: dict[Name, TargetEntry] = Field(min_length=1)
    methods: dict[Name, MethodEntry] = Field(min_length=1)
    reference: str | None = Field(
        None, description="the method that others are compared with; null: the first"
    )
    views: tuple[str, ...] = Field(
        ("L3", "L2", "L1"),
        min_length=1,
        description="levels of the house protocol, the first is primary; patterns of view names",
    )
    threads: PositiveInt = Field(
        1, description="of the CPU for each unit; another number rounds differently"
    )
    hunger: HungerEntry | None = None

    @model_validator(mode="after")
    def _names_fit(self) -> Plan:
        for name, source in self.sources.items():
            if source.data is not None:
                _known(source.data, self.data, f"sources.{name}.data")
            for member in source.union:
                _known(member, self.sources, f"sources.{name}.union")
                if self.sources[member].union:
                    raise ValueError(f"sources.{name}.union: '{member}' is a union itself")
        for name, target in self.targets.items():
            _known(target.data, self.data, f"targets.{name}.data")
            if target.oracle is not None:
                _known(target.oracle, self.sources, f"targets.{name}.oracle")
        if not self.chosen_methods:
            raise ValueError("no method is enabled")
        if self.reference is not None:
            _known(self.reference, self.chosen_methods, "reference")
        if not self.primary.startswith("L"):
            raise ValueError(f"views: the first must be a level such as L3, not '{self.primary}'")
        if self.kind == "hunger" and self.hunger is None:
            raise ValueError("a plan of the kind 'hunger' needs the section 'hunger'")
        if not all(re.fullmatch(r"L[123]|.*[/*].*", view) for view in self.views):
            raise ValueError("views: levels L1, L2, L3 or names and patterns such as 3dlabelprop/*")
        return self

    @property
    def chosen_methods(self) -> dict[str, MethodEntry]:
        """Methods that are enabled."""
        return {name: entry for name, entry in self.methods.items() if entry.enabled}

    @property
    def chosen_sources(self) -> dict[str, SourceEntry]:
        """Sources that every method is trained on; those that are only oracles are left out."""
        oracles = {target.oracle for target in self.targets.values()}
        kept = {name: entry for name, entry in self.sources.items() if name not in oracles}
        return kept or dict(self.sources)

    @property
    def chosen_seeds(self) -> tuple[int, ...]:
        """The plan's own seeds, else those of the tier."""
        return self.seeds or SEEDS[self.tier]

    @property
    def primary(self) -> str:
        """The view of the headline number."""
        return self.views[0]

    @property
    def compared_with(self) -> str:
        """The reference method."""
        return self.reference or next(iter(self.chosen_methods))

    def every(self, data: str) -> int:
        """Which frames of a data entry are taken: each n-th."""
        entry = self.data[data]
        thin = entry.root is not None if entry.thin is None else entry.thin
        return EVERY[self.tier] if thin else 1


def _known(name: str, entries: dict[str, Any], where: str) -> None:
    if name not in entries:
        raise ValueError(
            f"{where}: there is no '{name}'{did_you_mean(name, entries)}; "
            f"there are {', '.join(entries)}"
        )
