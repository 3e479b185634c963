"""The documents agree with the files: links are valid, and folders, terms and files are named where they must be."""

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import pytest
from trainings import ROOT

import fastnn
from fastnn.kernels import SIGNATURES

DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.md"))
    if not path.is_relative_to(ROOT / "build")
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
CONNECTIVES = {"to", "from"}
PASSES = {"forward", "backward", "backward_input", "backward_weight", "apply", "nchw16n"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def anchors(document: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def broken_links(path: Path) -> list[str]:
    """The links in a document to files or headings that do not exist."""
    broken = []
    for link in LINK.findall(path.read_text()):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = unquote(link).partition("#")
        target = path.parent / file if file else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    return broken


def folders(top: str) -> list[str]:
    """The folders with sources, by their path from the root."""
    found = {path.parent for path in (ROOT / top).rglob("*") if path.suffix in {".py", ".c", ".h"}}
    return sorted(str(folder.relative_to(ROOT)) for folder in found)


def terms(table: str) -> set[str]:
    """The terms in the first column of the tables of a section, both `code` and plain words."""
    cells = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("|")]
    return {term.strip("` ").lower() for cell in cells[2:] for term in cell.split(",")}


def section(document: str, heading: str) -> str:
    """The text below a heading, to the next heading."""
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#|\Z)", document, re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


def unnamed(kernel: str, families: set[str], passes: set[str]) -> str:
    """What is left of the name of a kernel without families, passes, layouts and connectives."""
    left = f"_{kernel}_"
    for term in sorted(families | passes, key=len, reverse=True):
        while f"_{term}_" in left:
            left = left.replace(f"_{term}_", "_", 1)
    return "_".join(word for word in left.split("_") if word and word not in CONNECTIVES)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_are_valid(path: Path) -> None:
    assert broken_links(path) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# A heading: `code`, two words\n")
    good = "[a](other.md) [b](other.md#a-heading-code-two-words) [c](https://example.org/x) [d](#here)"
    (tmp_path / "one.md").write_text(f"# Here\n{good} [e](none.md) [f](other.md#none) [g](#there)")
    assert broken_links(tmp_path / "one.md") == ["none.md", "other.md#none", "#there"]


@pytest.mark.parametrize("top", ["csrc", "fastnn"])
def test_the_architecture_names_every_folder(top: str) -> None:
    named = set(re.findall(r"`((?:csrc|fastnn)[\w/]*)`", text_of("docs/ARCHITECTURE.md")))
    missing = [folder for folder in folders(top) if folder not in named | {top}]
    assert missing == []
    assert [folder for folder in named if not (ROOT / folder).is_dir() and "." not in folder] == []


def known(*headings: str) -> set[str]:
    """The terms in the tables of some sections of the page about kernels."""
    return set().union(*(terms(section(text_of("docs/KERNELS.md"), heading)) for heading in headings))


def words_of(term: str) -> set[str]:
    """The words of a term or of a file's name, in the singular."""
    return {word.removesuffix("s") for word in re.split(r"[\W_]+", term)}


def unknown_words(names: Iterable[str], known_terms: Iterable[str]) -> set[str]:
    """The words of names that no term contains."""
    return set().union(*map(words_of, names)) - set().union(*map(words_of, known_terms))


def test_every_part_of_a_kernels_name_is_explained() -> None:
    families = known("Families", "Glossary")
    assert {name: left for name in SIGNATURES if (left := unnamed(name, families, PASSES))} == {}


def test_every_word_of_a_c_files_name_is_explained() -> None:
    files = [path.stem for path in (ROOT / "csrc").rglob("*") if path.suffix in {".c", ".h"}]
    assert len(files) > 50
    assert unknown_words(files, {*known("Families", "Glossary", "Words of file names"), *PASSES}) == set()


def test_words_of_file_names_are_not_explained_twice() -> None:
    assert known("Words of file names") & known("Families", "Glossary") == set()


def test_an_unknown_word_of_a_file_name_is_found() -> None:
    assert unknown_words(["weight_grad_frobs", "rows"], {"weight gradient", "row", "grad"}) == {"frob"}


def test_a_kernel_of_an_unknown_family_is_found() -> None:
    assert unnamed("conv_frobnicate_forward", {"conv"}, {"forward"}) == "frobnicate"
    assert unnamed("conv_conv_forward_nchw16n", {"conv"}, {"forward", "nchw16n"}) == ""


def test_every_shape_letter_is_explained() -> None:
    letters = {letter for signature in SIGNATURES.values() for letter in signature.dims}
    explained = terms(section(text_of("docs/KERNELS.md"), "Shape letters"))
    assert letters - {re.split(r"\W", term)[0] or "*" for term in explained} == set()


def test_the_recipes_count_their_files_and_all_of_them_exist() -> None:
    recipes = re.split(r"^### ", text_of("CONTRIBUTING.md"), flags=re.MULTILINE)[1:]
    assert len(recipes) >= 4
    for recipe in recipes:
        listed = re.findall(r"^\| `([^`]+)` \|", recipe, re.MULTILINE)
        count = re.search(r"\*\*(\w+) source files?", recipe)
        assert count is not None, recipe.splitlines()[0]
        assert {"one": 1, "two": 2, "three": 3, "four": 4}[count[1].lower()] == len(listed), recipe.splitlines()[0]
        assert [file for file in listed if not (ROOT / file).is_file()] == []


def rows(document: str, columns: int) -> dict[str, list[str]]:
    """The rows of tables with at least so many columns, by their first cell; the first of a name counts."""
    found: dict[str, list[str]] = {}
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if len(cells) >= columns:
            found.setdefault(cells[0], cells[1:])
    return found


def test_the_times_in_the_readme_are_those_of_the_results() -> None:
    results = rows(text_of("bench/RESULTS.md"), 8)
    names = ("784-200-10, batch 8, SGD", "LeNet-5, batch 128, Adam", "AlexNet features, batch 64")
    for name in (*names, "predict 784-200-10, one row"):
        time, eager, best = rows(text_of("README.md"), 4)[name]
        ratios = [float(cell.strip("*").split()[0]) for cell in results[name][2:4]]
        assert time.removesuffix(" µs") == results[name][0].split()[0]
        assert [eager, best] == [f"{ratio:.1f} ×" for ratio in ratios]


def test_the_citation_is_of_this_version() -> None:
    assert f"\nversion: {fastnn.__version__}\n" in text_of("CITATION.cff")
