"""Whether a function gives its variables a value before it uses them, and ends with a result, on every way through it.

Python finds out when it gets there; compiled code would compute with whatever stands in the register.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

Rounds = Callable[[ast.For], int]


class FlowError(Exception):
    """A way through a function that has no value somewhere; `line` is where it is missed."""

    def __init__(self, what: str, line: int | None = None) -> None:
        super().__init__(what)
        self.line = line


def check_flow(function: ast.FunctionDef, local: set[str], given: Iterable[str], rounds: Rounds) -> None:
    """Follow all ways through a function.

    Parameters
    ----------
    function : FunctionDef
    local : set of str
        The names that it assigns, and its parameters.
    given : iterable of str
        Its parameters.
    rounds : callable
        How often the body of a loop is run.

    Raises
    ------
    FlowError
        If there is a way on which a variable is read before it has a value, or on which there is no result.
    """
    if _Flow(local, rounds).block(function.body, set(given)) is not None:
        raise FlowError("expected a function that returns a number, got one that does not on some way through it")


class _Flow:
    def __init__(self, local: set[str], rounds: Rounds) -> None:
        self.local, self.rounds = local, rounds

    def block(self, body: list[ast.stmt], known: set[str]) -> set[str] | None:
        """The names that have a value after a block; None where no way leads to its end."""
        here: set[str] | None = known
        for statement in body:
            if here is None:
                break
            here = self.statement(statement, here)
        return here

    def statement(self, node: ast.stmt, known: set[str]) -> set[str] | None:
        match node:
            case ast.Return() | ast.Raise():
                self.reads(node, known)
                return None
            case ast.If(test=test, body=body, orelse=orelse):
                self.reads(test, known)
                ways = [self.block(body, set(known)), self.block(orelse, set(known))]
                ends = [way for way in ways if way is not None]
                return set.intersection(*ends) if ends else None
            case ast.While(test=test, body=body):
                self.reads(test, known)
                self.block(body, set(known))
                endless = isinstance(test, ast.Constant) and bool(test.value)
                return None if endless else known
            case ast.For(target=ast.Name(id=name), iter=over, body=body):
                self.reads(over, known)
                after = self.block(body, known | {name})
                return after if self.rounds(node) > 0 else known
            case ast.AugAssign(target=ast.Name(id=name)) if name not in known:
                raise FlowError(f"{name} has no value on some way to where it is used", node.lineno)
            case _:
                self.reads(node, known)
                stored = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
                bare = isinstance(node, ast.AnnAssign) and node.value is None
                return known if bare else known | stored

    def reads(self, node: ast.AST, known: set[str]) -> None:
        for n in ast.walk(node):
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in self.local - known:
                raise FlowError(f"{n.id} has no value on some way to where it is used", n.lineno)
