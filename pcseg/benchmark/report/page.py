"""The frame of the HTML report: one page with its style and script inside, light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: heading.
        body: HTML.
        foreign: whether it shows what others have measured.
    """

    title: str
    body: str
    foreign: bool = False


def page(title: str, subtitle: str, simulated: bool, sections: Sequence[Section]) -> str:
    """The whole page.

    Args:
        title: of the report.
        subtitle: one line below.
        simulated: whether data were simulated, which is then said in the heading.
        sections: from top to bottom.
    """
    badge = '<span class="badge">SIMULATED DATA</span>' if simulated else ""
    links = "".join(
        f'<a href="#s{i}">{escape(section.title)}</a>' for i, section in enumerate(sections)
    )
    body = "".join(
        f'<section id="s{i}"{_foreign(section)}><h2>{escape(section.title)}</h2>'
        f"{section.body}</section>"
        for i, section in enumerate(sections)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<header><h1>{escape(title)} {badge}</h1><p>{escape(subtitle)}</p><nav>{links}</nav>"
        f"</header><main>{body}</main><script>{_SCRIPT}</script></body></html>\n"
    )


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    kind: str = "",
    marks: Mapping[int, str] | None = None,
) -> str:
    """An HTML table.

    Args:
        head: texts.
        rows: cells, see `cell`.
        kind: CSS class of the table.
        marks: CSS classes of single lines, by their number.
    """
    top = "".join(f"<th>{escape(text)}</th>" for text in head)
    marked = marks or {}
    body = "".join(
        f'<tr class="{marked.get(number, "")}">{"".join(row)}</tr>'
        for number, row in enumerate(rows)
    )
    return (
        f'<div class="wide"><table class="{kind}"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def cell(text: str, heat: float | None = None, note: str = "") -> str:
    """A table cell; `heat` 0..1 colours it, `note` is said when it is pointed at."""
    style = "" if heat is None else f' style="--heat:{100 * min(1.0, max(0.0, heat)):.0f}%"'
    kind = "" if heat is None else ' class="heat"'
    said = f' title="{escape(note, quote=True)}"' if note else ""
    return f"<td{kind}{style}{said}>{escape(text)}</td>"


def tabs(panels: Sequence[tuple[str, str]]) -> str:
    """Panels of which one is seen, chosen by buttons; all are seen without scripts."""
    if len(panels) == 1:
        return panels[0][1]
    buttons = "".join(f"<button type='button'>{escape(name)}</button>" for name, _ in panels)
    bodies = "".join(f'<div class="panel">{body}</div>' for _, body in panels)
    return f'<div class="tabs"><div class="buttons">{buttons}</div>{bodies}</div>'


def items(lines: Sequence[str]) -> str:
    """A list of sentences."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def details(summary: str, body: str) -> str:
    """A part that opens when it is asked for."""
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def _foreign(section: Section) -> str:
    return ' class="foreign"' if section.foreign else ""


_STYLE = """
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1d2126;--faint:#667080;
--line:#dfe2e6;--heat-color:#5b9bd8;--wrong:#d9762b;--accent:#b3541e;--foreign:#f6f0e3}
@media(prefers-color-scheme:dark){:root{--page:#14171b;--card:#1c2026;--ink:#e7eaee;--faint:#98a2b0;
--line:#333a44;--heat-color:#2f6fb0;--wrong:#a85a1e;--accent:#e8935a;--foreign:#26221a}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header,main{max-width:1180px;margin:auto;padding:20px 28px}
h1{font-size:28px;margin:.4em 0 0}h2{font-size:19px;margin:0 0 .6em}
h3{font-size:15px;margin:1em 0 .3em}
header p{color:var(--faint);margin:.2em 0 1em}
nav{display:flex;flex-wrap:wrap;gap:4px 16px}nav a,a{color:inherit}nav a{color:var(--faint)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;
padding:20px 24px;margin:0 0 20px}
.foreign{background:var(--foreign);border:2px dashed var(--accent)}
.badge{background:var(--accent);color:var(--page);font-size:12px;font-weight:700;letter-spacing:.06em;
padding:4px 9px;border-radius:99px;vertical-align:middle}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:6px 11px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{color:var(--faint);font-weight:600;font-size:13px}
th:first-child,td:first-child{text-align:left}
.words td,.words th{text-align:left;white-space:normal}
.heat{background:color-mix(in srgb,var(--heat-color) calc(var(--heat)*.85),transparent)}
tr.oracle td{font-style:italic;color:var(--faint)}tr.best td{font-weight:600}
svg{max-width:100%;height:auto;display:block}
svg text{fill:var(--ink);font-size:12px}svg .grid{stroke:var(--line)}
svg .right{fill:var(--heat-color)}svg .wrong{fill:var(--wrong)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;margin:6px 0}
.legend i{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:6px}
.grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(400px,1fr));gap:14px 24px}
.buttons{display:flex;flex-wrap:wrap;gap:6px;margin-bottom:14px}
button{font:inherit;font-size:13px;padding:4px 12px;border-radius:99px;border:1px solid var(--line);
background:none;color:inherit;cursor:pointer}
button[aria-pressed=true]{background:var(--ink);color:var(--page)}
ul{margin:.2em 0;padding-left:1.2em}small,.faint{color:var(--faint)}
figure{margin:0 0 18px}figure img{max-width:100%;border-radius:8px;display:block}
figcaption{color:var(--faint);font-size:13px;margin-top:4px}
details{margin:.5em 0}summary{cursor:pointer}
pre{overflow:auto;max-height:420px;font-size:12px;background:var(--page);padding:12px;border-radius:8px}
@media print{section{break-inside:avoid}.panel[hidden]{display:block!important}}
"""

_SCRIPT = """
for (const tabs of document.querySelectorAll('.tabs')) {
  const buttons = [...tabs.querySelectorAll(':scope > .buttons > button')];
  const panels = [...tabs.querySelectorAll(':scope > .panel')];
  const show = (chosen) => buttons.forEach((button, i) => {
    button.setAttribute('aria-pressed', i === chosen);
    panels[i].hidden = i !== chosen;
  });
  buttons.forEach((button, i) => button.addEventListener('click', () => show(i)));
  show(0);
}
"""
