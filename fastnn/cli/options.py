"""What the arguments of the commands share: the layout of the help, and values that stand for more than text."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NoReturn, TypeVar, Unpack

from fastnn import checks
from fastnn.architecture import ACTIVATIONS, LINEAR
from fastnn.checks import Range, in_words, inside
from fastnn.cli.inputs import resolved_data
from fastnn.data import Augmentation
from fastnn.elsewhere import ELSEWHERE
from fastnn.named import suggestion
from fastnn.schedule_texts import is_number

N = TypeVar("N", int, float)

AUGMENT_HELP = (
    "shift=PIXELS, rotate=DEGREES, scale=SHARE, elastic=PIXELS, flip=horizontal|vertical|both, crop=SHARE, "
    "noise=GREYS, cutout=PIXELS, seed=N (default: --seed), shape=HxW or CxHxW (for rows of pixels), joined by commas"
)


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Preserves the line breaks of the examples and leaves more room for the names of options."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


class Parser(argparse.ArgumentParser):
    """Reports an error in one line that refers to --help, instead of printing the usage."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, but report what a command does not know as an error of that command."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown and self._subparsers is None:
            hint = next(filter(None, map(self._meant, unknown)), "")
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return found, unknown

    def _meant(self, argument: str) -> str:
        """The end of the message about an unknown option that names one which was probably meant."""
        if not argument.startswith("--"):
            return ""
        wanted = argument.removeprefix("--").partition("=")[0]
        known = [option.removeprefix("--") for option in self._option_string_actions if option.startswith("--")]
        called = [name.replace("_", "-") for name in ELSEWHERE.get(wanted.replace("-", "_"), ())]
        meant = next((name for name in called if name in known), None)
        hint = suggestion(wanted, known) if meant is None else f"; did you mean {meant!r}?"
        return hint.replace("'", "'--", 1)

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with status 2."""
        self.exit(2, f"{self.prog}: error: {message} ({self.prog} --help shows the options)\n")


def _converter(kind: str, convert: Callable[[str], N], **ends: Unpack[Range]) -> Callable[[str], N]:
    def converted(text: str) -> N:
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not inside(value, ends):
            raise argparse.ArgumentTypeError(f"expected {in_words(kind, ends)}, got {text!r}")
        return value

    return converted


def whole(**ends: Unpack[Range]) -> Callable[[str], int]:
    """Return a function that converts text to a whole number in a range, for argparse."""
    return _converter("a whole number", int, **ends)


number = _converter("a number", float)


def numbers_of(option: str, text: str) -> list[float]:
    """Return the numbers in a text, which are joined by commas.

    Raises
    ------
    ValueError
        If a part is no number.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{option}: expected numbers, joined by commas, got {text!r}") from None


share = _converter("a share", float, at_least=0, below=1)


def share_or_data(text: str) -> float | str:
    """Convert text to a share, at least 0 and below 1, or to the path of a data set, for argparse."""
    try:
        float(text)
    except ValueError:
        return resolved_data(text)
    return share(text)


def checkpoint_every(text: str) -> str:
    """Check the interval between checkpoints, "2" (epochs), "500steps" or "60s", for argparse."""
    checkpoint_options(text)
    return text


def checkpoint_options(text: str) -> dict[str, float]:
    """Return the arguments of `Checkpoint` that the text stands for."""
    match = re.fullmatch(r"(\d+)(|steps|s)", text)
    if not match or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(
            f"expected a number of epochs, or of steps or seconds such as 500steps or 60s, got {text!r}"
        )
    return {{"": "every_epochs", "steps": "every_steps", "s": "every_seconds"}[match[2]]: int(match[1])}


def class_weights(text: str, names: Sequence[str]) -> dict[int, float] | Literal["balanced"]:
    """Return the weights by class index that "A=2,B=0.5" stands for, or "balanced" for that word.

    Raises
    ------
    ValueError
        If a class is unknown, or a weight is not a finite number of at least 0.
    """
    if text == "balanced":
        return "balanced"
    found: dict[int, float] = {}
    for part in text.split(","):
        name, equals, weight = part.rpartition("=")
        if not equals or not is_number(weight):
            raise ValueError(f"--class-weight: expected balanced or weights such as {names[0]}=2.5, got {part!r}")
        if name not in names:
            raise ValueError(f"--class-weight: unknown class {name!r}; the classes are {', '.join(names)}")
        found[names.index(name)] = checks.number("--class-weight", name, float(weight), at_least=0)
    return found


def parse_augmentation(text: str, seed: int) -> Augmentation:
    """Return the augmentation that "shift=2,rotate=10,flip=horizontal,shape=28x28" stands for.

    Parameters
    ----------
    text : str
        Arguments of `Augmentation`.
    seed : int
        Seed to use if the text has none.

    Raises
    ------
    ValueError
        If an argument is unknown, given twice or out of range.
    """
    given: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if name not in _AUGMENTATION_PARSERS or not equals or name in given:
            known = ", ".join(_AUGMENTATION_PARSERS)
            raise ValueError(f"--augment: expected some of {known}, each once with its value, got {part!r}")
        try:
            given[name] = _AUGMENTATION_PARSERS[name](value)
        except ValueError:
            raise ValueError(f"--augment: {name} cannot be {value!r}; expected {AUGMENT_HELP}") from None
    try:
        return Augmentation(**{"seed": seed, **given})
    except ValueError as error:
        raise ValueError(f"--augment: {error}") from None


def _sides(text: str) -> tuple[int, ...]:
    return tuple(int(side) for side in text.split("x"))


_AUGMENTATION_PARSERS: dict[str, Callable[[str], Any]] = {
    **{"shift": int, "rotate": float, "scale": float, "elastic": float, "flip": str, "crop": float},
    **{"noise": float, "cutout": int, "seed": int, "shape": _sides},
}


def add_activation_and_init(group: argparse._ActionsContainer, later: Mapping[str, str] | None = None) -> None:
    """Add --activation and --init; with `later`, what is not given is left open, to become that."""
    shown = {"activation": "relu", "init": "glorot_uniform"} if later is None else later
    group.add_argument(
        "--activation",
        default=shown["activation"] if later is None else None,
        metavar="NAME",
        help=f"activation of each hidden layer: {', '.join((*ACTIVATIONS, LINEAR))} (default: {shown['activation']})",
    )
    group.add_argument(
        "--init",
        default=shown["init"] if later is None else None,
        metavar="NAME",
        help="initial values of the weights: glorot_uniform, glorot_normal, glorot_truncated_normal, "
        f"he_normal, he_uniform, fan_in_uniform, normal(STD), uniform(LOW,HIGH), zeros (default: {shown['init']})",
    )


def add_seed(group: argparse._ActionsContainer, meaning: str) -> None:
    """Add --seed."""
    group.add_argument(
        "--seed", type=whole(at_least=0, below=2**64), default=0, metavar="N", help=f"{meaning} (default: %(default)s)"
    )
