"""Expressions over the labels of signal points, such as ``m_n2 - m_n1`` or ``(m_n1 == 60) & (m_sbottom > 400)``.

The text is parsed by Python's ``ast`` and only a short list of node types is interpreted, over whole arrays; nothing
is compiled or executed. Allowed: label names, numbers, text in quotes, ``+ - * / **``, comparisons (also chained),
``and or not``, ``& | ~``, and the functions ``abs``, ``sqrt`` and ``log10``. A label that is no Python name is written
in backticks: ```mass gluino` > 500``.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from hfscale.errors import SelectionError

_LONGEST = 1000  # characters; longer texts could exhaust the parser's stack
_QUOTED = "_quoted_label_"

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_BITS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {ast.BitAnd: operator.and_, ast.BitOr: operator.or_}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {"abs": np.abs, "sqrt": np.sqrt, "log10": np.log10}
_KINDS = {"f": "a number", "b": "true or false", "U": "text"}


@dataclass(frozen=True)
class Expression:
    """A parsed expression.

    Args:
        text: As the user wrote it.
        tree: Its syntax tree, backticked labels replaced by place holders.
        quoted: The labels that the place holders stand for.
    """

    text: str
    tree: ast.expr
    quoted: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that the expression uses, in order of first appearance."""
        functions = {id(node.func) for node in ast.walk(self.tree) if isinstance(node, ast.Call)}
        found = [n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and id(n) not in functions]
        found.sort(key=lambda node: (node.lineno, node.col_offset))
        return tuple(dict.fromkeys(self.label_of(node.id) for node in found))

    def label_of(self, identifier: str) -> str:
        """Return the label that a name in the tree stands for."""
        return self.quoted[int(identifier.removeprefix(_QUOTED))] if identifier.startswith(_QUOTED) else identifier


def parse_expression(text: str) -> Expression:
    """Parse an expression over labels.

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
        tree = ast.parse(re.sub("`([^`]+)`", place_holder, text).strip(), mode="eval").body
    except SyntaxError as error:
        raise SelectionError(
            f"{text!r} is not an expression: {error.msg}",
            place=f"column {error.offset}" if error.offset else None,
            remedy="write for example 'm_n1 == 60' or 'm_n2 - m_n1'; a label that is no plain name goes in backticks",
        ) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise SelectionError(f"{text!r} is not an expression: {error}") from error
    return Expression(text, tree, tuple(quoted))


def evaluate_numbers(expression: Expression, labels: Mapping[str, np.ndarray]) -> Float[np.ndarray, "point"]:
    """Evaluate an expression that gives a number at every point, such as an axis.

    Args:
        expression: What to evaluate.
        labels: Values of each label, of shape ``(point,)``.

    Raises:
        SelectionError: An unknown label, a construct that is not allowed, or a result that is no number.
    """
    value = _evaluate(expression, labels)
    if value.dtype.kind != "f":
        raise SelectionError(
            f"{expression.text!r} gives {_KINDS[value.dtype.kind]} where a number is needed",
            remedy="use an expression of numeric labels, such as 'm_n2 - m_n1'",
        )
    return value


def evaluate_truth(expression: Expression, labels: Mapping[str, np.ndarray]) -> Bool[np.ndarray, "point"]:
    """Evaluate an expression that is true or false at every point, such as a selection.

    Args:
        expression: What to evaluate.
        labels: Values of each label, of shape ``(point,)``.

    Raises:
        SelectionError: An unknown label, a construct that is not allowed, or a result that is not true or false.
    """
    value = _evaluate(expression, labels)
    if value.dtype.kind != "b":
        raise SelectionError(
            f"{expression.text!r} gives {_KINDS[value.dtype.kind]} where a condition is needed",
            remedy="compare it with something, as in 'm_n1 == 60'",
        )
    return value


def _evaluate(expression: Expression, labels: Mapping[str, np.ndarray]) -> np.ndarray:
    evaluator = _Evaluator(expression, {label: _column(values) for label, values in labels.items()})
    count = len(next(iter(labels.values()))) if labels else 0
    try:
        with np.errstate(all="ignore"):
            return np.array(np.broadcast_to(evaluator.value(expression.tree), (count,)))
    except RecursionError as error:
        raise SelectionError(f"the expression {expression.text[:40]!r}... is nested too deeply") from error


def _column(values: np.ndarray) -> np.ndarray:
    """Return the values as float64, or as text where any of them is no number."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    if values.dtype.kind == "O" and all(isinstance(v, int | float | np.number) for v in values):
        return values.astype(np.float64)
    return values.astype(np.str_)


