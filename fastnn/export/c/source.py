"""The file: what C needs around the layers of a model, and the test of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn._version import __version__
from fastnn.export.c.functions import FUNCTIONS, needed_by
from fastnn.export.c.layers import write_layers
from fastnn.export.c.program import INPUT, OUT, OUTPUT, Program, Value
from fastnn.files import write_whole
from fastnn.model import Sequential

_TOLERANCE = {"float32": 1e-5, "float64": 1e-12}  # of the test, relative to the largest output or 1
_STEP, _MODULUS = 40503, 1 << 16  # the test's inputs are (i + 1) * STEP % MODULUS / MODULUS, which C computes exactly
_NUMBERS_A_LINE = 8


def to_c(
    model: Sequential,
    path: str | PathLike[str] | None = None,
    *,
    name: str | None = None,
    probabilities: bool = False,
) -> str:
    """Write a model as one self-contained C99 file, which needs nothing but the C library's mathematics.

    Parameters
    ----------
    model : Sequential
        Of built-in layers.
    path : path, optional
        File to write. If its name ends in ``.h``, all functions are static, so that the file can be included.
    name : str, optional
        What the names of the functions begin with: letters, digits and _. Default: the file's name, or ``model``.
    probabilities : bool
        If true, a softmax follows where the model does not end in one. Otherwise the outputs are those of
        `Sequential.forward`.

    Returns
    -------
    str
        The text of the file.

    Raises
    ------
    ValueError
        If a layer has no C, as one of your own, a parameter is not finite, or the name is not one that C takes.
    OSError
        If the file cannot be written. A file that was there before is then unchanged.

    Notes
    -----
    The file has ``void NAME_predict(const real *input, real *output)`` for one sample, in the order of axes and the
    scale that `Sequential.predict` takes, where ``real`` is float or double as the model is; for a classifier
    ``int NAME_class(const real *output)``, the first of the largest outputs, and ``NAME_class_names``; and ``int
    NAME_self_test(void)``, which is 0 if the outputs for a made-up input are the model's. With ``-DNAME_MAIN`` it is a
    program that runs this test. Nothing is allocated; the buffers are static, so one thread at a time may call it.
    The sums of a layer run in another order than in fastnn, and the outputs differ by their rounding.

    Examples
    --------
    >>> import fastnn
    >>> model = fastnn.Sequential([fastnn.layers.Dense(10), fastnn.layers.Softmax()], input_shape=(784,))
    >>> [line for line in fastnn.export.to_c(model, name="digits").splitlines() if line.startswith("void")]
    ['void digits_predict(const real *input, real *output) {']
    """
    header = path is not None and Path(path).suffix == ".h"
    prefix = _prefix(name, path)
    bad = [key for key, value in (model.parameters | model.state).items() if not np.isfinite(value).all()]
    if bad:
        raise ValueError(f"to_c: expected finite parameters, got NaN or infinity in {', '.join(bad)}")
    program = Program(model.dtype)
    x = _prepared(model, program)
    x = write_layers(program, model.layers, x)
    if probabilities and not model.gives_probabilities:
        x = program.own(x)
        program.call("softmax", x.name, x.size, program.number(1))
    program.call("copied", x.name, OUTPUT, x.size)
    text = _text(model, program, prefix, header, probabilities)
    if path is not None:
        write_whole(path, text)
    return text


def _prefix(name: str | None, path: str | PathLike[str] | None) -> str:
    if name is None:
        stem = "model" if path is None else re.sub(r"\W", "_", Path(path).stem, flags=re.ASCII)
        return f"_{stem}" if stem[:1].isdigit() else stem
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ValueError(f"to_c: name: expected letters, digits and _, not beginning with a digit, got {name!r}")
    return name


def _prepared(model: Sequential, program: Program) -> Value:
    """The input as the first layer takes it: scaled, with the channels first."""
    x = Value(INPUT, prod(model.sample_shape))
    if model.channels_last:
        channels = model.sample_shape[-1]
        x = program.mapped(x, x.size, "channels_first", OUT, channels, x.size // channels)
    if model.input_scale != 1:
        x = program.mapped(x, x.size, "scaled", program.number(model.input_scale), OUT, x.size)
    return x


def _test_input(model: Sequential) -> NDArray[Any]:
    count = prod(model.sample_shape)
    values = (np.arange(1, count + 1, dtype=np.int64) * _STEP % _MODULUS / _MODULUS).astype(model.dtype)
    for column, code in _test_codes(model):
        values[column] = code
    sample: NDArray[Any] = (values / model.dtype.type(model.input_scale)).reshape(1, *model.sample_shape)
    return sample


def _test_codes(model: Sequential) -> list[tuple[int, int]]:
    """The columns of the made-up input that hold codes, and these."""
    return [(column, column % count) for column, count in model.layers[0].codes.items()] if model.layers else []


def _array(type_: str, name: str, values: Iterable[str], count: int) -> str:
    listed = list(values)
    lines = ["    " + ", ".join(listed[i : i + _NUMBERS_A_LINE]) + "," for i in range(0, len(listed), _NUMBERS_A_LINE)]
    return f"static const {type_}{name}[{count}] = {{\n" + "\n".join(lines) + "\n};\n"


def _numbers(values: NDArray[Any], end: str) -> list[str]:
    """Each number with as many digits as tell it from its neighbours, as a constant of its type."""
    texts = (repr(value) for value in values.ravel().tolist())
    if values.dtype == np.float32:
        texts = (np.format_float_scientific(value) for value in values.ravel())
    return [text + end for text in texts]


def _text(model: Sequential, program: Program, prefix: str, header: bool, probabilities: bool) -> str:
    is_float = model.dtype == np.float32
    real, end = ("float", "f") if is_float else ("double", "")
    inputs, outputs = prod(model.sample_shape), prod(model.output_shape)
    sample = _test_input(model)
    expected = model.predict_proba(sample) if probabilities else model.forward(sample)
    body = "".join(f"    {call}\n" for call in program.calls)
    pieces = "".join(program.activations.values())
    # functions may need others, which stand before them
    used = needed_by(body + pieces + "".join(FUNCTIONS[name] for name in needed_by(body + pieces)))
    functions = "".join(FUNCTIONS[name] for name in used) + pieces
    static = "static inline " if header else ""
    meaning = ", probabilities" if probabilities or model.gives_probabilities else ""
    names = list(model.class_names or ())
    classes = _array("char *const ", f"{prefix}_class_names", map(_quoted, names), len(names)) if names else ""
    if not header:
        classes = classes.removeprefix("static ")  # for other files, which declare it
    constants = "\n".join(
        _array("real ", name, _numbers(value, end), value.size) for name, value in program.constants.items()
    )
    tolerance = _TOLERANCE[model.dtype.name]
    chooses = model.task == "classification" and len(model.output_shape) == 1 and outputs > 1
    text = f"""/* A trained network, written by fastnn {__version__}: {inputs} numbers in, {outputs} out.
 *
 * {static}void {prefix}_predict(const real *input, real *output);   one sample; see the shapes below
 * {static}int {prefix}_self_test(void);                             0 if it computes what fastnn computes
 *
 * Input: {" x ".join(map(str, model.sample_shape))}. Output: {" x ".join(map(str, model.output_shape))}{meaning}.
 *
 * C99; link with -lm. Nothing is allocated; the buffers are static, so that one thread at a time may call it. Compile
 * with -D{prefix}_MAIN for a program that runs the test.
 */
