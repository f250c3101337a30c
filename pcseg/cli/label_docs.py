"""The documentation of label maps, common label sets and views, written from the data itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from pcseg.data import IGNORE, LabelSet, label_set
from pcseg.data.label_files import concepts, load_map, parse_yaml, shipped_maps
from pcseg.data.refinement import disagreements
from pcseg.data.splits import splits
from pcseg.evaluate import PROTOCOLS, View, list_views, view
from pcseg.evaluate.house import BENCHMARK, HOUSE_VIEWS, LEVELS, SOURCES, TARGETS

HEAD = """# Label maps, common label sets and views

<!-- Written by `pcseg ls labels --markdown docs`; a test compares it with the data. -->

A **label map** states which ids a dataset stores, their names and colours, and its splits. A
**label set** is a class table made from it: `semantic_kitti/sk19` reads SemanticKITTI in 19
classes, `semantic_kitti/dglss_10` in the ten of DGLSS. -1, shown as `·`, is ignored. A set of the
same name has the same classes in every dataset. A **view** is one published way to score: from
which classes, to which, under which rules. Every set and view has a hash; figures made under
different hashes are not comparable.
"""

UNEQUAL = """
### Where a common set does not mean the same everywhere

Reproduced as published, found by comparing what the ids of each dataset cover. A network is charged
with these. SemanticKITTI's moving ids are in two classes of `cola_8`; SemanticPOSS has one ground
and one vehicle class. Sets that are not listed agree in every kind of thing that their maps state;
labels from boxes cannot be compared so.

"""

TREE = """
## The tree of the house benchmark, {benchmark}

`dg_l3` has the six classes that nearly every dataset defines, `dg_l2` splits three of them. A node
is scored for a source and a target only if both define it. An id that mixes several nodes of
`dg_l2` (SemanticPOSS' ground, nuScenes' manmade) is mapped in `dg_l3` alone, and then none of the
nodes that it mixes is defined for that dataset. Elsewhere an id without a place in `dg_l2` is a
remainder (traffic islands: flat ground, but neither drivable nor sidewalk nor terrain).

L1 is computed for each pair from the maps' `concepts`: which of {concepts} kinds of things
an id covers. Two classes overlap if they share a kind; the common classes are the connected
components of that relation, less those with classes of one side only. This is the finest
partition in which no right answer counts as wrong. The figures below are numbers of classes.
"""

VIEWS = """
## Views

