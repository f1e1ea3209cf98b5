"""Results of several searches for the same signals: drawn over each other, or the best expected of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

from hfscale.plot.keywords import FigureKeywords
from hfscale.plot.points import PlanePoints
from hfscale.reading.tables import Table
from hfscale.results import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Search = Results | Table


@dataclass(frozen=True)
class BestExpectedResults:
    """Signal points with the results of the search that is expected to be the strongest for each.

    Attributes:
        points: The points.
        chosen: Name of the point -> name of the search.
    """

    points: PlanePoints
    chosen: Mapping[str, str]

    def contour(self, x: str, y: str, select: str | None = None, **choices: Unpack[FigureKeywords]) -> "Figure":
        """Draw the exclusion contour; arguments and errors as of `hfscale.Results.contour`."""
        from hfscale.plot.compose import contour_figure

        return contour_figure(self.points, x, y, select, **choices)


def best_expected(searches: Mapping[str, Search]) -> BestExpectedResults:
    """Choose for every signal point the search with the strongest median expected result, without regard to the data.

    Points are the same where the values of their labels are.

    Args:
        searches: Name of each search -> its results: CLs at one POI value, or upper limits.

    Raises:
        SelectionError: There are none, or their labels or kinds of results differ.
    """
    from hfscale.plot import best_expected as choice

    found = choice.best_expected({name: search.plane_points() for name, search in searches.items()})
    return BestExpectedResults(found.points, dict(zip(found.points.names, found.chosen, strict=True)))


def overlay(
    searches: Mapping[str, Search], x: str, y: str, select: str | None = None, **choices: Unpack[FigureKeywords]
) -> "Figure":
    """Draw the observed and expected contours of several searches over each other.

    Args:
        searches: What each is called in the figure -> its results.
        x, y, select, **choices: As of `hfscale.Results.contour`.

    Raises:
        SelectionError: The points of a search are not one plane, or there are too many searches to tell apart.
    """
    from hfscale.plot.compose import several_figure

    points = {name: search.plane_points() for name, search in searches.items()}
    return several_figure(points, x, y, select, **choices)
