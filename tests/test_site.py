"""The pages of the site: their examples run, their commands are valid, and the reference has every public name.

What pages print was printed on one machine. On another instruction set a training rounds differently, so that numbers
with decimals may be a little different; whole numbers and words may not.
"""

import doctest
import importlib
import inspect
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from trainings import NATIVE, ROOT

from fastnn.cli import parser

DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if ">>> " in path.read_text())
EXAMPLES = sorted((DOCS / "examples").glob("plot_*.py"))
# packages and programs that a page or an example uses, if they may be missing
NEEDS = {"CUSTOM.md": "numba", "examples/plot_21_own_operation.py": "numba"}
NEEDS_NATIVE = {"explanation/compiled_step.md", "tutorials/from_numpy.md"}  # they print compiled steps
NEEDS_PROGRAM = {"how_to/deployment.md": "cc"}
SLOW = {"CUSTOM.md"}


NUMBER = re.compile(r"-?\d+\.\d*(?:e[-+]?\d+)?|-?\d+e[-+]?\d+")


class Nearly(doctest.OutputChecker):
    """Takes decimals within 0.05 or a twentieth, and those with an exponent within a factor of ten."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        """Whether `got` is what was wanted, but for the last digits of its decimals."""
        pairs = list(zip(NUMBER.findall(want), NUMBER.findall(got), strict=False))
        if all(self.near(*pair) for pair in pairs):
            want, got = (re.sub(r" *# *", "#", NUMBER.sub("#", text)) for text in (want, got))
        return super().check_output(want, got, optionflags)

    @staticmethod
    def near(want: str, got: str) -> bool:
        """Whether two decimals mean about the same."""
        a, b = float(want), float(got)
        if "e" in want or "e" in got:
            return a == b or (a * b > 0 and 0.1 <= a / b <= 10)
        return abs(a - b) <= max(0.05, 0.05 * abs(a))


def failures(path: Path) -> tuple[int, int]:
    """How many examples of a page fail, and how many there are."""
    text = path.read_text()
    test = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, name_of(path), str(path), 0)
    runner = doctest.DocTestRunner(Nearly(), optionflags=doctest.NORMALIZE_WHITESPACE)
    result = runner.run(test)
    return result.failed, result.attempted


def name_of(path: Path) -> str:
    return str(path.relative_to(DOCS))


def skip_without_needs(path: Path) -> None:
    """Skip a page whose package or program is missing."""
    name = name_of(path)
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    if name in NEEDS_NATIVE and not NATIVE:
        pytest.skip("not on the native backend")
    if name in NEEDS_PROGRAM and shutil.which(NEEDS_PROGRAM[name]) is None:
        pytest.skip(f"{NEEDS_PROGRAM[name]} is not installed")


def page(path: Path) -> object:
    """A page as a parameter, marked if it takes long."""
    return pytest.param(path, id=name_of(path), marks=[pytest.mark.slow] if name_of(path) in SLOW else [])


@pytest.fixture(autouse=True)
def _no_windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Examples draw into memory and write into a folder of their own."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    yield
    importlib.import_module("matplotlib.pyplot").close("all")


@pytest.mark.filterwarnings("ignore::UserWarning")  # readers see them beside the output
@pytest.mark.parametrize("path", [page(path) for path in PAGES])
def test_the_examples_of_a_page_run(path: Path) -> None:
    skip_without_needs(path)
    failed, attempted = failures(path)
    assert attempted > 0
    assert failed == 0


@pytest.mark.parametrize(
    ("want", "got", "agrees"),
    [
        ("(0.91, 3)\n", "(0.93, 3)\n", True),
        ("(0.91, 3)\n", "(0.93, 4)\n", False),
        ("0.91\n", "0.7\n", False),
        ("error 2e-07\n", "error 5e-07\n", True),
        ("error 2e-07\n", "error 5e-05\n", False),
        ("[0.1, 0.2]\n", "[0.1]\n", False),
        ("array([0.83, 0.8 ])\n", "array([0.83, 0.81])\n", True),
        ("True\n", "False\n", False),
    ],
)
def test_decimals_may_be_a_little_different_and_nothing_else(want: str, got: str, agrees: bool) -> None:
    assert Nearly().check_output(want, got, doctest.NORMALIZE_WHITESPACE) == agrees


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_of_the_gallery_runs(path: Path) -> None:
    skip_without_needs(path)
    exec(compile(path.read_text(), str(path), "exec"), {"__name__": "__main__"})


def test_the_examples_of_the_gallery_say_what_they_show() -> None:
    assert len(EXAMPLES) >= 20
    for path in EXAMPLES:
        title, line, *text = inspect.cleandoc(path.read_text().split('"""')[1]).splitlines()
        assert set(line) == {"="}, path.name
        assert len(line) >= len(title), path.name
        assert any(text), path.name


