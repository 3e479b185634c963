"""Includes of the C sources run one way, between folders and between files, as read from the source."""

from pathlib import Path

import pytest
from include_graph import Include, includes, misplaced_definitions, module_cycles, sources

CSRC = Path(__file__).resolve().parent.parent / "csrc"

# A folder includes from itself and from the folders in the lines above; "" is csrc itself.
LEVELS = (
    {""},
    {"simd"},
    {"runtime"},
    {"gemm", "elementwise", "norm", "loss", "input"},
    {"pooling"},
    {"nchw16n"},
    {"dense", "winograd", "conv"},
    {"population"},
)
LEVEL = {folder: height for height, folders in enumerate(LEVELS) for folder in folders}


def folder(name: str) -> str:
    """conv/direct.c -> conv; fastnn.h -> ''."""
    return name.rpartition("/")[0]


def upward(edges: list[Include]) -> list[str]:
    """The includes that violate the order of the folders."""
    return [
        str(edge)
        for edge in edges
        if folder(edge.includer) != folder(edge.included)
        and LEVEL[folder(edge.included)] >= LEVEL[folder(edge.includer)]
    ]


def test_every_folder_has_a_level() -> None:
    assert {folder(name) for name in sources(CSRC)} == set(LEVEL)


def test_nothing_includes_upward() -> None:
    edges = includes(CSRC)
    assert len(edges) > 100
    assert upward(edges) == []


def test_no_files_include_each_other_in_a_circle() -> None:
    assert module_cycles(CSRC) == []


def test_functions_are_defined_where_their_headers_lead() -> None:
    assert misplaced_definitions(CSRC) == []


def test_include_guards_are_the_paths() -> None:
    headers = {name: text for name, text in sources(CSRC).items() if "/" in name and name.endswith(".h")}
    guards = {name: "FASTNN_" + name.replace("/", "_").replace(".", "_").upper() for name in headers}
    assert [
        name for name, text in headers.items() if f"#ifndef {guards[name]}\n#define {guards[name]}\n" not in text
    ] == []


# --- the checks themselves, on invented trees ---


def tree(root: Path, **files: str) -> Path:
    """A folder of C files: ``gemm__pack_h="…"`` writes gemm/pack.h."""
    for name, text in files.items():
        path = root.joinpath(*name.split("__"))
        path = path.with_name(".".join(path.name.rsplit("_", 1)))
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize("line", ['#include "conv/a.h"', '  #  include "conv/a.h" /* for a */', '#include "dense/a.h"'])
def test_finds_an_upward_include(tmp_path: Path, line: str) -> None:
    root = tree(tmp_path, winograd__b_c=line, conv__a_h="", dense__a_h="")
    assert len(upward(includes(root))) == 1


@pytest.mark.parametrize("line", ['#include "simd/a.h"', '#include "conv/c.h"', "#include <math.h>", '#include "no.h"'])
def test_takes_other_includes(tmp_path: Path, line: str) -> None:
    root = tree(tmp_path, conv__b_c=line, simd__a_h="", conv__c_h="")
    assert upward(includes(root)) == []


@pytest.mark.parametrize("line", ['/* #include "conv/a.h" */', '// #include "conv/a.h"', '/*\n#include "conv/a.h"\n*/'])
def test_leaves_out_comments(tmp_path: Path, line: str) -> None:
    assert includes(tree(tmp_path, simd__b_h=line, conv__a_h="")) == []


def test_finds_a_circle_of_headers(tmp_path: Path) -> None:
    root = tree(
        tmp_path, conv__a_h='#include "conv/b.h"', conv__b_h='#include "conv/c.h"', conv__c_h='#include "conv/a.h"'
    )
    assert module_cycles(root) == [["conv/a", "conv/b", "conv/c"]]


def test_finds_a_circle_through_the_c_files(tmp_path: Path) -> None:
    root = tree(
        tmp_path, conv__a_h="", conv__a_c='#include "conv/a.h"\n#include "conv/b.h"', conv__b_h='#include "conv/a.h"'
    )
    assert module_cycles(root) == [["conv/a", "conv/b"]]


def test_a_file_and_its_header_are_no_circle(tmp_path: Path) -> None:
    root = tree(tmp_path, conv__a_h="", conv__a_c='#include "conv/a.h"', conv__b_c='#include "conv/a.h"')
    assert module_cycles(root) == []


@pytest.mark.parametrize(
    "declaration",
    [
        "void FN(run)(const problem *p);",
        "int run(void);",
        "const char *run(int tasks,\n                void (*fn)(void *context, int task));",
    ],
)
def test_finds_a_function_that_another_files_header_declares(tmp_path: Path, declaration: str) -> None:
    definition = '#include "conv/a.h"\n' + declaration.replace(";", " {\n    return;\n}")
    root = tree(tmp_path, conv__a_h=declaration, conv__a_c='#include "conv/a.h"', conv__b_c=definition)
    assert misplaced_definitions(root) == ["conv/b.c defines run, which conv/a.h declares for conv/a.c"]
    (tmp_path / "conv" / "a.c").unlink()  # conv/a.h is an interface now
    assert misplaced_definitions(root) == []


def test_finds_a_function_whose_header_is_not_included(tmp_path: Path) -> None:
    root = tree(tmp_path, conv__a_h="void FN(run)(void);", conv__b_c="void FN(run)(void) {}")
    assert misplaced_definitions(root) == ["conv/b.c defines run without conv/a.h, which declares it"]


@pytest.mark.parametrize(
    "code",
    [
        "static void run(void) {}",
        "FNN_INLINE void run(void) {}",
        "void FN(other)(void) {\n    run();\n    if (x) run(); {}\n}",
        "#define MAKE(name) \\\nvoid run(void) {}\n",
        "/* void run(void) {} */",
        "typedef void (*run)(void);",
    ],
)
def test_takes_what_defines_no_function_for_others(tmp_path: Path, code: str) -> None:
    root = tree(tmp_path, conv__a_h="void run(void);", conv__a_c="", conv__b_c=code)
    assert misplaced_definitions(root) == []
