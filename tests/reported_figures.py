"""The list of the reports' figures and tables, and what a study's report lacks of it."""

from __future__ import annotations

from pathlib import Path

from trainings import ROOT


def listed() -> list[tuple[str, str, str, list[str]]]:
    """The rows of the list: report, study, part, and what is shown."""
    text = (ROOT / "docs" / "STUDIES.md").read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [(row[0], row[2], row[3], row[4].split(", ")) for row in rows[2:]]


def missing(study: str, folder: Path, html: str) -> list[str]:
    """What the list says of a study but the report in `folder` does not show."""
    lost = []
    for _, name, part, shown in listed():
        if name != study:
            continue
        start = html.index(f'<section id="{part}">')
        section = html[start : html.index("</section>", start)]
        for item in shown:
            if item == "table":
                found = "<table" in section
            elif "." in item:
                found = (folder / item).exists() and item in section
            else:
                found = (folder / "figures" / f"{part}-{item}.svg").exists()
            if not found:
                lost.append(f"{part}: {item}")
    return lost
