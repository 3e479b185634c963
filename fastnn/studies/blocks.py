"""The blocks of a page as HTML: paragraphs, tables, comparisons, pictures and files."""

from __future__ import annotations

import base64
import re
from html import escape
from itertools import zip_longest

from fastnn.plots.style import render
from fastnn.studies.page import NOT_COMPARABLE, Comparison, File, Heading, Page, Picture, Table, shown
from fastnn.studies.store import Folder

_LARGEST_SVG = 400_000  # bytes; a larger picture is embedded as PNG
_WIDE = 7.0  # inches; a wider picture scrolls on a phone instead of being shrunk to its width


def html_of(folder: Folder, part: str, page: Page) -> str:
    """Return the blocks of a part as HTML, and write its pictures and files to the folder.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    lines: list[str] = []
    for block, following in zip_longest(page.blocks, page.blocks[1:]):
        if isinstance(block, str):
            lines.append(paragraphs(block, lead=following is not None and not isinstance(following, str | Heading)))
        elif isinstance(block, Heading):
            lines.append(f"<h3>{escape(block.text)}</h3>")
        elif isinstance(block, Table):
            lines.append(_table(block))
        elif isinstance(block, Picture):
            lines.append(_picture(folder, f"{part}-{block.name}", block))
        elif isinstance(block, File):
            lines.append(_file(folder, block))
        elif block:
            lines.append(_comparison(block))
    return "\n".join(lines)


def paragraphs(text: str, lead: bool = False) -> str:
    """Return paragraphs as HTML; the last of a `lead` stays on the same printed page as what follows."""
    parts = [part for part in text.split("\n\n") if part.strip()]
    marks = ["" for _ in parts[:-1]] + [" class=lead" if lead else ""]
    return "\n".join(f"<p{mark}>{_inline(part)}</p>" for part, mark in zip(parts, marks, strict=False))


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
    """A table with the columns that any of its rows needs."""
    columns = {
        "": ["" if row.what is None else row.what for row in rows],
        "reported": [_of_others(row.reported, row) for row in rows],
        "re-run": [_of_others(row.rerun, row) for row in rows],
        "ours": [shown(row.ours) for row in rows],
        "ours / reported": [shown(row.ratio) for row in rows],
        "remark": [row.note for row in rows],
    }
    needed = {
        "reported": any(row.reported is not None for row in rows),
        "re-run": any(row.rerun is not None for row in rows),
        "ours / reported": any(row.ratio is not None for row in rows),
        "remark": any(row.note for row in rows),
    }
    kept = [name for name in columns if needed.get(name, True)]
    head = "".join(f"<th{' class=words' if name == 'remark' else ''}>{name}</th>" for name in kept)
    body = "".join(
        "<tr>" + "".join(_cell(name, columns[name][number]) for name in kept) + "</tr>" for number in range(len(rows))
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _of_others(value: object, row: Comparison) -> str:
    return NOT_COMPARABLE if value is not None and row.apart else shown(value)


def _cell(column: str, text: str) -> str:
    kind = " class=words" if column == "remark" else " class=apart" if text == NOT_COMPARABLE else ""
    return f"<td{kind}>{escape(text)}</td>"


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


def _file(folder: Folder, file: File) -> str:
    folder.write(file.name, file.content)
    return f'<p class="soft">{escape(file.caption)} <a href="{escape(file.name)}">{escape(file.name)}</a></p>'
