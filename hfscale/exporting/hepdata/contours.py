"""Tables of exclusion contours: one for each line, with one row per vertex."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from hfscale.exporting.hepdata.results import Layout
from hfscale.exporting.hepdata.tables import Table, Variable

if TYPE_CHECKING:
    from hfscale.plot.contours import ExclusionContours
    from hfscale.plot.outlines import Lines
    from hfscale.plot.points import PlanePoints

_EXPECTED = {"-2 sigma": 0, "-1 sigma": 1, "": 2, "+1 sigma": 3, "+2 sigma": 4}


class ContourTables(NamedTuple):
    """Tables of contours, the signal points that they are made from, and sentences about what is missing."""

    tables: tuple[Table, ...]
    names: tuple[str, ...]
    messages: tuple[str, ...]


def contour_tables(
    points: "PlanePoints", layout: Layout, select: str | None, project: bool, level: float | None, interpolation: str
) -> ContourTables:
    """Find the contours of a plane of signal points, and make their tables.

    Args:
        points: Signal points.
        layout: With the two axes.
        select, project: As for `hfscale.plot.axes.select_plane`.
        level, interpolation: As for `hfscale.plot.contours.exclusion_contours`.

    Raises:
        SelectionError: The points are no plane of the axes.
    """
    from hfscale.plot.axes import select_plane
    from hfscale.plot.contours import exclusion_contours

    x, y = layout.axes
    plane = select_plane(points, x.text, y.text, select, project=project)
    contours = exclusion_contours(plane, level=level, interpolation=interpolation)
    excluded = plane.quantity.excluded.format(level=contours.level)
    tables = [
        _table(name, line, layout, f"on one side, points are excluded {excluded}")
        for title, lines in _named(contours).items()
        for name, line in _numbered(title, lines).items()
    ]
    hidden = [f"{len(plane.hidden)} points are not in the tables: others are at their place"] if plane.hidden else []
    return ContourTables(tuple(tables), plane.names, (*hidden, *points.remarks, *contours.messages))


def _named(contours: "ExclusionContours") -> dict[str, "Lines"]:
    """The lines by the names of their tables."""
    named = {"Observed contour": contours.observed}
    for sigma, k in sorted(_EXPECTED.items(), key=lambda item: abs(item[1] - 2)):
        named[f"Expected contour, {sigma}" if sigma else "Expected contour"] = contours.expected[k]
    return named


def _numbered(title: str, lines: "Lines") -> Mapping[str, list[list[float]]]:
    """Each piece of a line with a name of its own."""
    if len(lines) == 1:
        return {title: lines[0].tolist()}
    return {f"{title}, part {k}": line.tolist() for k, line in enumerate(lines, 1)}


def _table(name: str, line: list[list[float]], layout: Layout, meaning: str) -> Table:
    places = tuple(
        Variable(axis.name, [vertex[k] for vertex in line], layout.unit(axis.name))
        for k, axis in enumerate(layout.axes)
    )
    text = f"{name}, in the plane of {places[0].name} and {places[1].name}: {meaning}."
    return Table(name, text, "CLS", places[:1], places[1:])
