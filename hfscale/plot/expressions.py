"""Expressions over the labels of signal points, such as ``m_n2 - m_n1`` or ``(m_n1 == 60) & (m_sbottom > 400)``.

To the arithmetic of `hfscale.workspace.expressions`, over whole arrays, this adds text in quotes, comparisons (also
chained), ``and or not`` and ``& | ~``. A label that is no Python name is written in backticks: ```mass gluino` > 500``.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from hfscale.errors import SelectionError
from hfscale.workspace.expressions import ARITHMETIC, FUNCTIONS, Expression, parse_expression

__all__ = ["Expression", "evaluate_margin", "evaluate_numbers", "evaluate_truth", "parse_expression"]

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_BITS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {ast.BitAnd: operator.and_, ast.BitOr: operator.or_}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": np.minimum,
    "max": np.maximum,
    **{name: getattr(np, name) for name in FUNCTIONS if name not in ("min", "max")},
}
_KINDS = {"f": "a number", "b": "true or false", "U": "text"}


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


def evaluate_margin(expression: Expression, labels: Mapping[str, np.ndarray]) -> Float[np.ndarray, "point"]:
    """Return by how much a condition holds at every point: positive where it is true, negative where it is false.

    Of a comparison that is the difference of its sides, the smaller margin where two conditions must hold, the larger
    one where one of them is enough. So it is continuous where the sides are, and zero where the truth changes.

    Args:
        expression: A condition.
        labels: Values of each label, of shape ``(point,)``.

    Raises:
        SelectionError: As of `evaluate_truth`.
    """
    truth = evaluate_truth(expression, labels)
    evaluator = _Evaluator(expression, {label: _column(values) for label, values in labels.items()})
    with np.errstate(all="ignore"):
        return np.array(np.broadcast_to(evaluator.margin(expression.tree), truth.shape))


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

    def margin(self, node: ast.expr) -> np.ndarray:
        """By how much a condition holds; it must be known to be one."""
        match node:
            case ast.BoolOp(op=ast.And(), values=operands):
                return reduce(np.minimum, [self.margin(operand) for operand in operands])
            case ast.BoolOp(op=ast.Or(), values=operands):
                return reduce(np.maximum, [self.margin(operand) for operand in operands])
            case ast.BinOp(op=ast.BitAnd()):
                return np.asarray(np.minimum(self.margin(node.left), self.margin(node.right)))
            case ast.BinOp(op=ast.BitOr()):
                return np.asarray(np.maximum(self.margin(node.left), self.margin(node.right)))
            case ast.UnaryOp(op=ast.Not() | ast.Invert()):
                return np.asarray(-self.margin(node.operand))
            case ast.Compare():
                sides = [self.value(operand) for operand in (node.left, *node.comparators)]
                pairs = zip(node.ops, sides[:-1], sides[1:], strict=True)
                return reduce(np.minimum, [_comparison_margin(*pair) for pair in pairs])
        return _sign(self.value(node))

    def _constant(self, node: ast.Constant) -> np.ndarray:
        if isinstance(node.value, str):
            return np.asarray(node.value)
        if isinstance(node.value, bool | int | float):
            return np.asarray(node.value, dtype=bool if isinstance(node.value, bool) else np.float64)
        raise self._refused(node)

    def _label(self, node: ast.Name) -> np.ndarray:
        label = self.expression.label_of(node.id)
        if label not in self.columns:
            close = get_close_matches(label, self.columns, n=1)
            raise SelectionError(
                f"no label {label!r} in {self.expression.text!r}",
                remedy=(f"did you mean {close[0]!r}? " if close else "") + f"the labels are: {', '.join(self.columns)}",
            )
        return self.columns[label]

    def _unary(self, node: ast.UnaryOp) -> np.ndarray:
        if isinstance(node.op, ast.Not | ast.Invert):
            return np.asarray(np.logical_not(self._operand(node.operand, "b")))
        operand = self._operand(node.operand, "f")
        return np.asarray(-operand) if isinstance(node.op, ast.USub) else operand

    def _binary(self, node: ast.BinOp) -> np.ndarray:
        if combine := ARITHMETIC.get(type(node.op)):
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
                source = self.expression.source(node)
                raise SelectionError(
                    f"{source!r} compares {_KINDS[left.dtype.kind]} with {_KINDS[right.dtype.kind]}",
                    remedy="write numbers without and text with quotes; put parentheses around each side of & and |",
                )
            result = np.asarray(result & compare(left, right))
        return result

    def _call(self, node: ast.Call) -> np.ndarray:
        name = self.expression.function_of(node)
        if name is None:
            raise self._refused(node)
        operands = [self._operand(argument, "f") for argument in node.args]
        function = _FUNCTIONS[name]
        return np.asarray(reduce(function, operands) if len(operands) > 1 else function(operands[0]))

    def _operand(self, node: ast.expr, kind: str) -> np.ndarray:
        value = self.value(node)
        if value.dtype.kind != kind:
            raise SelectionError(
                f"{self.expression.source(node)!r} in {self.expression.text!r} is {_KINDS[value.dtype.kind]},"
                f" not {_KINDS[kind]}",
                remedy="put parentheses around comparisons that & and | join: (m_n1 == 60) & (m_n2 > 200)",
            )
        return value

    def _refused(self, node: ast.expr) -> SelectionError:
        remedy = "use labels, numbers, quoted text, + - * / **, comparisons, and/or/not, and the functions "
        return self.expression.refused(node, remedy + ", ".join(FUNCTIONS))


def _comparison_margin(compared: ast.cmpop, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    if left.dtype.kind != "f":
        return _sign(np.asarray(_COMPARISONS[type(compared)](left, right)))
    match compared:
        case ast.Gt() | ast.GtE():
            return np.asarray(left - right)
        case ast.Lt() | ast.LtE():
            return np.asarray(right - left)
        case ast.NotEq():
            return np.asarray(abs(left - right))
    return np.asarray(-abs(left - right))


def _sign(truth: np.ndarray) -> np.ndarray:
    return np.where(truth, 1.0, -1.0)
