"""The verb ``feldman-cousins``: confidence intervals of the POI from the toys of a scan."""

import fnmatch
from typing import TYPE_CHECKING, Any

import click

from hfscale.cli.messages import write_json, write_table
from hfscale.cli.options import json_option, loudness_options, point_option
from hfscale.errors import SelectionError

if TYPE_CHECKING:
    from hfscale.reading.feldman_cousins import PointIntervals

_EPILOG = """\b
Examples:
  hfscale scan BkgOnly.json patchset.json -o scan.zarr --calctype toybased --poi-grid 0:3:31 --ntoys 2000
  hfscale feldman-cousins scan.zarr
  hfscale feldman-cousins scan.zarr --probability 0.9 --json"""
_COLUMNS = ("name", "status", "probability", "lower", "from toys", "upper", "from toys")


@click.command("feldman-cousins", epilog=_EPILOG)
@click.argument("store", type=click.Path())
@click.option(
    "--probability",
    "probabilities",
    multiple=True,
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    metavar="P",
    help="Of containing the true value; repeatable.  [default: 0.683 and 0.95]",
)
@point_option
@json_option
@loudness_options
def feldman_cousins_command(store: str, probabilities: tuple[float, ...], pattern: str, as_json: bool) -> None:
    """Feldman-Cousins intervals of the POI, from the toys of a scan or of limits; nothing is computed anew."""
    from hfscale.reading.feldman_cousins import feldman_cousins_record
    from hfscale.results import open_results

    found = open_results(store).feldman_cousins(*probabilities)
    points = [point for point in found if fnmatch.fnmatchcase(point.name, pattern)]
    if not points:
        near = ", ".join(point.name for point in found[:3])
        raise SelectionError(f"no signal point of {store} matches {pattern!r}", remedy=f"names look like {near}")
    if as_json:
        write_json([feldman_cousins_record(point) for point in points])
        return
    write_table(_COLUMNS, [row for point in points for row in _rows(point)])


def _rows(point: "PointIntervals") -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for one in point.found.intervals:
        lower, upper = ("-" if one.is_empty else _text(end) for end in (one.lower, one.upper))
        below, above = (f"[{_text(low)}, {_text(high)}]" for low, high in (one.lower_interval, one.upper_interval))
        rows.append((point.name, point.status, f"{one.probability:.4g}", lower, below, upper, above))
    return rows


def _text(value: Any) -> str:
    return "..." if value != value else f"{value:.4g}"
