"""Configurations: overrides, suggestions, lines, bases, and every shipped file."""

from __future__ import annotations

from pathlib import Path

import pytest

from pcseg.config import load_config
from pcseg.config.load import build_config, shipped_configs
from pcseg.errors import ConfigError


def test_overrides_are_yaml_and_frame_lists_stay_text() -> None:
    config = build_config(
        {}, ["train.epochs=3", "data.split=00:0-7", "data.val_split=08", "data.augment=[flip]"]
    )
    assert config.train.epochs == 3
    assert (config.data.split, config.data.val_split) == ("00:0-7", "08")
    assert config.data.augment == ("flip",)


def test_null_switches_off() -> None:
    assert build_config({}, ["optim.clip=null"]).optim.clip is None


def test_other_model_replaces_the_section() -> None:
    file = {"model": {"name": "minkunet", "depth": 34}}
    assert build_config(file, ["model.name=spvcnn"]).model.depth == 18


def test_order_of_overrides_does_not_matter() -> None:
    for settings in (
        ["model.width=0.125", "model.name=spvcnn"],
        ["model.name=spvcnn", "model.width=0.125"],
    ):
        model = build_config({}, settings).model
        assert (model.name, model.width) == ("spvcnn", 0.125)


def test_naming_the_default_model_keeps_its_section() -> None:
    assert build_config({"model": {"depth": 34}}, ["model.name=minkunet"]).model.depth == 34


@pytest.mark.parametrize("precision", ["16", "32", "bf16"])
def test_precision_may_be_written_as_a_number(precision: str) -> None:
    assert build_config({}, [f"train.precision={precision}"]).train.precision == precision


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("train.epoch=3", "train.epoch is not a setting (did you mean train.epochs?)"),
        ("epochs=4", "did you mean train.epochs?"),
        ("model.widht=1", "did you mean model.width?"),
        ("model.dropout=0.1", "model.dropout is not a setting (known here: name, depth, width)"),
        ("train.epochs=many", "train.epochs = 'many'"),
        ("train.epochs=0", "greater than 0"),
        ("model.name=resnet", "'minkunet', 'spvcnn'"),
        ("train=3", "train is a section with the settings epochs"),
        ("data.root", "write key=value"),
        ("data.augment=[spin]", "no transform 'spin'"),
        ("data.augment=[{scale: {lo: 1}}]", "no setting 'lo' (did you mean low?)"),
        ("data.mix.kinds=[lasr]", "did you mean laser?"),
        ("data.mix.kinds=[{}]", "a mix is written as"),
    ],
)
def test_wrong_settings_are_explained(setting: str, expected: str) -> None:
    with pytest.raises(ConfigError) as raised:
        build_config({}, [setting])
    assert expected in str(raised.value)


def test_unknown_key_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("data:\n  root: here\ntrain:\n  epochs: 2\n  epoch: 3\n")
    with pytest.raises(ConfigError) as raised:
        load_config(str(file))
    assert "did you mean train.epochs?" in str(raised.value)
    assert f"{file}, line 5" in str(raised.value)


def test_wrong_value_names_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("train:\n  epochs: -2\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml, line 2"):
        load_config(str(file))


def test_base_is_laid_under(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("train: {epochs: 7, seed: 1}\n")
    file = tmp_path / "mine.yaml"
    file.write_text("base: base\ntrain: {seed: 2}\n")
    config = load_config(str(file))
    assert (config.train.epochs, config.train.seed) == (7, 2)


def test_base_of_a_base_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("base: b\n")
    (tmp_path / "b.yaml").write_text("base: c\n")
    with pytest.raises(ConfigError, match="must not name another base"):
        load_config(str(tmp_path / "a.yaml"))


def test_broken_yaml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("train: [\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml: cannot be read as YAML"):
        load_config(str(file))


def test_yaml_tags_execute_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("train: !!python/object/apply:os.system ['touch pwned']\n")
    with pytest.raises(ConfigError):
        load_config(str(file))
    assert not (tmp_path / "pwned").exists()


def test_unknown_name_suggests_shipped_ones() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean .*semantickitti/minkunet"):
        load_config("semantickitti/minkunett")


@pytest.mark.parametrize("name", sorted(shipped_configs()))
def test_shipped_configurations_are_sound(name: str) -> None:
    load_config(name)
    assert shipped_configs()[name].read_text().startswith("# ")
