"""Reads a user's function of numbers and writes it down as text that can be compiled, kept and compared.

The text is Python over one float type: every number in it becomes `real(...)`, a number outside the function is put in
its place, a conditional expression becomes `select`, functions of `math` and `numpy` become names that each of the
spaces in which the text runs provides, and functions of the user's that it calls stand beside it.
"""

from __future__ import annotations

import ast
import inspect
import math
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any, NoReturn

import numpy as np

from fastnn.custom.flow import FlowError, check_flow
from fastnn.custom.function import Function, parameters, refuse, tree_of

_NAMES = (
    *("exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh"),
    *("fabs", "floor", "ceil"),
)
KNOWN: dict[Any, str] = {
    **{getattr(module, name): name for module in (math, np) for name in _NAMES},
    **{math.atan: "atan", np.arctan: "atan", math.erf: "erf", math.copysign: "copysign", np.copysign: "copysign"},
    **{math.pow: "power", np.power: "power", abs: "fabs", np.abs: "fabs", np.where: "select", np.sign: "sign"},
    **{max: "maximum", min: "minimum", np.maximum: "maximum", np.minimum: "minimum", float: "real"},
    **{np.square: "square", np.fmax: "maximum", np.fmin: "minimum"},
}
_STATEMENTS = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.If, ast.Return, ast.For, ast.While, ast.Pass, ast.Expr)
_MOST_FACTORS = 8  # up to this power, x ** n is a product


@dataclass
class Source:
    """The rewritten functions: their text, and the name of the first."""

    name: str
    tree: list[ast.FunctionDef] = field(default_factory=list)  # helpers come before those that call them
    helpers: dict[Any, str] = field(default_factory=dict)  # the name here of each function that others call

    @classmethod
    def of(cls, name: str, text: str) -> Source:
        """The functions of a text that is in our own words already."""
        return cls(name, [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)])

    @property
    def text(self) -> str:
        return "\n\n".join(ast.unparse(ast.fix_missing_locations(function)) for function in self.tree)


def read(owner: str, function: Function, name: str, results: int = 1) -> Source:
    """The source of a function under the name `name`.

    Parameters
    ----------
    owner : str
        Begins the message of an error.
    function : callable
    name : str
    results : int
        How many numbers it returns.

    Raises
    ------
    ValueError, TypeError
        If it does something that cannot be compiled, or that is not a function of single numbers.
    """
    source = Source(name)
    _Reader(owner, function, source, name, results).run()
    return source


def constant(value: float) -> ast.expr:
    """A number of the float type."""
    if math.isnan(value):
        return call("real", ast.Name("nan_", ast.Load()))
    if math.isinf(value):
        return call("real", ast.Name("infinity_" if value > 0 else "minus_infinity_", ast.Load()))
    return call("real", ast.Constant(value))


def call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


