"""Reports: the means are right, nothing of others can be taken for ours, and a browser shows it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from pcseg.benchmark import Cell, Plan, Store, Work
from pcseg.benchmark.report import write_report
from pcseg.benchmark.report.published import WARNING, published_blocks
from pcseg.benchmark.report.results import Results
from pcseg.benchmark.report.words import percent
from pcseg.cli.pictures import picture
from tests.viz.browser import Browser


@pytest.fixture(scope="session")
def report(plan: Plan, work: Work, out: Path) -> Path:
    write_report(plan, work, out, picture)
    return out


class Told(Results):
    """Results of given figures: {(method, source, target, seed): mIoU}."""

    def __init__(self, plan: Plan, figures: dict[tuple[str, str, str, int], float]) -> None:
        cells = tuple(
            Cell(m, s, t, seed, "full", s == "sp", "R", "", "", f"{m}{s}{t}{seed}")
            for m, s, t, seed in figures
        )
        super().__init__(plan, Work((), cells), Store(Path()))
        self.figures = {c.score: v for c, v in zip(cells, figures.values(), strict=True)}

    def score(self, cell: Cell, view: str) -> dict[str, Any]:
        return {"miou": self.figures[cell.score]}


def three_targets(data: dict) -> Plan:
    """The tiny plan with three targets of other domains and one of the source's."""
    entry = {"data": "kitti", "split": "08"}
    data["targets"] = {
        "a": entry, "b": entry, "c": {**entry, "oracle": "sp"},
        "home": {**entry, "in_domain": True},
    }  # fmt: skip
    return Plan.model_validate(data)


def test_am_and_hm_of_named_targets(data: dict) -> None:
    """Golden: AM and HM of 56.86, 42.28, 52.58 are 50.57 and 49.79."""
    values = dict(zip("abc", (0.5686, 0.4228, 0.5258), strict=True))
    figures = {("with", "sk", t, 1): v for t, v in values.items()}
    figures["with", "sk", "home", 1] = 0.8
    (row,) = Told(three_targets(data), figures).rows("L3")
    assert row.am is not None and row.hm is not None and row.drop is not None
    assert (percent(row.am), percent(row.hm)) == ("50.6", "49.8")
    assert 100 * row.am.mean == pytest.approx(50.57, abs=0.005)
    assert 100 * row.hm.mean == pytest.approx(49.79, abs=0.005)
    assert row.drop.mean == pytest.approx((0.8 - 0.5057333) / 0.8, abs=1e-5)


def test_a_mean_needs_every_target(data: dict) -> None:
    figures = {("with", "sk", "a", 1): 0.5, ("with", "sk", "b", 1): 0.5}
    (row,) = Told(three_targets(data), figures).rows("L3")
    assert row.am is None and row.hm is None and set(row.targets) == {"a", "b"}


def test_spread_over_seeds_and_gap_to_the_oracle(data: dict) -> None:
    figures: dict[tuple[str, str, str, int], float] = {}
    for seed, (reference, method, oracle) in {1: (0.4, 0.5, 0.6), 2: (0.4, 0.6, 0.8)}.items():
        figures["with", "sk", "c", seed] = reference
        figures["without", "sk", "c", seed] = method
        figures["with", "sp", "c", seed] = oracle
    rows = {row.name: row for row in Told(three_targets(data), figures).rows("L3")}
    assert list(rows) == ["with", "without", "with (oracle)"]
    assert percent(rows["without"].targets["c"]) == "55.0 ± 7.1"
    assert rows["without"].gaps["c"].values == pytest.approx((0.5, 0.5))
    assert rows["with"].gaps["c"].values == (0.0, 0.0)
    assert not rows["with (oracle)"].gaps


