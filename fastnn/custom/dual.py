"""Derivatives by dual numbers: each number of a function goes along with its derivative.

The function that `source` wrote down is written down again with two names for each variable, its value and its
derivative, by the rules of forward-mode differentiation (Griewank & Walther, "Evaluating derivatives", 2008, chapter
3). Branches and loops stay as they are.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable

from fastnn.caller import warn_caller
from fastnn.custom.source import Source, call, constant, parameters_of

Pair = tuple[ast.expr, ast.expr | None]  # a value, and its derivative: None where that is 0


class NoDerivativeError(Exception):
    """There is no rule for something that the function does."""


def warn_of_differences(owner: str, error: NoDerivativeError) -> None:
    """Say that a derivative is a central difference, and why."""
    warn_caller(
        f"{owner}: there is no rule for the derivative of {error}; central differences are taken, which are less exact "
        "(give derivative=)"
    )


def _name(text: str) -> ast.expr:
    return ast.Name(text, ast.Load())


def _add(a: ast.expr | None, b: ast.expr | None) -> ast.expr | None:
    return b if a is None else a if b is None else ast.BinOp(a, ast.Add(), b)


def _times(a: ast.expr, b: ast.expr | None) -> ast.expr | None:
    return None if b is None else ast.BinOp(a, ast.Mult(), b)


def _over(a: ast.expr | None, b: ast.expr) -> ast.expr | None:
    return None if a is None else ast.BinOp(a, ast.Div(), b)


def _minus(a: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.USub(), a)


def _slope_of_power(n: int) -> Callable[[ast.expr, ast.expr], ast.expr | None]:
    def slope(y: ast.expr, x: ast.expr) -> ast.expr | None:
        return _times(constant(float(n)), call(f"power{n - 1}", x)) if n > 1 else constant(1.0)

    return slope


# the derivative of a function of one number, from its value y and its argument x
_SLOPES: dict[str, Callable[[ast.expr, ast.expr], ast.expr | None]] = {
    "exp": lambda y, x: y,
    "expm1": lambda y, x: ast.BinOp(y, ast.Add(), constant(1.0)),
    "log": lambda y, x: _over(constant(1.0), x),
    "log1p": lambda y, x: _over(constant(1.0), ast.BinOp(constant(1.0), ast.Add(), x)),
    "log2": lambda y, x: _over(constant(1 / math.log(2)), x),
    "log10": lambda y, x: _over(constant(1 / math.log(10)), x),
    "sqrt": lambda y, x: _over(constant(0.5), y),
    "square": lambda y, x: _times(constant(2.0), x),
    "tanh": lambda y, x: _times(ast.BinOp(constant(1.0), ast.Sub(), y), ast.BinOp(constant(1.0), ast.Add(), y)),
    "sin": lambda y, x: call("cos", x),
    "cos": lambda y, x: _minus(call("sin", x)),
    "tan": lambda y, x: ast.BinOp(constant(1.0), ast.Add(), ast.BinOp(y, ast.Mult(), y)),
    "sinh": lambda y, x: call("cosh", x),
    "cosh": lambda y, x: call("sinh", x),
    "atan": lambda y, x: _over(constant(1.0), ast.BinOp(constant(1.0), ast.Add(), ast.BinOp(x, ast.Mult(), x))),
    "erf": lambda y, x: _times(constant(2 / math.sqrt(math.pi)), call("exp", _minus(ast.BinOp(x, ast.Mult(), x)))),
    "fabs": lambda y, x: call("sign", x),
    "sigmoid": lambda y, x: _times(y, ast.BinOp(constant(1.0), ast.Sub(), y)),
    "softplus": lambda y, x: call("sigmoid", x),
    "sign": lambda y, x: None,
    "floor": lambda y, x: None,
    "ceil": lambda y, x: None,
    **{f"power{n}": _slope_of_power(n) for n in range(1, 9)},
}


def dual(source: Source) -> Source:
    """The functions of `source` with a derivative beside every number; each returns a value and its derivative.

    A function ``f(a, b)`` becomes ``f_dual(a, a_d, b, b_d)``.

    Raises
    ------
    NoDerivativeError
        If there is no rule for something in it.
    """
    helpers = {function.name for function in source.tree}
    return Source(f"{source.name}_dual", [_Dual(helpers).function(f) for f in source.tree])


class _Dual:
    def __init__(self, helpers: set[str]) -> None:
        self.helpers = helpers
        self.block: list[ast.stmt] = []
        self.count = 0

    def function(self, function: ast.FunctionDef) -> ast.FunctionDef:
        names = [part for name in parameters_of(function) for part in (name, f"{name}_d")]
        arguments = ast.arguments([], [ast.arg(name) for name in names], None, [], [], None, [])
        return ast.FunctionDef(f"{function.name}_dual", arguments, self._body(function.body), [], None, None)

    def _body(self, body: list[ast.stmt]) -> list[ast.stmt]:
        outer, self.block = self.block, []
        for statement in body:
            self._statement(statement)
        inner, self.block = self.block, outer
        return inner or [ast.Pass()]

    def _set(self, name: str, value: ast.expr) -> None:
        self.block.append(ast.Assign([ast.Name(name, ast.Store())], value, lineno=0))

    def _keep(self, value: ast.expr, derivative: ast.expr | None) -> Pair:
        """Names for a value and its derivative, so that neither is computed twice."""
        self.count += 1
        name = f"t{self.count}_"
        self._set(name, value)
        if derivative is None:
            return _name(name), None
        self._set(f"{name}d", derivative)
        return _name(name), _name(f"{name}d")

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(targets=targets, value=value):
                pair = self._keep(*self._expression(value))
                for target in targets:
                    assert isinstance(target, ast.Name)
                    self._set(target.id, pair[0])
                    self._set(f"{target.id}_d", pair[1] or constant(0.0))
            case ast.Return(value=value) if value is not None:
                result, derivative = self._expression(value)
                self.block.append(ast.Return(ast.Tuple([result, derivative or constant(0.0)], ast.Load())))
            case ast.If(test=test, body=body, orelse=orelse):
                self.block.append(ast.If(test, self._body(body), self._body(orelse) if orelse else []))
            case ast.While(test=test, body=body):
                self.block.append(ast.While(test, self._body(body), []))
            case ast.For(target=target, iter=over, body=body):
                self.block.append(ast.For(target, over, self._body(body), [], lineno=0))
            case ast.Pass():
                pass
            case _:
                raise NoDerivativeError(type(node).__name__)

    def _expression(self, node: ast.expr) -> Pair:
        match node:
            case ast.Name(id=name):
                return node, _name(f"{name}_d")
            case ast.Call(func=ast.Name(id="real"), args=[argument]):
                return node, None if isinstance(argument, ast.Constant | ast.Call) else self._number_of(argument)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value, derivative = self._expression(operand)
                return _minus(value), None if derivative is None else _minus(derivative)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._expression(operand)
            case ast.BinOp(left=left, op=op, right=right):
                return self._operation(self._expression(left), op, self._expression(right))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments)
            case _:
                raise NoDerivativeError(ast.unparse(node))

    def _number_of(self, argument: ast.expr) -> ast.expr | None:
        if isinstance(argument, ast.Name) and argument.id.endswith("_"):  # the number of a loop
            return None
        return self._expression(argument)[1]

    def _operation(self, left: Pair, op: ast.operator, right: Pair) -> Pair:
        (a, a_d), (b, b_d) = self._keep(*left), self._keep(*right)
        value = ast.BinOp(a, op, b)
        if isinstance(op, ast.Add):
            return value, _add(a_d, b_d)
        if isinstance(op, ast.Sub):
            return value, _add(a_d, None if b_d is None else _minus(b_d))
        if isinstance(op, ast.Mult):
            return value, _add(_times(b, a_d), _times(a, b_d))
        quotient, _ = self._keep(value, None)
        return quotient, _over(_add(a_d, None if b_d is None else _minus(ast.BinOp(quotient, ast.Mult(), b_d))), b)

    def _call(self, name: str, nodes: list[ast.expr]) -> Pair:
        if name == "select":
            (a, a_d), (b, b_d) = (self._keep(*self._expression(n)) for n in nodes[1:])
            return self._select(nodes[0], a, a_d, b, b_d)
        pairs = [self._keep(*self._expression(n)) for n in nodes]
        if name in self.helpers:
            arguments = [part for value, d in pairs for part in (value, d or constant(0.0))]
            self.count += 1
            both = f"t{self.count}_"
            self._set(both, call(f"{name}_dual", *arguments))
            return tuple(ast.Subscript(_name(both), ast.Constant(i), ast.Load()) for i in (0, 1))  # type: ignore[return-value]
        if name in ("maximum", "minimum"):
            (a, a_d), (b, b_d) = pairs
            above = ast.Compare(b, [ast.Gt() if name == "maximum" else ast.Lt()], [a])
            return self._select(above, b, b_d, a, a_d)
        if name == "power":
            (a, a_d), (b, b_d) = pairs
            value, _ = self._keep(call("power", a, b), None)
            lower = call("power", a, ast.BinOp(b, ast.Sub(), constant(1.0)))
            of_base = _times(ast.BinOp(b, ast.Mult(), lower), a_d)
            return value, _add(of_base, _times(ast.BinOp(call("log", a), ast.Mult(), value), b_d))
        if name not in _SLOPES or len(pairs) != 1:
            raise NoDerivativeError(name)
        (x, x_d) = pairs[0]
        value, _ = self._keep(call(name, x), None)
        slope = None if x_d is None else _SLOPES[name](value, x)
        return value, None if slope is None else _times(slope, x_d)

    def _select(self, test: ast.expr, a: ast.expr, a_d: ast.expr | None, b: ast.expr, b_d: ast.expr | None) -> Pair:
        value = call("select", test, a, b)
        if a_d is None and b_d is None:
            return value, None
        zero = constant(0.0)
        return value, call("select", test, a_d or zero, b_d or zero)