class _Reader(ast.NodeTransformer):
    def __init__(
        self,
        owner: str,
        function: Function,
        source: Source,
        name: str,
        results: int,
        callers: tuple[Function, ...] = (),
    ) -> None:
        self.owner, self.function, self.source, self.name, self.results = owner, function, source, name, results
        self.callers = (*callers, function)
        closure = inspect.getclosurevars(function)
        self.outside = {**closure.builtins, **function.__globals__, **closure.nonlocals}
        self.local: set[str] = {p.name for p in parameters(owner, function)}

    def refuse(self, what: str, node: ast.AST | None = None) -> NoReturn:
        refuse(self.owner, what, getattr(node, "lineno", None))

    def run(self) -> None:
        found = tree_of(self.owner, self.function)
        self.local |= {n.id for n in ast.walk(found) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        arguments = ast.arguments([], [ast.arg(a) for a in parameters_of(found)], None, [], [], None, [])
        body = [new for old in found.body if (new := self.statement(old)) is not None]
        if not any(isinstance(n, ast.Return) and n.value is not None for n in ast.walk(found)):
            self.refuse("expected a function that returns a number, got one that returns nothing")
        try:
            check_flow(found, self.local, parameters_of(found), self._rounds)
        except FlowError as error:
            refuse(self.owner, str(error), error.line)
        self.source.tree.append(ast.FunctionDef(self.name, arguments, body, [], None, None))

    # --- statements ---

    def statement(self, node: ast.stmt) -> Any:
        if isinstance(node, ast.Global | ast.Nonlocal):
            self.refuse(f"expected a function that changes nothing outside itself, got global {node.names[0]}", node)
        if isinstance(node, ast.Raise):
            return ast.Return(self._failure())
        if isinstance(node, ast.Assert):
            return ast.If(self.visit(node.test), [ast.Pass()], [ast.Return(self._failure())])
        if not isinstance(node, _STATEMENTS):
            self.refuse(f"cannot compile {type(node).__name__.lower()}", node)
        return self.visit(node)

    def _failure(self) -> ast.expr:
        one = constant(math.nan)
        return one if self.results == 1 else ast.Tuple([one] * self.results, ast.Load())

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        return [new for old in body if (new := self.statement(old)) is not None] or [ast.Pass()]

    def visit_Expr(self, node: ast.Expr) -> Any:
        if isinstance(node.value, ast.Constant):
            return None  # a docstring
        self.refuse("expected a function that changes nothing outside itself, got a call without a result", node)

    def visit_Assign(self, node: ast.Assign) -> Any:
        return ast.Assign([self._target(t) for t in node.targets], self.visit(node.value), lineno=0)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        return None if node.value is None else ast.Assign([self._target(node.target)], self.visit(node.value), lineno=0)

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        target = self._target(node.target)
        assert isinstance(target, ast.Name)
        changed = ast.BinOp(ast.Name(target.id, ast.Load()), node.op, node.value, lineno=node.lineno)
        return ast.Assign([target], self.visit(changed), lineno=0)

    def _target(self, node: ast.expr) -> ast.expr:
        if isinstance(node, ast.Name):
            return node
        if isinstance(node, ast.Subscript):
            self.refuse("expected a function of single numbers, got one that writes an element of an array", node)
        self.refuse("expected assignments to names", node)

    def visit_If(self, node: ast.If) -> Any:
        return ast.If(self.visit(node.test), self._block(node.body), self._block(node.orelse) if node.orelse else [])

    def visit_While(self, node: ast.While) -> Any:
        if node.orelse:
            self.refuse("cannot compile the else of a loop", node)
        return ast.While(self.visit(node.test), self._block(node.body), [])

    def visit_For(self, node: ast.For) -> Any:
        loops = (
            isinstance(node.iter, ast.Call) and isinstance(node.iter.func, ast.Name) and node.iter.func.id == "range"
        )
        if not loops or not isinstance(node.target, ast.Name) or node.orelse:
            self.refuse("expected loops over range(...)", node)
        ends = [ast.Constant(self._whole(a)) for a in node.iter.args]  # type: ignore[attr-defined]
        name = node.target.id
        number = ast.Assign([ast.Name(name, ast.Store())], call("real", ast.Name(f"{name}_", ast.Load())), lineno=0)
        return ast.For(
            ast.Name(f"{name}_", ast.Store()), call("range", *ends), [number, *self._block(node.body)], [], lineno=0
        )

    def _rounds(self, node: ast.For) -> int:
        return len(range(*map(self._whole, node.iter.args)))  # type: ignore[attr-defined]

    def _whole(self, node: ast.expr) -> int:
        value = self.value_of(node)
        if not isinstance(value, int | np.integer):
            self.refuse("expected whole numbers that do not change in range(...)", node)
        return int(value)

    def visit_Return(self, node: ast.Return) -> Any:
        count = len(node.value.elts) if isinstance(node.value, ast.Tuple) else 1
        if node.value is None or count != self.results:
            wanted = "a number" if self.results == 1 else f"{self.results} numbers"
            self.refuse(f"expected a function that returns {wanted}, got {0 if node.value is None else count}", node)
        return ast.Return(self.visit(node.value))

    # --- expressions ---

    def value_of(self, node: ast.expr) -> Any:
        """The value of an expression outside the function; None if it has none."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return None if node.id in self.local else self.outside.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.value_of(node.value)
            return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            value = self.value_of(node.operand)
            return -value if isinstance(value, int | float | np.number) else None
        return None

    def visit_Constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool):
            return node
        if not isinstance(node.value, int | float):
            self.refuse(f"expected numbers, got {node.value!r:.40}", node)
        return constant(node.value)

    def visit_Name(self, node: ast.Name) -> Any:
        return ast.Name(node.id, ast.Load()) if node.id in self.local else self._outside(node, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        return self._outside(node, ast.unparse(node))

    def _outside(self, node: ast.expr, name: str) -> ast.expr:
        value = self.value_of(node)
        if isinstance(value, bool | np.bool_):
            return ast.Constant(bool(value))
        if isinstance(value, int | float | np.number) and not isinstance(value, complex | np.complexfloating):
            return constant(float(value))
        if value is None:
            self.refuse(f"expected a function of single numbers, got one that uses {name}", node)
        self.refuse(f"expected numbers and functions of numbers, got {name}, a {type(value).__name__}", node)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        return call("select", self.visit(node.test), self.visit(node.body), self.visit(node.orelse))

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        if isinstance(node.op, ast.Pow):
            exponent = self.value_of(node.right)
            if isinstance(exponent, int) and not isinstance(exponent, bool) and 1 <= exponent <= _MOST_FACTORS:
                return call(f"power{exponent}", self.visit(node.left))
            if exponent == 0.5:
                return call("sqrt", self.visit(node.left))
            return call("power", self.visit(node.left), self.visit(node.right))
        if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
            self.refuse(f"cannot compile the operator {type(node.op).__name__}", node)
        return ast.BinOp(self.visit(node.left), node.op, self.visit(node.right))

    def visit_Call(self, node: ast.Call) -> Any:
        function = self.value_of(node.func)
        name = ast.unparse(node.func)
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            self.refuse(f"expected arguments by position for {name}", node)
        arguments = [self.visit(a) for a in node.args]
        function = getattr(function, "py_func", function)  # what Numba compiled
        try:
            known = KNOWN.get(function)
        except TypeError:
            known = None
        if known in ("maximum", "minimum") and len(arguments) != 2:
            self.refuse(f"expected two arguments for {name}", node)
        if known is not None:
            return call(known, *arguments)
        if not isinstance(function, FunctionType):
            self.refuse(f"expected functions of math or numpy, or of numbers, got {name}", node)
        if function in self.callers:
            self.refuse("cannot compile a function that calls itself", node)
        if function not in self.source.helpers:
            helper = f"{self.source.name}_{function.__name__}"
            taken = {*self.source.helpers.values()}
            unused = next(n for i in range(len(taken) + 1) if (n := f"{helper}{i or ''}") not in taken)
            self.source.helpers[function] = unused
            _Reader(self.owner, function, self.source, unused, 1, self.callers).run()
        return call(self.source.helpers[function], *arguments)

    def generic_visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Subscript):
            self.refuse(f"expected a function of single numbers, got {ast.unparse(node)}: it is not elementwise", node)
        if isinstance(node, ast.Compare | ast.BoolOp | ast.UnaryOp | ast.Tuple | ast.operator | ast.cmpop | ast.boolop):
            return super().generic_visit(node)
        if isinstance(node, ast.unaryop | ast.expr_context):
            return node
        self.refuse(f"cannot compile {ast.unparse(node)!r:.40}", node)


def parameters_of(function: ast.FunctionDef) -> list[str]:
    """The names of the parameters, in order."""
    a = function.args
    return [argument.arg for argument in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