def test_text_reports_agree(report: Path, work: Work) -> None:
    rows = list(csv.DictReader((report / "figures.csv").open()))
    primary = {(r["method"], r["source"], r["target"], r["seed"]): float(r["miou"])
               for r in rows if r["view"] == "L3"}  # fmt: skip
    assert len(primary) == len(work.cells) == 10
    markdown = (report / "report.md").read_text()
    mean = 50 * (primary["with", "sk", "sk-val", "1"] + primary["with", "sk", "sk-val", "2"])
    line = next(line for line in markdown.splitlines() if line.startswith("| with | sk"))
    assert f"{mean:.1f} ±" in line
    latex = (report / "report.tex").read_text()
    assert f"{mean:.1f} $\\pm$" in latex and latex.count(r"\toprule") == latex.count(r"\end{table}")
    classes = list(csv.DictReader((report / "classes.csv").open()))
    assert {"vehicle", "flat-ground"} <= {row["class"] for row in classes}
    assert "SIMULATED" not in markdown


def test_figures_of_others_stand_apart(report: Path) -> None:
    for name in ("report.md", "report.tex", "figures.csv"):
        assert "55.2" not in (report / name).read_text()
    html = (report / "report.html").read_text()
    foreign = re.findall(r'<section id="s\d+" class="foreign">(.*?)</section>', html, re.S)
    assert len(foreign) == 1 and WARNING.split(".")[0] in foreign[0]
    assert "PandarGT" in foreign[0] and "PandarGT" not in html.replace(foreign[0], "")


def test_published_figures_have_rules_and_evidence() -> None:
    for block in published_blocks():
        assert block["rules"] and block["columns"][-1] == "evidence"
        for row in block["rows"]:
            assert len(row) == len(block["columns"]), row
            assert re.match("abstract|official|quoted", row[-1]), row


PAGE = """(() => {
  const shown = (e) => e.getBoundingClientRect().height > 0;
  const buttons = [...document.querySelectorAll('section:first-of-type .buttons button')];
  const before = [...document.querySelectorAll('section:first-of-type .panel')].map(shown);
  buttons[1].click();
  const after = [...document.querySelectorAll('section:first-of-type .panel')].map(shown);
  return {
    title: document.title, before, after,
    lines: document.querySelectorAll('section:first-of-type .panel:nth-of-type(2) tbody tr').length,
    heat: [...document.querySelectorAll('td.heat')].filter((e) =>
      getComputedStyle(e).backgroundColor !== 'rgba(0, 0, 0, 0)').length,
    charts: [...document.querySelectorAll('svg')].length,
    bars: document.querySelectorAll('svg rect title').length,
    images: [...document.images].map((e) => e.complete && e.naturalWidth),
    requests: performance.getEntriesByType('resource').filter((e) =>
      !e.name.startsWith('data:')).length,
    links: [...document.querySelectorAll('nav a')].every((e) =>
      document.querySelector(e.getAttribute('href'))),
    text: document.querySelector('main').innerText.length,
    wide: document.documentElement.scrollWidth <= window.innerWidth,
  };
})()"""


def test_a_browser_shows_it(report: Path, work: Work, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        seen = browser.evaluate(report / "report.html", PAGE)
    assert seen["title"] == "Tiny worlds"
    # The script has run: one panel of four is seen, and a click shows another.
    assert seen["before"] == [True, *[False] * (len(seen["before"]) - 1)]
    assert seen["after"][:2] == [False, True]
    assert seen["lines"] == 3 and seen["heat"] > 10
    assert seen["charts"] >= 8 and seen["bars"] > 20
    # The worst scan of each target by both methods, and nothing asked of a network.
    assert seen["images"] == [1400] * 4 and seen["requests"] == 0
    assert seen["links"] and seen["text"] > 2000 and seen["wide"]


def test_a_hostile_name_stays_text(data: dict, plan: Plan, work: Work, out: Path) -> None:
    from pcseg.benchmark.report.html import html

    hostile = "</title><img src=x onerror=alert(1)>"
    text = html(Results(plan.model_copy(update={"title": hostile}), work, Store(out)))
    assert "<img src=x" not in text and "&lt;img src=x" in text
