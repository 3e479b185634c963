"""Reads the imports of a package's source, inside functions too, without running it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """`importer` imports the module `module`, or the object `name` from it."""

    importer: str
    module: str
    name: str | None
    line: int

    def __str__(self) -> str:
        what = self.module if self.name is None else f"{self.name} of {self.module}"
        return f"{self.importer}:{self.line} imports {what}"


def modules(root: Path) -> dict[str, Path]:
    """The source files of the package in folder `root`, by the names of their modules."""
    found = {}
    for path in sorted([*root.rglob("*.py"), *root.rglob("*.pyx")]):
        parts = path.relative_to(root.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(root: Path, *, for_types: bool = False) -> list[Import]:
    """Imports of modules of the package from within it; with `for_types` those that only type checkers run, too."""
    files = modules(root)
    found: list[Import] = []
    for name, path in files.items():
        if path.suffix == ".py":
            is_package = path.name == "__init__.py"
            tree = ast.parse(path.read_text())
            nodes = ast.walk(tree) if for_types else _runtime_nodes(tree)
            found += _of_module(name, is_package, nodes, files, root.name)
    return found


def cycles(edges: list[Import]) -> list[list[str]]:
    """The modules that import each other in a circle, with a list for each strongly connected component.

    What a module imports from the ``__init__`` of a package around it does not count: Python runs that
    before it in any case.
    """
    graph: dict[str, set[str]] = {}
    for edge in edges:
        if not f"{edge.importer}.".startswith(f"{edge.module}."):
            graph.setdefault(edge.importer, set()).add(edge.module)
    reach = {start: _reachable(graph, start) for start in graph}
    circles = {
        tuple(sorted(other for other in reach[start] if start in reach.get(other, ())))
        for start in graph
        if start in reach[start]
    }
    return [list(circle) for circle in sorted(circles)]


def private_uses(root: Path) -> list[str]:
    """The uses of private names of another module, by import or as an attribute."""
    files = modules(root)
    found = [
        str(edge)
        for edge in imports(root)
        if any(_is_private(part) for part in (edge.name or "", *edge.module.split(".")))
    ]
    for name, path in files.items():
        if path.suffix != ".py":
            continue
        tree = ast.parse(path.read_text())
        aliases = set(_module_aliases(tree, files))
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in aliases
                and _is_private(node.attr)
            ):
                found.append(f"{name}:{node.lineno} uses {node.value.id}.{node.attr}")
    return found


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _of_module(
    importer: str, is_package: bool, nodes: Iterator[ast.AST], files: dict[str, Path], package: str
) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == package:
                    yield Import(importer, alias.name, None, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                inside = importer.split(".") if is_package else importer.split(".")[:-1]
                above = inside[: len(inside) - (node.level - 1)]
                base = ".".join([*above, base]).rstrip(".")
            if base.split(".")[0] != package:
                continue
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                if whole in files:
                    yield Import(importer, whole, None, node.lineno)
                else:
                    yield Import(importer, base, alias.name, node.lineno)


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes except those under ``if TYPE_CHECKING:``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING":
            for other in node.orelse:
                yield other
                yield from _runtime_nodes(other)
        else:
            yield node
            yield from _runtime_nodes(node)


def _module_aliases(tree: ast.AST, files: dict[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if f"{node.module}.{alias.name}" in files:
                    yield alias.asname or alias.name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in files and alias.asname:
                    yield alias.asname


def _reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += graph.get(module, ())
    return seen
