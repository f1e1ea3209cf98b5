"""What contours are drawn of: one store or table, several over each other, or the best expected of several."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from hfscale.cli.messages import say

if TYPE_CHECKING:
    from hfscale.plot.interactive import Fact
    from hfscale.plot.points import PlanePoints
    from hfscale.reading.tables import Table
    from hfscale.results import Results

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--labels", metavar="NAMES", help="Names of the values of a table, or its columns that are labels, with commas."
    ),
    click.option(
        "--label", "names", multiple=True, metavar="TEXT", help="What a store is called, of several; one for each."
    ),
    click.option(
        "--best-expected",
        is_flag=True,
        help="Of several stores, take at each point the one with the strongest expected result.",
    ),
)


def search_options(command: _F) -> _F:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Subject(NamedTuple):
    """Signal points to draw, and where more is known of them.

    Attributes:
        points: The points.
        sources: Name of each search -> its results.
        chosen: For each point, the name of the search that it is from.
    """

    points: "PlanePoints"
    sources: Mapping[str, "Results | Table"]
    chosen: Sequence[str]

    def facts(self) -> "dict[str, list[Fact]]":
        """What tooltips tell of each point."""
        found = {name: source.facts() for name, source in self.sources.items()}
        return {point: list(found[search][point]) for point, search in zip(self.points.names, self.chosen, strict=True)}

    def numbers(self, key: str) -> dict[str, float]:
        """The number of each point under a key."""
        from hfscale.reading.point_values import point_values

        found = {name: point_values(_rows(source), key) for name, source in self.sources.items()}
        return {point: found[search][point] for point, search in zip(self.points.names, self.chosen, strict=True)}


def open_searches(stores: Sequence[str], options: Mapping[str, Any]) -> dict[str, "Results | Table"]:
    """Open stores and tables, and name them."""
    names = options["names"] or _names(stores)
    if len(names) != len(stores) or len(set(names)) != len(names):
        raise click.UsageError(f"{len(stores)} stores need as many different --label, not {', '.join(names)}")
    return {name: _open(store, options["labels"]) for name, store in zip(names, stores, strict=True)}


def one_subject(searches: Mapping[str, "Results | Table"]) -> Subject:
    """The points of one search, or of several those of the search that is expected to be the strongest."""
    from hfscale.plot.best_expected import best_expected

    if len(searches) == 1:
        ((name, results),) = searches.items()
        points = results.plane_points()
        return Subject(points, searches, [name] * len(points.names))
    found = best_expected({name: results.plane_points() for name, results in searches.items()})
    say("strongest expected result: " + ", ".join(f"{name} at {count} points" for name, count in found.counts.items()))
    return Subject(found.points, searches, found.chosen)


def _names(stores: Sequence[str]) -> list[str]:
    names = [Path(store).name.removesuffix(".zarr") for store in stores]
    return names if len(set(names)) == len(names) else list(stores)


def _open(store: str, labels: str | None) -> "Results | Table":
    from hfscale.reading.tables import is_table, read_table
    from hfscale.results import open_results

    if is_table(store):
        return read_table(store, [name.strip() for name in labels.split(",")] if labels else ())
    if labels:
        raise click.UsageError("--labels names the values of a table; a store has labels of its own")
    return open_results(store)


def _rows(source: "Results | Table") -> list[dict[str, Any]]:
    from hfscale.results import Results

    if isinstance(source, Results):
        return source.to_list()
    points = source.plane_points()
    return [
        {"name": name, "CLs_obs": float(observed), "CLs_exp": expected.tolist()}
        for name, observed, expected in zip(points.names, points.observed, points.expected, strict=True)
    ]
