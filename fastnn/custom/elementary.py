"""Exponential, logarithm, tanh and the like for Numba, as straight arithmetic that LLVM turns into vectors.

Numba's own are calls of the C library, one element at a time. These are the algorithms and the polynomials of
``csrc/simd/simd_math.h``: argument reduction with fused multiply-adds, and selections instead of branches. An element's
bits do not depend on whether it stood in a vector. Only a process that compiles imports this module.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import extending
from numba.core import types

from fastnn.custom.plain import STEPS
from fastnn.kernels.polynomials import POLYNOMIALS

Function = Callable[..., Any]
intrinsic: Callable[[Function], Function] = extending.intrinsic
_jit: Callable[[Function], Function] = numba.njit(nogil=True, error_model="numpy")


def _bits_type(real: Any) -> Any:
    return types.uint32 if real == types.float32 else types.uint64


@intrinsic
def as_bits(typing: Any, x: Any) -> Any:
    """The bits of a float as an unsigned integer."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return _bits_type(x)(x), emit


@intrinsic
def as_float(typing: Any, bits: Any) -> Any:
    """The float of some bits."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return (types.float32 if bits == types.uint32 else types.float64)(bits), emit


@intrinsic
def fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """``a b + c``, rounded once."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, a, a), emit


@intrinsic
def select(typing: Any, condition: Any, a: Any, b: Any) -> Any:
    """``a`` where the condition holds, else ``b``, without a branch."""
    if condition != types.boolean:
        return None

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return a(condition, a, a), emit


@intrinsic
def wide_vectors(typing: Any) -> Any:
    """Let the function in which this stands use the widest vectors of the processor.

    LLVM halves them on many processors, for the sake of code that seldom uses them. The function stays one of its own,
    because its caller does not have this attribute.
    """

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        attributes = builder.function.attributes
        attributes.add("noinline")
        set.add(attributes, '"prefer-vector-width"="512"')  # `add` knows attributes without a value
        return context.get_dummy_value()

    return types.void(), emit


