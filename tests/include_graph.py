"""Reads which files C sources include and which functions they declare and define, without compiling them."""

import re
from dataclasses import dataclass
from pathlib import Path

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)
# at the start of a line: a type, the name or FN(name), arguments, and then the end of a declaration or a body
_FUNCTION = re.compile(
    r"^(?!static\b|typedef\b|FNN_INLINE\b)[A-Za-z_][\w *]*[ *](?:FN\((\w+)\)|(?!FN\b)(\w+))\s*\([^;{}]*\)\s*([;{])",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Include:
    """File `includer` includes file `included`; both names are relative to the folder of the sources."""

    includer: str
    included: str

    def __str__(self) -> str:
        return f"{self.includer} includes {self.included}"


def module(name: str) -> str:
    """The common name of a .c and a .h file: ``conv/direct.c`` -> ``conv/direct``."""
    return name.rpartition(".")[0]


def sources(root: Path) -> dict[str, str]:
    """The texts of the C files below folder `root`, without comments, by their names relative to it."""
    paths = sorted([*root.rglob("*.c"), *root.rglob("*.h")])
    return {path.relative_to(root).as_posix(): _COMMENT.sub(" ", path.read_text()) for path in paths}


def includes(root: Path) -> list[Include]:
    """Includes of files of folder `root` by files of that folder."""
    files = sources(root)
    return [Include(name, found) for name, text in files.items() for found in _INCLUDE.findall(text) if found in files]


def module_cycles(root: Path) -> list[list[str]]:
    """The modules that include each other in a circle, with a list for each strongly connected component."""
    graph: dict[str, set[str]] = {}
    for edge in includes(root):
        here, there = module(edge.includer), module(edge.included)
        if here != there:
            graph.setdefault(here, set()).add(there)
    reach = {name: _reachable(graph, name) for name in graph}
    circles = {
        tuple(sorted(other for other in reach[name] if name in reach.get(other, ())))
        for name in graph
        if name in reach[name]
    }
    return [list(circle) for circle in sorted(circles)]


def misplaced_definitions(root: Path) -> list[str]:
    """The functions that are not defined in the file that their declaration belongs to.

    What a header declares must be defined in the .c file of the same name. If there is none, the header is an
    interface, and any .c file that includes it may define a part of it.
    """
    files = sources(root)
    graph: dict[str, set[str]] = {}
    for edge in includes(root):
        graph.setdefault(edge.includer, set()).add(edge.included)
    declared = {
        function: name
        for name, text in files.items()
        if name.endswith(".h")
        for function, defines in _functions(text)
        if not defines
    }
    wrong = []
    for name, text in files.items():
        for function, defines in _functions(text):
            header = declared.get(function) if defines else None
            if header is None or module(header) == module(name):
                continue
            if f"{module(header)}.c" in files:
                wrong.append(f"{name} defines {function}, which {header} declares for {module(header)}.c")
            elif header not in _reachable(graph, name):
                wrong.append(f"{name} defines {function} without {header}, which declares it")
    return wrong


def _functions(text: str) -> list[tuple[str, bool]]:
    """The functions of a source that other files may call, each with whether it is defined or only declared."""
    found = _FUNCTION.findall(_DIRECTIVE.sub("", text))
    return [(fn or plain, end == "{") for fn, plain, end in found]


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += graph.get(name, ())
    return seen