A network *trained on common* classes knows those of the view alone. It is another network than one
trained on all classes of its source, and so are the figures.
"""


def label_docs() -> dict[str, str]:
    """The files of the documentation.

    Returns:
        {path under the folder of the docs: content}: ``labels.md``, and a palette for each map.
    """
    maps = sorted(shipped_maps())
    own = [name for name in maps if "sets" in _stated(name) and "raw_names" in _stated(name)]
    parts = [HEAD, _contents(maps), *(_map(name, name in own) for name in maps)]
    parts += [_common_sets(maps), _tree(), _protocols(), _views()]
    files = {"labels.md": "\n".join(parts).replace("\n\n\n", "\n\n").rstrip() + "\n"}
    return {**files, **{f"labels/{name}.svg": _palette(name) for name in own}}


def _contents(maps: Sequence[str]) -> str:
    rows = []
    for name in maps:
        data = load_map(shipped_maps()[name])
        sets = ", ".join(f"{key} ({len(t['names'])})" for key, t in data["sets"].items())
        rows.append([f"[{name}](#{name})", data["facts"]["title"], sets])
    return _rows(["map", "dataset", "label sets (classes)"], rows)


def _map(name: str, with_table: bool) -> str:
    data = load_map(shipped_maps()[name])
    facts = data["facts"]
    lines = [
        f"\n## {name}\n",
        f"**{facts['title']}**, {facts['scans']}. Sensors: {facts['sensors']}. "
        f"Licence: {facts['licence']}. <{facts['url']}>\n",
        f"{facts['citation']}.\n",
        f"Labels: {data['label_storage']}.\n",
        _splits(name),
    ]
    if with_table:
        lines += [f"![colours of {name}](labels/{name}.svg)\n", _ids(name, data)]
    else:
        base = _stated(name)["based_on"]
        sets = ", ".join(f"{key} (`{label_set(f'{name}/{key}').hash}`)" for key in data["sets"])
        more = ", ".join(f"{k} {text}" for k, text in data.get("also_ignored", {}).items())
        lines.append(
            f"Ids as in [{base}](#{base}){f', and ignored: {more}' if more else ''}. Sets: {sets}."
        )
    return "\n".join(lines)


def _splits(name: str) -> str:
    found = [
        f"`{convention}` ({', '.join(f'{part}: {len(items)}' for part, items in table.items())})"
        for convention, table in splits(name).items()
        if table
    ]
    return f"Splits (sequences): {', '.join(found)}.\n" if found else ""


def _ids(name: str, data: dict[str, Any]) -> str:
    tables = {key: label_set(f"{name}/{key}") for key in data["sets"]}
    rows = []
    for raw_id, text in sorted(data["raw_names"].items()):
        kind = ["thing"] * (raw_id in data["things"]) + ["moving"] * (raw_id in data["moving"])
        color = data.get("raw_colors", {}).get(raw_id)
        chip = "`#{:02x}{:02x}{:02x}`".format(*color) if color else ""
        places = [_place(table, raw_id) for table in tables.values()]
        rows.append([str(raw_id), str(text), chip, ", ".join(kind), *places])
    rows.append(["", "", "", "hash", *(f"`{table.hash}`" for table in tables.values())])
    return _rows(["id", "name", "colour", "", *tables], rows)


def _place(table: LabelSet, raw_id: int) -> str:
    train_id = table.raw_to_train[raw_id]
    return "·" if train_id == IGNORE else f"{train_id} {table.names[train_id]}"


def _common_sets(maps: Sequence[str]) -> str:
    """Label sets that several datasets have, under one name and with the same classes."""
    users: dict[str, list[str]] = {}
    for name in maps:
        for key in load_map(shipped_maps()[name])["sets"]:
            users.setdefault(key, []).append(name)
    rows = [
        [key, ", ".join(label_set(f"{names[0]}/{key}").names), ", ".join(names)]
        for key, names in sorted(users.items())
        if len(names) > 1 and key != "full"
    ]
    text = "\n## Common label sets\n\n" + _rows(["set", "classes", "maps"], rows)
    unequal = [
        [key, word, "; ".join(f"{name}: {', '.join(who)}" for name, who in found.items())]
        for key, names in sorted(users.items())
        if len(names) > 1 and key != "full"
        for word, found in disagreements(key).items()
    ]
    return text + UNEQUAL + _rows(["set", "kind of thing", "class: label maps"], unequal)


def _tree() -> str:
    rows = []
    for source in SOURCES:
        for level in LEVELS:
            sizes = [
                str(len(view(f"{BENCHMARK}/{level}/{source}-{target}").names)) for target in TARGETS
            ]
            rows.append([source, level, *sizes])
    head = TREE.format(benchmark=BENCHMARK, concepts=len(concepts()))
    return f"{head}\n" + _rows(["trained on", "level", *TARGETS], rows)


def _protocols() -> str:
    rows = [
        [
            f"`{rules.name}`",
            rules.unit,
            rules.resolution,
            rules.ignored_truth,
            rules.abstention,
            rules.absent,
            rules.aggregation,
            f"`{rules.hash}`",
        ]
        for rules in PROTOCOLS.values()
    ]
    head = ["protocol", "unit", "resolution", "ignored truth", "prediction of no class"]
    return "\n## Rules of counting\n\n" + _rows(
        [*head, "class without points", "aggregation", "hash"], rows
    )


def _views() -> str:
    papers = [view(name) for name in list_views() if name not in HOUSE_VIEWS]
    head = [
        "view",
        "classes",
        "from",
        "to (split)",
        "trained on",
        "points that count",
        "rule",
        "hash",
    ]
    by_paper: dict[str, list[str]] = {}
    for one in papers:
        by_paper.setdefault(one.paper, []).append(f"`{one.name}`")
    notes = [f"* `{one.name}`: {one.note}" for one in papers if one.note]
    return "\n".join(
        [
            VIEWS,
            _rows(head, [_view_row(one) for one in papers]),
            *notes,
            "\nThe rules are from:\n",
            *(f"* {paper}: {', '.join(names)}" for paper, names in by_paper.items()),
            f"\n### Views of {BENCHMARK}\n",
            _house_hashes(),
        ]
    )


def _house_hashes() -> str:
    levels = [f"{BENCHMARK}/{level}/" for level in LEVELS]
    rows = [
        [
            f"{source}-{target}",
            *(f"`{view(f'{level}{source}-{target}').hash}`" for level in levels),
        ]
        for source in SOURCES
        for target in TARGETS
    ]
    return _rows(["", *(f"`{level}`" for level in levels)], rows)


def _view_row(one: View) -> list[str]:
    targets = ", ".join(f"{target} ({split})" for target, split in one.targets.items())
    voxel = f", first point of each voxel of {one.voxel_m:g} m" if one.voxel_m else ""
    batch = f", batches of {one.batch}" if one.batch else ""
    return [
        f"`{one.name}`",
        f"{len(one.names)}: {', '.join(one.names)}",
        ", ".join(one.sources) or "any with these classes",
        targets,
        one.train_labels,
        f"{one.crop}{voxel}{batch}",
        one.protocol.name,
        f"`{one.hash}`",
    ]


def _palette(name: str) -> str:
    """The colours of a map as a picture, for tables of a page cannot show colours."""
    data = load_map(shipped_maps()[name])
    colors = data.get("raw_colors", {})
    columns, wide, high = 3, 300, 18
    cells = []
    for place, (raw_id, text) in enumerate(sorted(data["raw_names"].items())):
        x, y = place % columns * wide, place // columns * high
        fill = "#{:02x}{:02x}{:02x}".format(*colors[raw_id]) if raw_id in colors else "none"
        cells.append(
            f'<rect x="{x + 2}" y="{y + 2}" width="24" height="14" fill="{fill}" stroke="#888"/>'
            f'<text x="{x + 32}" y="{y + 13}">{raw_id} {escape(str(text))}</text>'
        )
    rows = -(-len(cells) // columns)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * wide}" height="{rows * high}" '
        'font-family="sans-serif" font-size="11" fill="#777">\n' + "\n".join(cells) + "\n</svg>\n"
    )


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def _stated(name: str) -> dict[str, Any]:
    """What a map states itself, without the map it is based on."""
    stated: dict[str, Any] = parse_yaml(shipped_maps()[name])
    return stated
