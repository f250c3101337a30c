"""Plans: what they may say, and how they are refused."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from pcseg.benchmark import load_plan
from pcseg.config.load import shipped_configs, shipped_plans
from pcseg.errors import ConfigError


def written(data: dict, folder: Path) -> str:
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return str(path)


def test_tiers_thin_recorded_data_and_choose_seeds(data: dict, tmp_path: Path) -> None:
    data["seeds"] = None
    data["data"]["kitti"]["thin"] = None
    data["data"]["made"] = {"simulate": {"frames": 2}}
    name = written(data, tmp_path)
    quick, full = load_plan(name), load_plan(name, ["tier=full"])
    assert (quick.chosen_seeds, full.chosen_seeds) == ((1,), (1, 2, 3))
    assert (quick.every("kitti"), full.every("kitti")) == (20, 1)
    assert quick.every("made") == 1 and quick.every("poss") == 1
    assert quick.data["made"].reader == "semantickitti"


def test_changes_on_the_command_line(data: dict, tmp_path: Path) -> None:
    plan = load_plan(written(data, tmp_path), ["seeds=[4]", "methods.without.enabled=false"])
    assert plan.chosen_seeds == (4,)
    assert list(plan.chosen_methods) == ["with"] and plan.compared_with == "with"
    assert list(plan.chosen_sources) == ["sk"], "an oracle is no source of its own"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["targts"], {}, r"targts: is not a setting of a plan \(did you mean targets\?\)"),
        (["targets", "sk-val", "data"], "kity", r"no 'kity' \(did you mean kitti\?\)"),
        (["targets", "sp-all", "oracle"], "sq", r"targets.sp-all.oracle: there is no 'sq'"),
        (["data", "kitti", "simulate"], {}, "give either 'root'"),
        (["data", "kitti", "dataset"], None, "'root' needs 'dataset'"),
        (["sources", "sk", "union"], ["sp"], "give either 'data' or 'union'"),
        (["sources", "both"], {"union": ["sk", "sp"]}, "a union needs 'train_labels'"),
        (["views"], ["3dlabelprop/*"], "the first must be a level"),
        (["views"], ["L3", "nonsense"], "levels L1, L2, L3 or names"),
        (["kind"], "hunger", "needs the section 'hunger'"),
        (["hunger"], {"sequences": [2]}, "give 'frames'"),
        (["reference"], "lidog", "reference: there is no 'lidog'"),
        (["methods", "a b"], {"config": "x"}, "string should match pattern"),
    ],
)
def test_refusals_name_the_key_and_the_file(
    path: list[str], value: object, said: str, data: dict, tmp_path: Path
) -> None:
    changed = copy.deepcopy(data)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ConfigError, match=said) as caught:
        load_plan(written(changed, tmp_path))
    assert "plan.yaml" in str(caught.value)


def test_the_line_of_a_mistake_is_named(data: dict, tmp_path: Path) -> None:
    name = written(data, tmp_path)
    text = Path(name).read_text().replace("tier: quick", "").replace("seeds:", "tier: fast\nseeds:")
    Path(name).write_text(text)
    with pytest.raises(ConfigError, match=r"tier: .*'quick'.*\n.*plan.yaml, line 2"):
        load_plan(name)


def test_a_configuration_is_no_plan() -> None:
    with pytest.raises(ConfigError, match=r"no 'methods'.*pcseg benchmark dg --list"):
        load_plan(str(shipped_configs()["semantickitti/minkunet"]))
    with pytest.raises(
        ConfigError, match=r"no shipped plan 'dg/sim_quik'.*Did you mean dg/sim_qui"
    ):
        load_plan("dg/sim_quik")


@pytest.mark.parametrize("name", shipped_plans())
def test_shipped_plans_expand(name: str) -> None:
    from pcseg.benchmark import expand

    plan = load_plan(name)
    work = expand(plan)
    assert {cell.method for cell in work.cells} == set(plan.chosen_methods)
    assert {cell.target for cell in work.cells} == set(plan.targets)
    assert not set(shipped_plans()) & set(shipped_configs())
