"""Options about the surfaces between signal points, and what is printed of their errors."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from hfscale.cli.messages import write, write_json, write_table

if TYPE_CHECKING:
    from hfscale.plot.axes import Plane
    from hfscale.plot.compose import Drawn
    from hfscale.plot.contours import ExclusionContours
    from hfscale.plot.interpolation_error import InterpolationError
    from hfscale.plot.keywords import SurfaceKeywords
    from hfscale.plot.outlines import Lines
    from hfscale.plot.suggestions import Suggestion

_F = TypeVar("_F", bound=Callable[..., Any])
_WORST = 5

_SURFACES = (
    click.option(
        "--interpolation",
        type=click.Choice(["rbf", "linear", "cubic", "gp"]),
        default="rbf",
        show_default=True,
        help="Radial functions as HistFitter, flat triangles, smooth triangles, or a Gaussian process.",
    ),
    click.option("--smoothing", type=float, help="Of rbf, as in scipy's Rbf; of gp, the share of scatter."),
    click.option("--epsilon", type=float, help="Width of the functions of rbf, in the unit of x."),
    click.option("--log-x", is_flag=True, help="Interpolate and draw in the logarithm of x."),
    click.option("--log-y", is_flag=True, help="The same for y."),
    click.option("--sigma-max", type=float, default=5.0, show_default=True, help="Clip significances at this."),
    click.option("--forbidden", metavar="EXPR", help="Where no contour can be, for example 'y > x - 125'."),
    click.option(
        "--forbidden-style",
        type=click.Choice(["cut", "histfitter"]),
        default="cut",
        show_default=True,
        help="End contours at the edge of that region, or turn them before it by mirrored points.",
    ),
)
_REPORTS = (
    click.option(
        "--interpolation-error", is_flag=True, help="Print and draw how far the contour may be off between points."
    ),
    click.option("--suggest", type=click.IntRange(min=1), metavar="N", help="Print the next N points to generate."),
    click.option("--json", "as_json", is_flag=True, help="Print as JSON."),
)


def surface_options(command: _F) -> _F:
    """Add the options about surfaces, and about what is printed of them, to a command."""
    for option in reversed(_REPORTS):
        command = option(command)
    return interpolation_options(command)


def interpolation_options(command: _F) -> _F:
    """Add the options about surfaces alone."""
    for option in reversed(_SURFACES):
        command = option(command)
    return command


def surface_keywords(options: dict[str, Any]) -> "SurfaceKeywords":
    """Return what was chosen about surfaces, for `hfscale.plot.compose.find_contours`."""
    keywords: SurfaceKeywords = {
        "project": options["project"],
        "level": options["level"],
        "interpolation": options["interpolation"],
        "smoothing": options["smoothing"],
        "epsilon": options["epsilon"],
        "log_x": options["log_x"],
        "log_y": options["log_y"],
        "sigma_max": options["sigma_max"],
        "forbidden": options["forbidden"],
        "forbidden_style": options["forbidden_style"],
    }
    return keywords


class Found(NamedTuple):
    """What was asked for of the surfaces.

    Attributes:
        error: How far the contour may be off between points, or None.
        suggestions: Signal points worth generating, or None.
    """

    error: "InterpolationError | None"
    suggestions: "Sequence[Suggestion] | None"


def find_surfaces(drawn: "Drawn", options: dict[str, Any]) -> Found:
    """Compute what was asked for of the surfaces."""
    from hfscale.plot.interpolation_error import interpolation_error
    from hfscale.plot.suggestions import suggest_points

    error = interpolation_error(*drawn) if options["interpolation_error"] else None
    return Found(error, suggest_points(*drawn, options["suggest"]) if options["suggest"] else None)


def write_surfaces(drawn: "Drawn", found: Found, options: dict[str, Any]) -> None:
    """Print what was asked for of the surfaces."""
    if options["as_json"]:
        write_json(surfaces_to_dict(*drawn, *found))
        return
    if found.error is not None:
        _write_error(drawn.plane, found.error)
    if found.suggestions is not None:
        _write_suggestions(drawn.plane, found.suggestions)


def _write_error(plane: "Plane", error: "InterpolationError") -> None:
    """Print how well points are predicted that are left out, and what that means for the contour."""
    write(
        f"error of the interpolation, {error.kind} contour: {len(error.names)} points left out in turn;"
        f" root mean square {error.rms:.3g} within 1.5 of the contour's {error.threshold:.4g}"
    )
    if error.shift[0] == error.shift[0]:
        dx, dy = error.shift
        write(f"the contour may be off by {dx:.3g} in {plane.x_text} and {dy:.3g} in {plane.y_text} (median)")
    wrong = error.wrong_side
    write(f"points that end on the other side of the contour: {', '.join(wrong) or 'none'}")
    rows = [
        (error.names[k], f"{error.known[k]:.3f}", f"{error.predicted[k]:.3f}", f"{error.errors[k]:+.3f}")
        for k in error.worst(_WORST)
    ]
    if rows:
        write_table(("worst points", "height", "predicted", "error"), rows)


def _write_suggestions(plane: "Plane", suggestions: "Sequence[Suggestion]") -> None:
    """Print signal points worth generating."""
    rows = [
        (f"{k}", f"{s.x:.10g}", f"{s.y:.10g}", s.kind, f"{s.deviation:.2g}", f"{s.shift[0]:.2g}", f"{s.shift[1]:.2g}")
        for k, s in enumerate(suggestions, start=1)
    ]
    write_table(("next", plane.x_text, plane.y_text, "contour", "uncertainty", "off in x", "off in y"), rows)


def lines_to_dict(named: "Mapping[str, Lines]") -> dict[str, list[list[list[float]]]]:
    """Return lines as plain JSON: by name, each piece as a list of [x, y]."""
    return {name: [line.tolist() for line in lines] for name, lines in named.items()}


def surfaces_to_dict(
    plane: "Plane",
    contours: "ExclusionContours",
    error: "InterpolationError | None",
    suggestions: "Sequence[Suggestion] | None",
) -> dict[str, Any]:
    """Return what is known about the surfaces as plain JSON; keys of what was not asked for are absent."""
    from hfscale.plot.contours import named_lines

    document: dict[str, Any] = {
        "x": plane.x_text,
        "y": plane.y_text,
        "level": contours.level,
        "interpolation": contours.interpolation,
        "messages": [*contours.messages, *contours.remarks],
        "lines": lines_to_dict(named_lines(contours)),
    }
    if error is not None:
        document["interpolation_error"] = error.to_dict(plane.x_text, plane.y_text)
    if suggestions is not None:
        document["suggestions"] = [suggestion.to_dict(plane.x_text, plane.y_text) for suggestion in suggestions]
    return document
