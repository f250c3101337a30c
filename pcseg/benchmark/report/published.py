"""Published figures: what others have measured, by their own rules, kept apart from ours."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from pcseg.benchmark.report.page import details, table
from pcseg.data.label_files import parse_yaml

WARNING = (
    "Nothing in this section was measured here. The figures are from papers and boards, by other "
    "rules, label sets and training; no figure of one block may be compared with one of another "
    "block or with ours. ‘quoted’ means taken from a third party's notes: check the paper first."
)


@cache
def published_blocks() -> list[dict[str, Any]]:
    """Blocks of published figures: name, rules, columns and rows, each row with its evidence."""
    data = parse_yaml(Path(str(files("pcseg.benchmark.report") / "published.yaml")))
    blocks: list[dict[str, Any]] = data["blocks"]
    return blocks


def published_html() -> str:
    """The blocks as HTML, each with its rules above it."""
    parts = [f"<p><strong>{escape(WARNING)}</strong></p>"]
    for block in published_blocks():
        rows = [[f"<td>{escape(str(value))}</td>" for value in row] for row in block["rows"]]
        rules = f"<p class='faint'>{escape(' '.join(block['rules'].split()))}</p>"
        body = rules + table(block["columns"], rows)
        parts.append(details(f"Published: {block['name']}", body))
    return "".join(parts)
