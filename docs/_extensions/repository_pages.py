"""Pages of the repository as pages of the site: README, CONTRIBUTING and others stay where they are.

A page says which file it shows, in a fence as MyST has it::

    ```{include} ../../CONTRIBUTING.md
    ```

The text is put in its place before it is parsed. Links between files of the repository become links between pages;
links to files that are no pages become their names. Below a heading of the page's own, headings move down a level. The
empty line that ends an example for doctest is left out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent
ROOT = DOCS.parent

# Files outside docs/, and the page that shows each.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "CHANGELOG.md": "project/changes.md",
    "bench/RESULTS.md": "benchmarks.md",
}
INCLUDE = re.compile(r"^```\{include\} (\S+)\n```$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s:]+)\)")
FENCE = re.compile(r"^(```.*?^```$)", re.MULTILINE | re.DOTALL)


def moved(text: str, source: Path, page: Path) -> str:
    """The text of a file of the repository, with its links as the page that shows it needs them."""

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        file, _, anchor = target.partition("#")
        path = (source.parent / file).resolve() if file else source.resolve()
        if not path.is_relative_to(ROOT) or not path.exists():
            return found[0]
        name = path.relative_to(ROOT).as_posix()
        shown = DOCS / PAGES[name] if name in PAGES else path
        if not shown.is_relative_to(DOCS):
            return words if "`" in words else f"`{words}`"
        to = "" if shown == page else Path(os.path.relpath(shown, page.parent)).as_posix()
        return f"[{words}]({to}{'#' + anchor if anchor else ''})"

    return outside_fences(text, lambda part: LINK.sub(link, part))


def outside_fences(text: str, change: Any) -> str:
    """Change the parts of a text that are not code."""
    return "".join(part if part.startswith("```") else change(part) for part in FENCE.split(text))


def lowered(text: str) -> str:
    """The text with every heading one level further down."""
    return outside_fences(text, lambda part: re.sub(r"^(#+ )", r"#\1", part, flags=re.MULTILINE))


def expanded(text: str, page: Path) -> tuple[str, list[Path]]:
    """The text of a page with what it includes, and the files that were included."""
    files: list[Path] = []
    below = text.startswith("# ")

    def include(found: re.Match[str]) -> str:
        source = (page.parent / found[1]).resolve()
        files.append(source)
        content = moved(source.read_text(encoding="utf-8"), source, page)
        return lowered(content) if below else content

    return INCLUDE.sub(include, moved(text, page, page)), files


def read(app: Any, docname: str, source: list[str]) -> None:
    """Expand a Markdown page before it is parsed."""
    page = Path(app.env.doc2path(docname))
    if page.suffix == ".md":
        text, files = expanded(source[0], page.resolve())
        source[0] = text.replace("\n\n```\n", "\n```\n")
        for file in files:
            app.env.note_dependency(str(file))


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