#include <math.h>
#include <stddef.h>

typedef {real} real;

enum {{ {prefix}_INPUTS = {inputs}, {prefix}_OUTPUTS = {outputs} }};

{constants}{classes}
{"".join(f"static real {name}[{size}];{chr(10)}" for name, size in program.buffers.items())}{functions}
{static}void {prefix}_predict(const real *input, real *output) {{
{body}}}
"""
    if chooses:
        text += f"""
/* The first of the largest outputs. */
{static}int {prefix}_class(const real *output) {{
    int best = 0;
    for (int i = 1; i < {prefix}_OUTPUTS; i++)
        if (output[i] > output[best]) best = i;
    return best;
}}
"""
    scale = program.number(model.input_scale)
    codes = "".join(f"    input[{column}] = (real){code} / {scale};\n" for column, code in _test_codes(model))
    text += f"""
{_array("real ", f"{prefix}_expected", _numbers(np.asarray(expected), end), outputs)}
{static}int {prefix}_self_test(void) {{
    static real input[{prefix}_INPUTS], output[{prefix}_OUTPUTS];
    real largest = 1, difference = 0;
    for (int i = 0; i < {prefix}_INPUTS; i++)
        input[i] = (real)((i + 1LL) * {_STEP} % {_MODULUS}) / {_MODULUS} / {scale};
{codes}    {prefix}_predict(input, output);
    for (int i = 0; i < {prefix}_OUTPUTS; i++) {{
        largest = fmax@(largest, fabs@({prefix}_expected[i]));
        if (!(fabs@(output[i] - {prefix}_expected[i]) <= difference))
            difference = fabs@(output[i] - {prefix}_expected[i]);
    }}
    return !(difference <= (real){tolerance!r} * largest);
}}

#ifdef {prefix}_MAIN
#include <stdio.h>

int main(void) {{
    const int failed = {prefix}_self_test();
    puts(failed ? "{prefix}: the outputs are wrong" : "{prefix}: right");
    return failed;
}}
#endif
"""
    return text.replace("@", end)


def _quoted(name: str) -> str:
    """A string in C; what is not plain ASCII is written byte by byte, in UTF-8."""
    return (
        '"'
        + "".join(
            chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in name.encode()
        )
        + '"'
    )
