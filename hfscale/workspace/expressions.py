"""The small expression language of this package, for axes of figures and for normalisations in models.

The text is parsed by Python's ``ast`` and only a short list of node types is interpreted; nothing is compiled or
executed. Arithmetic is: numbers, names, ``+ - * / **``, parentheses, and the functions in `FUNCTIONS`. A name that is
no Python name is written in backticks: ```mass gluino` / 2``.
"""

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from hfscale.errors import SelectionError

_LONGEST = 1000  # characters; longer texts could exhaust the parser's stack
_DEEPEST = 100  # levels of a tree; deeper ones could exhaust the stack of those who walk it
_SHOWN = 100  # characters of a text around a mistake in it
_QUOTED = "_quoted_label_"
_LARGEST_POWER = 64

ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
FUNCTIONS = ("abs", "sqrt", "exp", "log", "log10", "sin", "cos", "tanh", "min", "max")
"""Names of the functions; `min` and `max` take two arguments or more, the others one."""
_SEVERAL_ARGUMENTS = ("min", "max")


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Args:
        text: As the user wrote it.
        tree: Its syntax tree, names in backticks replaced by place holders.
        quoted: The names that the place holders stand for.
    """

    text: str
    tree: ast.expr
    quoted: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the expression uses, in order of first appearance."""
        functions = {id(node.func) for node in ast.walk(self.tree) if isinstance(node, ast.Call)}
        found = [n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and id(n) not in functions]
        found.sort(key=lambda node: (node.lineno, node.col_offset))
        return tuple(dict.fromkeys(self.label_of(node.id) for node in found))

    @property
    def canonical(self) -> str:
        """The expression in one form, whatever spaces and parentheses it was written with."""
        return self.source(self.tree)

    def label_of(self, identifier: str) -> str:
        """Return the name that a name in the tree stands for."""
        return self.quoted[int(identifier.removeprefix(_QUOTED))] if identifier.startswith(_QUOTED) else identifier

    def source(self, node: ast.expr) -> str:
        """Write a part of the tree as text."""
        written = ast.unparse(node)
        for index in reversed(range(len(self.quoted))):
            written = written.replace(f"{_QUOTED}{index}", f"`{self.quoted[index]}`")
        return written

    def function_of(self, node: ast.Call) -> str | None:
        """Return the name of the function that a call calls, None where it is unknown or called wrongly."""
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name not in FUNCTIONS or node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            return None
        enough = len(node.args) >= 2 if name in _SEVERAL_ARGUMENTS else len(node.args) == 1
        return name if enough else None

    def refused(self, node: ast.expr, remedy: str) -> SelectionError:
        """Return the error that says that a part of the expression is not allowed, with a caret under it."""
        begin, end = (_column_in_text(self.text, column) for column in (node.col_offset, node.end_col_offset or 0))
        return SelectionError(
            f"{self.source(node)!r} is not allowed in the expression {self.text!r}{_with_caret(self.text, begin, end)}",
            place=f"column {begin + 1}",
            remedy=remedy,
        )


