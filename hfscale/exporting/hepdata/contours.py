"""Tables of exclusion and discovery contours: one for each line, with one row per vertex."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from hfscale.exporting.hepdata.results import Layout
from hfscale.exporting.hepdata.tables import Table, Variable

if TYPE_CHECKING:
    from hfscale.plot.keywords import SurfaceKeywords
    from hfscale.plot.outlines import Lines
    from hfscale.plot.points import PlanePoints

_LEAST = 4
"""Points that a contour needs."""
_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "toys": " It goes through the ends of the 68.3 % intervals of all points, from the number of toys.",
        "signal": " The cross-section of the signal is one standard deviation off.",
    }
)


class ContourTables(NamedTuple):
    """Tables of contours, the signal points that they are made from, and sentences about what is missing."""

    tables: tuple[Table, ...]
    names: tuple[str, ...]
    messages: tuple[str, ...]


def contour_tables(
    points: "PlanePoints", layout: Layout, select: str | None, surface: "SurfaceKeywords"
) -> ContourTables:
    """Find the contours of a plane of signal points, and make their tables.

    Args:
        points: Signal points.
        layout: With the two axes.
        select: Condition that makes the points one plane.
        surface: As for `hfscale.plot.compose.find_contours`.

    Raises:
        SelectionError: The points are no plane of the axes, or an option is wrong.
    """
    from hfscale.plot.compose import find_contours
    from hfscale.plot.contours import named_lines

    x, y = layout.axes
    plane, contours = find_contours(points, x.text, y.text, select, **surface)
    excluded = plane.quantity.excluded.format(level=contours.level)
    text = f"Points on one side of it are excluded {excluded}."
    tables = _tables(named_lines(contours), layout, "CLS", text)
    hidden = [f"{len(plane.hidden)} points are not in the tables: others are at their place"] if plane.hidden else []
    messages = (*hidden, *points.remarks, *contours.messages, *contours.remarks)
    return ContourTables(tables, plane.names, messages)


def discovery_tables(
    points: "PlanePoints", layout: Layout, select: str | None, surface: "SurfaceKeywords"
) -> ContourTables:
    """Find the discovery contours of a plane of signal points, at Z = 3 and 5, and make their tables.

    Args:
        points, layout, select, surface: As for `contour_tables`.

    Raises:
        SelectionError: The points are no plane of the axes, or an option is wrong.
    """
    from hfscale.plot.axes import select_plane
    from hfscale.plot.compose import find_discovery
    from hfscale.plot.discovery import SIGNIFICANCES, discovery_lines

    x, y = layout.axes
    chosen = select_plane(points, x.text, y.text, select, project=surface.get("project", False))
    known = int(chosen.done.sum())
    if known < _LEAST:
        # Few toys do not tell large significances, and a submission is whole without contours.
        message = f"there are no discovery contours: {known} points have all significances, and {_LEAST} are needed"
        return ContourTables((), chosen.names, (message,))
    plane, contours = find_discovery(points, x.text, y.text, select, SIGNIFICANCES, **surface)
    text = "On it, the significance of the signal over the background alone is Z."
    tables = _tables(discovery_lines(contours), layout, "SIGNIFICANCE", text)
    return ContourTables(tables, plane.names, contours.messages)


def _tables(named: "Mapping[str, Lines]", layout: Layout, observable: str, text: str) -> tuple[Table, ...]:
    return tuple(
        _table(title, line, layout, observable, text + _meaning(name))
        for name, lines in named.items()
        for title, line in _numbered(_title(name), lines).items()
    )


def _title(name: str) -> str:
    """The title of the table of a line: of ``observed_signal_+1sigma``, "Observed contour, signal +1 sigma"."""
    kind, _, rest = name.partition("_")
    words = rest.replace("sigma", " sigma").replace("_", " ")
    return f"{kind.capitalize()} contour" + (f", {words}" if words else "")


def _meaning(name: str) -> str:
    return next((text for word, text in _MEANINGS.items() if f"_{word}_" in name), "")


def _numbered(title: str, lines: "Lines") -> dict[str, list[list[float]]]:
    """Each piece of a line with a title of its own."""
    if len(lines) == 1:
        return {title: lines[0].tolist()}
    return {f"{title}, part {k}": line.tolist() for k, line in enumerate(lines, 1)}


def _table(title: str, line: list[list[float]], layout: Layout, observable: str, meaning: str) -> Table:
    places = tuple(
        Variable(axis.name, [vertex[k] for vertex in line], layout.unit(axis.name))
        for k, axis in enumerate(layout.axes)
    )
    text = f"{title}, in the plane of {places[0].name} and {places[1].name}. {meaning}"
    return Table(title, text, observable, places[:1], places[1:])
