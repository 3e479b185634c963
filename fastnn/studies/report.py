"""The report of a study: one self-contained HTML file, the numbers as JSON, and the figures as files."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from fastnn.plots.style import render
from fastnn.studies.page import Comparison, File, Page, Picture, Table, shown
from fastnn.studies.store import Folder, as_json
from fastnn.studies.study import Found, Part, Study

_LARGEST_SVG = 400_000  # bytes; a larger picture is embedded as PNG
_WIDE = 7.0  # inches; a wider picture scrolls on a phone instead of being shrunk to its width

_STYLE = """
:root { --ink: #1b1b1b; --soft: #5c5c5c; --line: #d4d4d4; --wash: #f5f5f2; --mark: #0b5a8a; }
* { box-sizing: border-box; }
body { font: 17px/1.55 Georgia, 'Times New Roman', serif; color: var(--ink); max-width: 52rem; margin: 0 auto;
  padding: 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .6em 0 .3em; } h2 { font-size: 1.3rem; margin: 2.2em 0 .4em;
  border-top: 1px solid var(--line); padding-top: 1.1em; } h3 { font-size: 1.05rem; margin: 1.4em 0 .3em; }
a { color: var(--mark); } .soft, figcaption, caption, details { color: var(--soft); font-size: .88rem; }
.banner { background: #fff3cd; border: 2px solid #9a6b00; padding: .7rem 1rem; border-radius: 6px; }
.note { background: var(--wash); border-left: 4px solid var(--line); padding: .5rem .9rem; }
.scroll { overflow-x: auto; margin: 1em 0; } table { border-collapse: collapse; font: .86rem/1.35 system-ui,
  'Segoe UI', Helvetica, Arial, sans-serif; min-width: 60%; } caption { text-align: left; caption-side: bottom;
  padding-top: .35rem; } th, td { padding: .28rem .7rem .28rem 0; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; } th:first-child, td:first-child,
  td.words, th.words { text-align: left; } th { font-weight: 600; border-bottom: 2px solid var(--ink); }
figure { margin: 1.4em 0; } figure img { max-width: 100%; height: auto; display: block; margin: 0 auto; }
nav ol { padding-left: 1.3rem; } pre { white-space: pre-wrap; font-size: .78rem; }
@media (max-width: 40rem) { body { font-size: 16px; padding: .7rem; } th, td { padding-right: .5rem; }
  figure.wide { overflow-x: auto; } figure.wide img { max-width: none; width: 42rem; } }
@media print { body { max-width: none; font-size: 10.5pt; } figure, table, .banner { break-inside: avoid; }
  h2, h3 { break-after: avoid; } nav { display: none; } .scroll { overflow: visible; } details { display: none; } }
"""


@dataclass
class Section:
    """A part of the study as the report shows it."""

    part: Part
    page: Page
    found: Found
    settings: dict[str, Any]
    seconds: float
    cpu_seconds: float | None
    cached: bool

    @property
    def took(self) -> str:
        """The wall time and, if it was recorded, the processor time, as text."""
        cores = "" if self.cpu_seconds is None else f" ({self.cpu_seconds:.1f} s of processor time)"
        return f"{self.seconds:.1f} s{cores}"


def write_report(
    folder: Folder, study: Study, sections: list[Section], about: dict[str, Any], banner: str | None
) -> Path:
    """Write report.html, results.json, figures/*.svg and figures/*.png, and return the path of the report.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    written = time.strftime("%Y-%m-%d %H:%M")
    results = {
        "written": written,
        **about,
        "banner": banner,
        "results": {section.part.name: _numbers(section) for section in sections},
    }
    folder.write("results.json", json.dumps(as_json(results), indent=1) + "\n")
    body = [_head(study, sections, about, banner, written)]
    for number, section in enumerate(sections, 1):
        body.append(_section(folder, number, section))
    body.append(_foot(about))
    page = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(study.title)}</title>\n<style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )
    return folder.write("report.html", page)


def _numbers(section: Section) -> dict[str, Any]:
    rows = [
        {"what": c.what, "reported": c.reported, "ours": c.ours, "ratio": c.ratio, "note": c.note}
        for c in section.page.comparisons
    ]
    return {
        "title": section.part.title,
        "settings": section.settings,
        "seconds": round(section.seconds, 3),
        "cpu_seconds": None if section.cpu_seconds is None else round(section.cpu_seconds, 3),
        "compared": rows,
        "found": section.found,
    }


def _head(study: Study, sections: list[Section], about: dict[str, Any], banner: str | None, written: str) -> str:
    total = sum(section.seconds for section in sections)
    lines = [f"<h1>{escape(study.title)}</h1>", _paragraphs(study.about)]
    if banner:
        lines.append(f'<p class="banner"><strong>Not the original data.</strong> {escape(banner)}</p>')
    elif study.source.differs:
        lines.append(f'<p class="note">{escape(study.source.differs)}</p>')
    if about["quick"]:
        lines.append(
            '<p class="note">This is a quick run, with less data and fewer epochs than reported: expect lower '
            "accuracies.</p>"
        )
    lines.append(
        f'<p class="soft">Written {written} by fastnn {escape(about["environment"]["fastnn"])} on the data set '
        f"{escape(about['data set'])}, seed {about['seed']}; {total:.0f} s of computing.</p>"
    )
    links = "".join(
        f'<li><a href="#{s.part.name}">{escape(s.part.title)}</a> <span class="soft">{s.seconds:.1f} s</span></li>'
        for s in sections
    )
    lines.append(f"<nav><ol>{links}</ol></nav>")
    return "\n".join(lines)


def _section(folder: Folder, number: int, section: Section) -> str:
    part = section.part
    lines = [f'<section id="{part.name}"><h2>{number} · {escape(part.title)}</h2>', _paragraphs(part.text)]
    for block in section.page.blocks:
        if isinstance(block, str):
            lines.append(_paragraphs(block))
        elif isinstance(block, Table):
            lines.append(_table(block))
        elif isinstance(block, Picture):
            lines.append(_picture(folder, f"{part.name}-{block.name}", block))
        elif isinstance(block, File):
            folder.write(block.name, block.content)
            lines.append(f'<p class="soft">{escape(block.caption)} Written to {escape(block.name)}.</p>')
        else:
            lines.append(_comparison(block))
    cached = ", cached by an earlier run" if section.cached else ""
    settings = ", ".join(f"{name} = {value}" for name, value in section.settings.items())
    lines.append(f'<p class="soft">{section.took}{cached}. {escape(settings)}</p></section>')
    return "\n".join(lines)


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n") if part.strip())


def _inline(text: str) -> str:
    """Convert one paragraph to HTML: *words* are emphasised, ``code`` is set as code."""
    words = re.sub(r"``(.+?)``", r"<code>\1</code>", escape(" ".join(text.split())))
    return re.sub(r"\*(\w[^*]*\w)\*", r"<em>\1</em>", words)


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    return f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _comparison(rows: list[Comparison]) -> str:
    with_notes = any(row.note for row in rows)
    head = ["", "reported", "ours", "ours / reported"] + (["remark"] if with_notes else [])
    lines = []
    for row in rows:
        cells = [row.what, shown(row.reported), shown(row.ours), shown(row.ratio)]
        note = f'<td class="words">{escape(row.note)}</td>' if with_notes else ""
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + note + "</tr>")
    names = "".join(f"<th{' class=words' if name == 'remark' else ''}>{escape(name)}</th>" for name in head)
    return f'<div class="scroll"><table><thead><tr>{names}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _picture(folder: Folder, name: str, picture: Picture) -> str:
    from matplotlib import pyplot

    wide = " class=wide" if picture.figure.get_figwidth() > _WIDE else ""
    svg, png = render(picture.figure, "svg"), render(picture.figure, "png")
    pyplot.close(picture.figure)
    folder.write(f"figures/{name}.svg", svg)
    folder.write(f"figures/{name}.png", png)
    kind, data = ("svg+xml", svg) if len(svg) < _LARGEST_SVG else ("png", png)
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    caption = escape(picture.caption)
    return f'<figure{wide}><img src="{source}" alt="{caption}"><figcaption>{caption}</figcaption></figure>'


def _foot(about: dict[str, Any]) -> str:
    text = escape(json.dumps(as_json(about), indent=1))
    head = "<h2>How this was made</h2><details><summary>Configuration and machine</summary>"
    return f"{head}<pre>{text}</pre></details>"
