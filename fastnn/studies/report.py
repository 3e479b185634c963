"""The report of a study: one self-contained HTML file, the numbers as JSON, and the figures as files."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from fastnn.studies.blocks import html_of, paragraphs
from fastnn.studies.page import Page
from fastnn.studies.store import Folder, as_json
from fastnn.studies.study import Found, Part, Study, filled, setting_text
from fastnn.studies.style import STYLE


@dataclass
class Section:
    """A part of the study as the report shows it."""

    part: Part
    quick: bool
    page: Page
    found: Found
    seconds: float
    cpu_seconds: float | None
    cached: bool

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that the part ran with."""
        return self.part.settings_for(self.quick)

    @property
    def took(self) -> str:
        """The wall time and, if it was recorded, the processor time, as text."""
        cores = "" if self.cpu_seconds is None else f" ({self.cpu_seconds:.1f} s of processor time)"
        return f"{self.seconds:.1f} s{cores}"

    @property
    def smaller(self) -> str:
        """What is smaller than in the full run, as a sentence; empty if nothing is."""
        changed = self.part.smaller(self.quick)
        if not changed:
            return ""
        words = ", ".join(
            f"{name} {setting_text(used)} ({setting_text(full)})" for name, (used, full) in changed.items()
        )
        return f"Smaller than in the full run, whose settings are in brackets: {words}."


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
    return folder.write("report.html", document(study.title, "\n".join(body)))


def document(title: str, body: str) -> str:
    """Return a whole page in the style of the reports."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _numbers(section: Section) -> dict[str, Any]:
    rows = [
        {"what": c.what, "reported": c.reported, "rerun": c.rerun, "ours": c.ours, "ratio": c.ratio,
         "not comparable": c.apart, "note": c.note}
        for c in section.page.comparisons
    ]  # fmt: skip
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
    lines = [f"<h1>{escape(study.title)}</h1>", paragraphs(study.about)]
    if banner:
        lines.append(f'<p class="banner"><strong>Not the original data.</strong> {escape(banner)}</p>')
    elif study.source.differs:
        lines.append(f'<p class="note">{escape(study.source.differs)}</p>')
    if about["quick"]:
        lines.append(
            '<p class="note">This is a quick run: many parts use less data, smaller networks or fewer epochs than '
            "reported. Their accuracies are lower, and no reported number stands beside them.</p>"
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
    lines = [
        f'<section id="{part.name}"><h2>{number} · {escape(part.title)}</h2>',
        paragraphs(filled(part.text, section.settings), lead=bool(section.page.blocks)),
        f'<p class="soft lead">{escape(section.smaller)}</p>' if section.smaller else "",
        html_of(folder, part.name, section.page),
    ]
    cached = ", cached by an earlier run" if section.cached else ""
    settings = ", ".join(f"{name} = {setting_text(value)}" for name, value in section.settings.items())
    lines.append(f'<p class="soft">{section.took}{cached}. {escape(settings)}</p></section>')
    return "\n".join(filter(None, lines))


def _foot(about: dict[str, Any]) -> str:
    """How the report was made: what was asked for, and the machine."""
    told = {"data": about["data"] or "searched for", "data set": about["data set"], "seed": about["seed"],
            "run": "quick" if about["quick"] else "full", "parts": ", ".join(about["parts"]),
            "SHA-256 of the data": about["data sha256"], **about["environment"]}  # fmt: skip
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>" for name, value in told.items())
    return f'<section class="keep"><h2>How this was made</h2><table class="facts">{rows}</table></section>'
