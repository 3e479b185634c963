"""The page that leads to the reports of several studies."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from fastnn.files import write_whole
from fastnn.studies.report import document
from fastnn.studies.study import Study


def write_index(folder: Path, studies: Sequence[Study]) -> Path:
    """Write index.html, with an entry for each study whose report lies in a folder of its name, and return its path.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    entries = [
        _entry(study, json.loads((folder / study.name / "results.json").read_text("utf-8"))) for study in studies
    ]
    title = "Studies"
    body = f"<h1>{title}</h1>\n<p>Each report is a single file, which can be handed on by itself.</p>\n" + "\n".join(
        entries
    )
    target = folder / "index.html"
    write_whole(target, document(title, body))
    return target


def _entry(study: Study, results: dict[str, Any]) -> str:
    """A study: its title, what it is about, and what its report was made of."""
    parts = results["results"]
    seconds = sum(part["seconds"] for part in parts.values())
    kind = "a quick run" if results["quick"] else "a full run"
    told = f"{len(parts)} parts, {kind} on {results['data set']}, seed {results['seed']}; {seconds:.0f} s of computing."
    banner = ""
    if results["banner"]:
        banner = f'<p class="banner"><strong>Not the original data.</strong> {escape(results["banner"])}</p>\n'
    return (
        f'<section class="keep"><h2><a href="{study.name}/report.html">{escape(study.title)}</a></h2>\n{banner}'
        f'<p>{escape(study.about)}</p>\n<p class="soft">{escape(told)}</p></section>'
    )
