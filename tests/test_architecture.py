"""Imports run one way and files are short, as read from the source."""

from pathlib import Path

import pytest
from import_graph import Import, cycles, imports, modules, private_uses

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fastnn"

# A part imports from its own level and those below.
LEVELS = (
    {
        "_version",
        "caller",
        "environment",
        "checks",
        "frames",
        "decisions",
        "elsewhere",
        "keywords",
        "lazy",
        "named",
        "random",
        "recipes",
        "views",
    },
    {"kernels"},
    {
        "inputs",
        "files",
        "errors",
        "functional",
        "init",
        "parameter",
        "optim",
        "schedules",
        "schedule_texts",
        "targets",
        "losses",
        "metrics",
    }
    | {"data", "plots"},
    {"layers"},
    {"model"},
    {"program"},
    {"trainer"},
    {"population"},
    {"gradcheck"},
    {"architecture", "export", "estimators", "compat", "alexnet", "studies", "config", "custom"},
    {"tabular"},
    {"cli"},
    {"", "__main__"},  # fastnn itself, whose names are for users
)
LEVEL = {part: height for height, parts in enumerate(LEVELS) for part in parts}
STANDS_ALONE = {
    "data": {"caller", "checks", "decisions", "random", "kernels", "files", "environment", "_version"},
    "plots": {"checks", "random", "kernels", "_version"},
}
PRIVATE_ALLOWED = {"_native", "_version"}
MOST_LINES = 330


def part(module: str) -> str:
    """fastnn.layers.dense -> layers; fastnn -> ''."""
    return [*module.split("."), ""][1]


def upward(edges: list[Import]) -> list[str]:
    """The imports that violate the order."""
    wrong = []
    for edge in edges:
        here, there = part(edge.importer), part(edge.module)
        if here == there:
            continue
        allowed = STANDS_ALONE.get(here)
        if LEVEL[there] > LEVEL[here] or (allowed is not None and there not in allowed):
            wrong.append(str(edge))
    return wrong


def test_every_part_has_a_level() -> None:
    assert {part(module) for module in modules(PACKAGE)} <= set(LEVEL)


def test_nothing_imports_upward() -> None:
    assert upward(imports(PACKAGE)) == []


@pytest.mark.parametrize("folder", ["fastnn", "bench"])
def test_nothing_imports_in_a_circle(folder: str) -> None:
    assert cycles(imports(ROOT / folder, for_types=True)) == []


def test_nothing_uses_a_private_name_of_another_module() -> None:
    wrong = [use for use in private_uses(PACKAGE) if not any(name in use for name in PRIVATE_ALLOWED)]
    assert wrong == []


@pytest.mark.parametrize("folder", ["fastnn", "csrc"])
def test_files_are_short(folder: str) -> None:
    sources = [path for kind in ("py", "pyx", "pxi", "pyi", "c", "h") for path in (ROOT / folder).rglob(f"*.{kind}")]
    assert len(sources) > 10
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources if path.name != "_native.c"
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


# --- the checks themselves, on invented packages ---


def package(folder: Path, **files: str) -> Path:
    """A package `fastnn`: code by the name of its module, ``a__b`` for a/b.py and ``a__`` for a/__init__.py."""
    root = folder / "fastnn"
    for name, code in {"": "", **files}.items():
        *above, last = name.split("__")
        path = root.joinpath(*above, f"{last or '__init__'}.py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
    return root


@pytest.mark.parametrize(
    "line",
    [
        "import fastnn.trainer",
        "from fastnn.trainer import Trainer",
        "from fastnn import trainer",
        "from . import trainer",
        "from .trainer import Trainer",
        "def f():\n    from fastnn.trainer import Trainer",
        "class C:\n    def f(self):\n        if self:\n            import fastnn.trainer",
        "from fastnn import Trainer",
        "try:\n    import fastnn.trainer\nexcept ImportError:\n    pass",
    ],
)
def test_finds_an_upward_import(tmp_path: Path, line: str) -> None:
    root = package(tmp_path, optim=line, trainer="")
    assert len(upward(imports(root))) == 1


@pytest.mark.parametrize("line", ["from fastnn import optim", "import fastnn.optim as o", "from .optim import SGD"])
def test_takes_a_downward_import(tmp_path: Path, line: str) -> None:
    edges = imports(package(tmp_path, trainer=line, optim=""))
    assert [edge.module for edge in edges] == ["fastnn.optim"]
    assert upward(edges) == []


def test_leaves_out_imports_for_type_checkers(tmp_path: Path) -> None:
    code = "if TYPE_CHECKING:\n    from fastnn.trainer import Trainer\nelse:\n    import fastnn.random"
    edges = imports(package(tmp_path, optim=code, trainer="", random=""))
    assert [edge.module for edge in edges] == ["fastnn.random"]


def test_imports_for_type_checkers_can_close_a_cycle(tmp_path: Path) -> None:
    root = package(
        tmp_path, optim="if TYPE_CHECKING:\n    from fastnn.trainer import Trainer", trainer="import fastnn.optim"
    )
    assert cycles(imports(root)) == []
    assert cycles(imports(root, for_types=True)) == [["fastnn.optim", "fastnn.trainer"]]


def test_data_stands_alone(tmp_path: Path) -> None:
    root = package(tmp_path, data="from fastnn.losses import Loss", losses="")
    assert len(upward(imports(root))) == 1


def test_finds_cycles(tmp_path: Path) -> None:
    root = package(
        tmp_path,
        losses="import fastnn.optim",
        optim="def f():\n    import fastnn.init",
        init="from .losses import x",
        files="import fastnn.init",
    )
    assert cycles(imports(root)) == [["fastnn.init", "fastnn.losses", "fastnn.optim"]]


def test_the_init_of_a_package_around_makes_no_cycle(tmp_path: Path) -> None:
    inside = package(tmp_path, layers__="from .base import Layer", layers__base="from fastnn.layers import x")
    assert cycles(imports(inside)) == []


def test_a_package_inside_resolves_relative_imports(tmp_path: Path) -> None:
    root = package(tmp_path, layers__base="from ..trainer import T\nfrom .dense import D", layers__dense="", trainer="")
    assert [edge.module for edge in imports(root)] == ["fastnn.trainer", "fastnn.layers.dense"]


@pytest.mark.parametrize(
    "line",
    [
        "from fastnn.optim import _secret",
        "from fastnn import optim\noptim._secret",
        "import fastnn.optim as o\nx = o._secret.deeper",
        "from fastnn._hidden import thing",
    ],
)
def test_finds_a_private_name(tmp_path: Path, line: str) -> None:
    assert len(private_uses(package(tmp_path, trainer=line, optim="", _hidden=""))) == 1