@dataclass(frozen=True)
class _Evaluator:
    """Interprets the allowed nodes; every value is an array of float64, bool or text."""

    expression: Expression
    columns: Mapping[str, np.ndarray]

    def value(self, node: ast.expr) -> np.ndarray:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name():
                return self._label(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp():
                return self._binary(node)
            case ast.BoolOp():
                operands = [self._operand(operand, "b") for operand in node.values]
                combine = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
                return np.asarray(combine.reduce(np.broadcast_arrays(*operands)))
            case ast.Compare():
                return self._compare(node)
            case ast.Call():
                return self._call(node)
        raise self._refused(node)

    def _constant(self, node: ast.Constant) -> np.ndarray:
        if isinstance(node.value, str):
            return np.asarray(node.value)
        if isinstance(node.value, bool | int | float):
            return np.asarray(node.value, dtype=bool if isinstance(node.value, bool) else np.float64)
        raise self._refused(node)

    def _label(self, node: ast.Name) -> np.ndarray:
        label = self.expression.label_of(node.id)
        if label not in self.columns:
            raise SelectionError(
                f"no label {label!r} in {self.expression.text!r}", remedy=f"the labels are: {', '.join(self.columns)}"
            )
        return self.columns[label]

    def _unary(self, node: ast.UnaryOp) -> np.ndarray:
        if isinstance(node.op, ast.Not | ast.Invert):
            return np.asarray(np.logical_not(self._operand(node.operand, "b")))
        operand = self._operand(node.operand, "f")
        return -operand if isinstance(node.op, ast.USub) else operand

    def _binary(self, node: ast.BinOp) -> np.ndarray:
        if combine := _ARITHMETIC.get(type(node.op)):
            kind = "f"
        elif combine := _BITS.get(type(node.op)):
            kind = "b"
        else:
            raise self._refused(node)
        return np.asarray(combine(self._operand(node.left, kind), self._operand(node.right, kind)))

    def _compare(self, node: ast.Compare) -> np.ndarray:
        values = [self.value(operand) for operand in (node.left, *node.comparators)]
        result = np.asarray(True)
        for compared, left, right in zip(node.ops, values[:-1], values[1:], strict=True):
            compare = _COMPARISONS.get(type(compared))
            if compare is None:
                raise self._refused(node)
            if left.dtype.kind != right.dtype.kind:
                raise SelectionError(
                    f"{self._source(node)!r} compares {_KINDS[left.dtype.kind]} with {_KINDS[right.dtype.kind]}",
                    remedy="write numbers without and text with quotes; put parentheses around each side of & and |",
                )
            result = np.asarray(result & compare(left, right))
        return result

    def _call(self, node: ast.Call) -> np.ndarray:
        function = _FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if function is None or node.keywords or len(node.args) != 1:
            raise self._refused(node)
        return np.asarray(function(self._operand(node.args[0], "f")))

    def _operand(self, node: ast.expr, kind: str) -> np.ndarray:
        value = self.value(node)
        if value.dtype.kind != kind:
            raise SelectionError(
                f"{self._source(node)!r} in {self.expression.text!r} is {_KINDS[value.dtype.kind]}, not {_KINDS[kind]}",
                remedy="put parentheses around comparisons that & and | join: (m_n1 == 60) & (m_n2 > 200)",
            )
        return value

    def _source(self, node: ast.expr) -> str:
        written = ast.unparse(node)
        for index, label in enumerate(self.expression.quoted):
            written = written.replace(f"{_QUOTED}{index}", f"`{label}`")
        return written

    def _refused(self, node: ast.expr) -> SelectionError:
        return SelectionError(
            f"{self._source(node)!r} is not allowed in the expression {self.expression.text!r}",
            remedy="use labels, numbers, quoted text, + - * / **, comparisons, and/or/not, abs(), sqrt() and log10()",
        )