# --- commands ---


def commands(document: str) -> list[str]:
    """The lines of a page's shell blocks that call fastnn."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("fastnn ")]


DOCUMENTS = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
COMMANDS = sorted({command for path in DOCUMENTS for command in commands(path.read_text())})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_a_page_is_one_that_fastnn_takes(command: str) -> None:
    parser().parse_args(shlex.split(command, comments=True)[1:])


def test_there_are_commands_and_a_wrong_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(COMMANDS) > 20
    with pytest.raises(SystemExit):
        test_a_command_of_a_page_is_one_that_fastnn_takes("fastnn train --epoch-count 3")
    assert "--epoch-count" in capsys.readouterr().err


# --- the reference ---


def listed(page: str) -> set[str]:
    """The names that a page of the reference lists, with the module that they are of."""
    module, names = "", set()
    for line in page.splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        found = re.fullmatch(r"   ([\w.]+)", line) or re.fullmatch(r"\.\. py:data:: (\w+)", line)
        if module and found is not None:
            names.add(f"{module}.{found[1]}")
    return names


REFERENCE = {path.stem: listed(path.read_text()) for path in sorted((DOCS / "reference").glob("*.rst"))}
PACKAGES = sorted({name.rpartition(".")[0] for name in set().union(*REFERENCE.values())})
WHOLE = [name for name in PACKAGES if "." in name and not name.startswith("fastnn.compat.cs231n.")]
# what a package offers under a second name; its page leads to the first
ELSEWHERE = {"fastnn.trainer": "fastnn", "fastnn.model": "fastnn", "fastnn.population": "fastnn"}
NOT_FOR_USERS = {
    *("fastnn.cli", "fastnn.caller", "fastnn.checks", "fastnn.config", "fastnn.environment", "fastnn.files"),
    *(
        "fastnn.elsewhere",
        "fastnn.frames",
        "fastnn.inputs",
        "fastnn.keywords",
        "fastnn.lazy",
        "fastnn.named",
        "fastnn.parameter",
    ),
    *("fastnn.recipes", "fastnn.schedule_texts", "fastnn.targets", "fastnn.views", "fastnn.compat"),
}


def public_names(package: str) -> set[str]:
    """The classes, functions and constants that a package offers, without the modules in it."""
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == package and not name.startswith("_")
    ]
    return {f"{package}.{name}" for name in names if not inspect.ismodule(getattr(module, name))}


@pytest.mark.parametrize("package", [*WHOLE, *ELSEWHERE])
def test_the_reference_has_every_public_name(package: str) -> None:
    there = set().union(*REFERENCE.values())
    first = ELSEWHERE.get(package, package)
    assert {name for name in public_names(package) if not {name, name.replace(package, first)} & there} == set()


def test_the_reference_has_every_function_of_the_hand_out_of_many_modules() -> None:
    # its modules offer each other's names as well
    there = {name.rpartition(".")[2] for name in REFERENCE["compat.cs231n"]}
    modules = [name for name in PACKAGES if name.startswith("fastnn.compat.cs231n.")]
    offered = {name for module in modules for name in public_names(module)}
    assert len(modules) > 8
    assert {name for name in offered if name.rpartition(".")[2] not in there} == set()


def test_the_reference_has_every_name_of_fastnn_itself() -> None:
    assert public_names("fastnn") <= REFERENCE["fastnn"]


def test_every_part_of_the_package_has_a_page_or_is_not_for_users() -> None:
    import fastnn

    parts = {f"fastnn.{name}" for name in dir(fastnn) if inspect.ismodule(getattr(fastnn, name))}
    parts = {part for part in parts if not part.rpartition(".")[2].startswith("_")}
    assert parts - set(PACKAGES) - set(ELSEWHERE) - NOT_FOR_USERS == set()


def test_the_reference_lists_nothing_that_is_not_there() -> None:
    for name in set().union(*REFERENCE.values()):
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), name
