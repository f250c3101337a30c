"""Every setting of an experiment, with its default and its meaning. The only home of defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

from pcseg.data.mixing import Mix, make_mix
from pcseg.data.transforms import build as build_transform
from pcseg.errors import ConfigError

Step = str | dict[str, dict[str, Any] | None]
"""A transform or mix: its name, or its name with settings."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]


def build_mix(step: Step) -> Mix:
    """The mix that a setting describes.

    Raises:
        ConfigError: for an unknown name or setting, with a suggestion.
    """
    if not isinstance(step, str) and len(step) != 1:
        raise ConfigError(f"a mix is written as {{name: settings}}, not {step}.")
    name, settings = (step, None) if isinstance(step, str) else next(iter(step.items()))
    return make_mix(name, **(settings or {}))


class Settings(BaseModel):
    """Base of all sections: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, protected_namespaces=(), coerce_numbers_to_str=True
    )


class MixConfig(Settings):
    """Mixing of two training scans. At most one of the named mixes is applied to a scan."""

    kinds: tuple[Step, ...] = Field((), description="mixes to choose from: laser, polar, mix3d …")
    probability: Share = Field(0.8, description="share of the scans that are mixed")

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: tuple[Step, ...]) -> tuple[Step, ...]:
        for kind in kinds:
            build_mix(kind)
        return kinds


class DataConfig(Settings):
    """Which scans, and how they are grouped."""

    name: str = Field("semantickitti", description="reader, see `pcseg ls datasets`")
    root: str | None = Field(None, description="folder of the dataset (needed to run)")
    split: str = Field("train", description="scans to train on: train, all, 00:0-7, 00;02 …")
    val_split: str | None = Field("val", description="scans to validate on; null: none")
    label_set: str | None = Field(None, description="class table; null: the dataset's first")
    label_map: str | None = Field(None, description="YAML label map, for the dataset 'generic'")
    invalid: Literal["error", "ignore"] = Field(
        "error", description="points with NaN or inf: stop, or keep them unscored at the origin"
    )
    options: dict[str, Any] = Field(
        {}, description="settings of the reader, see its class: {lidar: pandar64}, {sweeps: 9} …"
    )
    batch_size: PositiveInt = Field(2, description="scans per batch and process")
    points_per_batch: PositiveInt | None = Field(
        None, description="close a batch early at this many points; null: no limit"
    )
    balanced: bool = Field(False, description="draw scans with rare classes more often")
    workers: int = Field(2, ge=0, description="loader processes")
    augment: tuple[Step, ...] = Field(
        ("rotate", "flip", "scale"),
        description="transforms of training scans, in order: names, or {name: {setting: value}}",
    )
    mix: MixConfig = MixConfig()

    @field_validator("augment")
    @classmethod
    def _known(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        for step in steps:
            build_transform(step)
        return steps


class InputConfig(Settings):
    """What the network sees of a scan."""

    voxel_size: Positive = Field(0.05, description="edge of a voxel, metres")
    features: tuple[
        Literal["one", "xyz", "height", "range", "offset", "intensity", "rgb", "normal", "current"],
        ...,
    ] = Field(
        ("xyz", "intensity"), min_length=1, description="per-point inputs, averaged in voxels"
    )
    missing: Literal["error", "zero"] = Field(
        "error", description="a feature that a file lacks: stop, or read zeros"
    )
    max_range: Positive | None = Field(
        None, description="train on points up to this range only, metres; all points are predicted"
    )


class MinkUNetConfig(Settings):
    """MinkUNet: a sparse residual U-Net over voxels."""

    name: Literal["minkunet"] = "minkunet"
    depth: Literal[14, 18, 34] = Field(
        18, description="1,1,1,1, 2,2,2,2 or 2,3,4,6 blocks in the encoder"
    )
    width: Positive = Field(1.0, description="multiplies all channels (the papers' cr)")


class SPVCNNConfig(Settings):
    """SPVCNN: MinkUNet with a point branch beside it."""

    name: Literal["spvcnn"] = "spvcnn"
    depth: Literal[14, 18, 34] = Field(
        18, description="1,1,1,1, 2,2,2,2 or 2,3,4,6 blocks in the encoder"
    )
    width: Positive = Field(1.0, description="multiplies all channels (the papers' cr)")
    dropout: Share = Field(0.3, description="of the voxel features fed back by the point branch")


ModelConfig = Annotated[MinkUNetConfig | SPVCNNConfig, Field(discriminator="name")]


class LossConfig(Settings):
    """What is minimised: a weighted sum; a weight of 0 leaves the term out."""

    cross_entropy: NotNegative = Field(1.0, description="weight of cross entropy")
    lovasz: NotNegative = Field(1.0, description="weight of Lovász-softmax")
    class_weights: Literal["none", "sqrt_inverse", "inverse"] | tuple[float, ...] = Field(
        "none", description="of cross entropy: none, from counts of the training scans, or a list"
    )
    label_smoothing: Share = Field(0.0, description="of cross entropy")


class OptimConfig(Settings):
    """Optimiser and learning rate."""

    name: Literal["adamw", "sgd"] = "adamw"
    lr: Positive = Field(2e-3, description="peak learning rate")
    weight_decay: NotNegative = 0.01
    momentum: Share = Field(0.9, description="of sgd")
    schedule: Literal["one_cycle", "cosine", "constant"] = "one_cycle"
    warmup: Share = Field(0.1, description="share of the run in which the rate rises")
    clip: Positive | None = Field(10.0, description="largest gradient norm; null: no clipping")


class TrainConfig(Settings):
    """Length of the run, precision, what is kept."""

    epochs: PositiveInt = Field(15, description="passes over the training scans")
    max_steps: PositiveInt | None = Field(None, description="stop after this many updates")
    accumulate: PositiveInt = Field(1, description="batches per update")
    precision: Literal["32", "bf16", "16"] = Field("32", description="bf16 and 16: mixed precision")

    @field_validator("precision", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> str:
        return str(value)  # YAML reads 16 and 32 as numbers

    ema: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        0.0, description="decay of averaged weights, which are then evaluated and kept; 0: off"
    )
    seed: int = Field(0, ge=0)
    device: str = Field("auto", description="auto, cpu, cuda")
    validate_every: PositiveInt = Field(1, description="epochs between validations")
    checkpoint_every: PositiveInt = Field(200, description="updates between checkpoints")
    log_every: PositiveInt = Field(10, description="updates between lines of the log")
    tensorboard: bool = Field(True, description="write TensorBoard files if it is installed")


class EvalConfig(Settings):
    """How predictions are made and scored."""

    batch_size: PositiveInt = Field(1, description="scans predicted at once")
    tta: int = Field(
        0, ge=0, le=16, description="turned and mirrored copies to average over; 0: none"
    )


class DGLSSConfig(Settings):
    """Method dglss: a second view with fewer beams, and what must not depend on the view."""

    keep: tuple[Share, Share] = Field(
        (0.3, 0.7), description="bounds of the share of beams that the second view keeps"
    )
    sparsity: NotNegative = Field(
        1.0, description="weight of the sparsity invariant feature consistency"
    )
    correlation: NotNegative = Field(
        10.0, description="weight of the semantic correlation consistency"
    )
    neighbours: PositiveInt = Field(
        3, description="voxels of the second view that stand in for one it lost"
    )
    affinity: Annotated[float, Field(ge=-1.0, le=1.0)] = Field(
        0.707, description="least cosine between features of a lost voxel and of its stand-ins"
    )
    channels: PositiveInt | None = Field(
        64, description="of the space in which classes are correlated; null: the features' own"
    )

    @field_validator("keep")
    @classmethod
    def _rising(cls, keep: tuple[float, float]) -> tuple[float, float]:
        if not 0.0 < keep[0] <= keep[1]:
            raise ValueError("must be two shares above 0, the lower one first")
        return keep


class LiDOGConfig(Settings):
    """Method lidog: an auxiliary segmentation of the bird's-eye view."""

    reach: Positive = Field(50.0, description="the view covers this far along x and y, metres")
    cell: Positive = Field(
        0.6, description="edge of a labelled cell, metres; features enter at a quarter of it"
    )
    channels: PositiveInt = Field(256, description="of the 2D convolutions")
    criterion: Literal["dice", "loss"] = Field(
        "dice", description="of the voxels: soft dice as published, or the section `loss`"
    )
    smoothing: Share = Field(0.05, description="of the labels in the soft dice of the voxels")
    weight_3d: NotNegative = Field(0.5, description="of the loss on the voxels")
    weight_bev: NotNegative = Field(0.5, description="of the dice loss on the bird's-eye view")