def parse_expression(text: str) -> Expression:
    """Parse an expression.

    Raises:
        SelectionError: The text is not a Python expression.
    """
    if len(text) > _LONGEST:
        raise SelectionError(f"the expression {text[:40]!r}... is longer than {_LONGEST} characters")
    quoted: list[str] = []

    def place_holder(match: re.Match[str]) -> str:
        quoted.append(match[1])
        return f"{_QUOTED}{len(quoted) - 1}"

    try:
        tree = ast.parse(re.sub("`([^`]+)`", place_holder, _one_line(text.strip())), mode="eval").body
    except SyntaxError as error:
        column = None if not error.offset else _column_in_text(text, error.offset - 1)
        raise SelectionError(
            f"{text!r} is not an expression: {error.msg}"
            + ("" if column is None else _with_caret(text, column, column + 1)),
            place=None if column is None else f"column {column + 1}",
            remedy="write for example 'm_n1 == 60' or 'm_n2 - m_n1'; a name that is no plain one goes in backticks",
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise SelectionError(f"{text!r} is not an expression: {error}") from error
    return Expression(text, tree, tuple(quoted))


def _one_line(text: str) -> str:
    return re.sub(r"\s", " ", text)


def _column_in_text(text: str, column: int) -> int:
    """Translate a column of the parsed line, counted in bytes, into a column of the text."""
    position = len(text) - len(text.lstrip())
    for number, piece in enumerate(re.split("(`[^`]+`)", text.strip())):
        parsed = f"{_QUOTED}{number // 2}".encode() if number % 2 else _one_line(piece).encode()
        if column < len(parsed):
            return position + (0 if number % 2 else len(parsed[:column].decode(errors="ignore")))
        column, position = column - len(parsed), position + len(piece)
    return position


def _with_caret(text: str, begin: int, end: int) -> str:
    """Return two lines: the text around a place in it, and carets under that place."""
    start = max(0, begin - _SHOWN // 2)
    shown = re.sub(r"\s", " ", text[start : start + _SHOWN])
    carets = "^" * max(1, min(end, start + len(shown)) - begin)
    return f"\n    {shown}\n    {' ' * (begin - start)}{carets}"


_REMEDY = f"use names, numbers, + - * / **, parentheses, and the functions {', '.join(FUNCTIONS)}"


def check_arithmetic(expression: Expression) -> None:
    """Check that an expression is arithmetic.

    Raises:
        SelectionError: It holds anything else, or is nested too deeply.
    """
    _check_node(expression, expression.tree, _DEEPEST)


def _check_node(expression: Expression, node: ast.expr, levels: int) -> None:
    if levels == 0:
        raise SelectionError(
            f"the expression {expression.text[:40]!r}... is nested too deeply", remedy="write it as several expressions"
        )
    match node:
        case ast.Name():
            return
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and math.isfinite(value):
            return
        case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
            _check_node(expression, node.operand, levels - 1)
        case ast.BinOp() if type(node.op) in ARITHMETIC:
            _check_node(expression, node.left, levels - 1)
            _check_node(expression, node.right, levels - 1)
        case ast.Call() if expression.function_of(node):
            for argument in node.args:
                _check_node(expression, argument, levels - 1)
        case _:
            raise expression.refused(node, _REMEDY)


def evaluate_arithmetic(
    expression: Expression, values: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> Any:
    """Evaluate an arithmetic expression with whatever numbers are given: arrays of NumPy or of JAX.

    Args:
        expression: What `check_arithmetic` has found to be right.
        values: Value of every name.
        functions: The functions of `FUNCTIONS`, `min` and `max` for two arguments.
    """

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Name():
                return values[expression.label_of(node.id)]
            case ast.Constant(value=int() | float() as number):
                return np.float64(number)
            case ast.UnaryOp():
                operand = value(node.operand)
                return -operand if isinstance(node.op, ast.USub) else operand
            case ast.BinOp():
                power = _whole_power(node)
                return ARITHMETIC[type(node.op)](value(node.left), value(node.right) if power is None else power)
            case ast.Call(func=ast.Name(id=name)):
                arguments = [value(argument) for argument in node.args]
                return reduce(functions[name], arguments) if len(arguments) > 1 else functions[name](arguments[0])
        raise expression.refused(node, _REMEDY)

    with np.errstate(all="ignore"):
        return value(expression.tree)


def _whole_power(node: ast.BinOp) -> int | None:
    """Return an exponent that is written as a small whole number: such a power has exact derivatives everywhere."""
    if isinstance(node.op, ast.Pow) and isinstance(node.right, ast.Constant):
        exponent = node.right.value
        if isinstance(exponent, int | float) and float(exponent).is_integer() and abs(exponent) <= _LARGEST_POWER:
            return int(exponent)
    return None
