"""The region of a plane in which no contour is drawn, such as where a decay is kinematically forbidden.

It is given as an expression that is true there, ``y > x - 125``, in x and y of the plane or in labels that are affine
functions of them. A continuous function stands for the expression, positive where it is true: of a comparison the
difference of its sides, the smaller one where two conditions must hold, the larger one where one of them is enough.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from hfscale.errors import SelectionError
from hfscale.plot.expressions import Expression, evaluate_margin, parse_expression

_TOLERANCE = 1e-9  # of the scale of the plane: how far beyond its edge a place is still allowed


@dataclass(frozen=True)
class Forbidden:
    """A region of a plane.

    Args:
        expression: True in the region.
        labels: Labels that are affine functions of the coordinates of the plane: constant, slope in x, slope in y.
        scale: Size of the coordinates, against which differences count as none.
    """

    expression: Expression
    labels: Mapping[str, tuple[float, float, float]]
    scale: float = 1.0

    @property
    def text(self) -> str:
        """The expression as the user wrote it."""
        return self.expression.text

    def margin(self, places: Float[np.ndarray, "place 2"]) -> Float[np.ndarray, "place"]:
        """Return numbers that are positive in the region, zero on its edge, and negative elsewhere.

        Args:
            places: In coordinates of the axes.
        """
        columns = {name: a + b * places[:, 0] + c * places[:, 1] for name, (a, b, c) in self.labels.items()}
        return evaluate_margin(self.expression, columns) - _TOLERANCE * self.scale

    def contains(self, places: Float[np.ndarray, "place 2"]) -> Bool[np.ndarray, "place"]:
        """Tell which places are in the region; its edge is not."""
        return np.asarray(self.margin(places) > 0)


def parse_forbidden(
    text: str, labels: Mapping[str, tuple[float, float, float]], places: Float[np.ndarray, "point 2"]
) -> Forbidden:
    """Parse the condition of a forbidden region.

    Args:
        text: The expression; ``x`` and ``y`` are the axes, unless labels have these names.
        labels: Labels that are affine functions of the coordinates of the plane.
        places: Of the signal points; the expression is tried at them.

    Raises:
        SelectionError: The expression cannot be evaluated, uses a label that is no affine function of x and y, or
            forbids all points.
    """
    known = {"x": (0.0, 1.0, 0.0), "y": (0.0, 0.0, 1.0)} | dict(labels)
    expression = parse_expression(text)
    unknown = [name for name in expression.names if name not in known]
    if unknown:
        raise SelectionError(
            f"the forbidden region {text!r} cannot be drawn: {unknown[0]!r} is no function of the axes",
            remedy=f"use only {', '.join(known)}",
        )
    if isinstance(expression.tree, ast.Constant):
        raise SelectionError(f"the forbidden region {text!r} is no condition", remedy="write for example 'y > x - 125'")
    forbidden = Forbidden(expression, known, float(np.abs(places).max()))
    if forbidden.contains(places).all():
        raise SelectionError(
            f"all {len(places)} signal points are in the forbidden region {text!r}",
            remedy="turn the comparison round, or check its numbers",
        )
    return forbidden