class LabelPropConfig(Settings):
    """3DLabelProp: labels of static points carried along, the rest labelled in dense clusters."""

    mode: Literal["described", "repository"] = Field(
        "described", description="as in the paper, or as the authors' code where that differs"
    )
    window: PositiveInt = Field(10, description="scans in the map, the new one included")
    map_range: Positive = Field(85.0, description="metres around the scan that the map keeps")
    train_range: Positive = Field(75.0, description="training: drop points beyond, metres")
    min_motion: NotNegative = Field(
        0.25, description="metres; a scan taken nearer to the last place replaces the one before"
    )
    thin: Positive = Field(0.05, description="voxel in which the past keeps one point, metres")
    reach: Positive = Field(
        0.3, description="d0, metres: distance at which a sure point weighs one half"
    )
    repository_voxel: Positive = Field(0.8, description="mode repository: search voxel, metres")
    dynamic: tuple[str, ...] | None = Field(
        None, description="classes that can move and are never propagated; null: by the label map"
    )
    clusters: Literal["kmeans", "tiles", "scan"] = Field(
        "kmeans", description="what the network sees: clusters, BEV tiles, or the plain scan"
    )
    num_clusters: PositiveInt = Field(20, description="of k-means")
    iterations: PositiveInt = Field(20, description="of k-means, at most")
    tile: Positive = Field(20.0, description="edge of a tile, metres")
    cell: Positive = Field(2.0, description="clusters are made of cells so wide, twice as high")
    center: Literal["mean", "sensor"] = Field(
        "mean", description="origin of a cluster: its mean (axes of the world), or the sensor"
    )
    batch_points: PositiveInt | None = Field(
        None, description="cut the batch of clusters at this many points; null: never"
    )
    min_points: int = Field(
        100, ge=0, description="training: clusters with more labelled points than this …"
    )
    max_points: PositiveInt = Field(20_000, description="… and fewer than this")
    override: Share = Field(0.3, description="the network wins wherever it is surer than this")
    poses: Literal["auto", "scan", "odometry"] = Field(
        "auto", description="of the scans, by odometry (extra 'odometry'), or what there is"
    )


class Config(Settings):
    """One experiment."""

    out: str | None = Field(None, description="folder of the run; null: runs/<config>-<time>")
    method: Literal["supervised", "dglss", "lidog", "labelprop"] = "supervised"
    data: DataConfig = DataConfig()
    input: InputConfig = InputConfig()
    model: ModelConfig = MinkUNetConfig()
    loss: LossConfig = LossConfig()
    optim: OptimConfig = OptimConfig()
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()
    labelprop: LabelPropConfig = LabelPropConfig()
    dglss: DGLSSConfig = DGLSSConfig()
    lidog: LiDOGConfig = LiDOGConfig()