def _unary(name: str) -> Any:
    def typed(typing: Any, x: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = arguments[0].type
            function = builder.module.declare_intrinsic(f"llvm.{name}", [kind], ir.FunctionType(kind, [kind]))
            return builder.call(function, arguments)

        return x(x), emit

    typed.__name__ = name
    return intrinsic(typed)


sqrt, fabs, floor, ceil = (_unary(name) for name in ("sqrt", "fabs", "floor", "ceil"))


def power(a: Any, b: Any) -> Any:
    return a**b


def sign(x: Any) -> Any:
    one = x / x
    return select(x > 0, one, select(x < 0, -one, x))  # 0 and NaN are themselves


def square(x: Any) -> Any:
    return x * x


def maximum(a: Any, b: Any) -> Any:
    return select(b > a, b, a)


def minimum(a: Any, b: Any) -> Any:
    return select(b < a, b, a)


def _power_of(exponent: int) -> Any:
    """``x ** exponent`` as a product."""
    space: dict[str, Any] = {}
    exec(f"def power(x):\n    return {' * '.join(['x'] * exponent)}", space)
    return _jit(space["power"])


def _scalar(name: str) -> Any:
    """A function of the C library, one element at a time."""
    space: dict[str, Any] = {"function": getattr(math, name)}
    exec("def call(x):\n    return function(x)", space)
    return _jit(space["call"])


@cache
def functions(dtype: str) -> SimpleNamespace:
    """The functions for float32 or float64, and that type as `real`.

    Parameters
    ----------
    dtype : {"float32", "float64"}
    """
    table = POLYNOMIALS[dtype]
    real: Any = getattr(np, dtype)
    unsigned: Any = np.uint32 if dtype == "float32" else np.uint64  # Numba computes with wider integers
    zero, one, two, half = real(0), real(1), real(2), real(0.5)
    rounder, log2_e = real(table.rounder), real(1.4426950408889634)
    ln2_high, ln2_low = real(table.ln2_high), real(table.ln2_low)
    low, high, expm1_low = real(table.exp_low), real(table.exp_high), real(table.expm1_low)
    mantissa, bias = unsigned(table.mantissa), unsigned(table.bias)
    rounder_bits = unsigned(rounder.view(unsigned))
    one_bits = unsigned(one.view(unsigned))
    root_half = unsigned(table.sqrt_half_bits)
    mask = unsigned((1 << table.mantissa) - 1)
    smallest, up = real(table.smallest_normal), real(2.0 ** (table.mantissa + 1))
    infinity, nan = real(np.inf), real(np.nan)
    shift = real(table.mantissa + 1)
    offset = real(float(rounder) + table.bias)
    exp_poly, log_poly = (tuple(map(real, p)) for p in (table.exp, table.log))

    def horner(coefficients: tuple[Any, ...]) -> Function:
        names = [f"c{i}" for i in range(len(coefficients))]
        text = names[-1]
        for name in reversed(names[:-1]):
            text = f"fma({text}, x, {name})"
        space = {"fma": fma, **dict(zip(names, coefficients, strict=True))}
        exec(f"def polynomial(x):\n    return {text}", space)  # straight-line code, without a loop
        return _jit(space["polynomial"])

    exp_polynomial, log_polynomial = horner(exp_poly), horner(log_poly)

    @_jit
    def exp(x: Any) -> Any:
        clipped = select(low > x, low, x)
        clipped = select(high < clipped, high, clipped)
        rounded = fma(clipped, log2_e, rounder)
        n = rounded - rounder
        r = fma(n, -ln2_low, fma(n, -ln2_high, clipped))
        y = fma(fma(exp_polynomial(r), r, one), r, one)
        # 2^n in two factors, because it may be too large or too small alone
        power = unsigned(as_bits(rounded) - rounder_bits + (bias + bias))
        first = unsigned(power >> unsigned(1))
        return y * as_float(unsigned(first << mantissa)) * as_float(unsigned((power - first) << mantissa))

    @_jit
    def expm1_nonpositive(x: Any) -> Any:
        clipped = select(expm1_low > x, expm1_low, x)
        rounded = fma(clipped, log2_e, rounder)
        n = rounded - rounder
        r = fma(n, -ln2_low, fma(n, -ln2_high, clipped))
        p = fma(exp_polynomial(r) * r, r, r)
        power = as_float(unsigned((as_bits(rounded) << mantissa) + one_bits))
        return fma(power, p, power - one)

    @_jit
    def expm1(x: Any) -> Any:
        near = expm1_nonpositive(select(x > one, one, x))  # the same formula holds a little above zero
        return select(x > one, exp(x) - one, near)

    @_jit
    def log_of(f: Any, k: Any) -> Any:
        s = f / (two + f)
        z = s * s
        squared = half * f * f
        small = fma(k, ln2_low, s * fma(z, log_polynomial(z), squared))
        return fma(k, ln2_high, f - (squared - small))

    @_jit
    def log(x: Any) -> Any:
        denormal = x < smallest
        bits = unsigned(as_bits(select(denormal, x * up, x)) - root_half + one_bits)
        m = as_float(unsigned((bits & mask) + root_half))
        k = as_float(unsigned((bits >> mantissa) + rounder_bits)) - offset
        y = log_of(m - one, k - select(denormal, shift, zero))
        y = select(x == zero, -infinity, y)
        y = select(x < infinity, y, x)
        return select(x < zero, nan, y)

    @_jit
    def log1p(x: Any) -> Any:
        u = one + x
        y = log(u) + (x - (u - one)) / u  # what rounding took from 1 + x, divided by it
        return select((u > zero) & (x < infinity), y, log(u))

    @_jit
    def sigmoid(x: Any) -> Any:
        e = exp(-fabs(x))
        return select(x < zero, e, one) / (one + e)

    @_jit
    def softplus(x: Any) -> Any:
        return select(x > zero, x, x - x) + log1p(exp(-fabs(x)))

    @_jit
    def tanh(x: Any) -> Any:
        t = expm1_nonpositive(-two * fabs(x))
        size = fabs(t / (two + t))
        return select(x < zero, -size, size)

    kept = (exp, expm1, log, log1p, sigmoid, softplus, tanh)
    return SimpleNamespace(
        real=real,
        **{f.__name__: f for f in kept},
        **{f.__name__: _jit(f) for f in (power, sign, square, maximum, minimum)},
        **{f"power{n}": _power_of(n) for n in range(1, 9)},
        **{name: _scalar(name) for name in ("sin", "cos", "tan", "sinh", "cosh", "atan", "erf", "log2", "log10")},
        **{"select": select, "sqrt": sqrt, "fabs": fabs, "floor": floor, "ceil": ceil, "copysign": math.copysign},
        **{
            "step_": STEPS[dtype],
            "smallest_": smallest,
            "nan_": np.nan,
            "infinity_": np.inf,
            "minus_infinity_": -np.inf,
        },
    )
