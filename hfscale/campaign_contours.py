"""The contours that a campaign file declares: checked before anything is computed, drawn at the end."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hfscale.driver import label_arrays
from hfscale.errors import InputError
from hfscale.plan.campaign import Campaign
from hfscale.results import Results
from hfscale.workspace import Inputs


def check_contours(inputs: Inputs, campaign: Campaign) -> None:
    """Refuse contours that cannot be drawn whatever the results: those are mistakes to find before the fits.

    Raises:
        InputError: Another kind of calculation, or a figure that cannot be written.
        SelectionError: The points are not one plane, or an option about surfaces is wrong.
    """
    if not campaign.contours:
        return
    from hfscale.plot.axes import select_plane
    from hfscale.plot.files import check_contour_file
    from hfscale.plot.forbidden import parse_forbidden
    from hfscale.plot.points import PlanePoints
    from hfscale.plot.style_files import read_style_file
    from hfscale.plot.surfaces.settings import SurfaceSettings

    kind = campaign.calculation.kind
    if kind not in ("cls", "limit"):
        raise InputError(
            f"contours are drawn of CLs at one POI value or of upper limits, but the kind of calculation is {kind}",
            place="contours",
            remedy="remove the contours, or ask for kind cls or limit",
        )
    n = len(inputs.points)
    points = PlanePoints(
        names=tuple(point.name for point in inputs.points),
        labels=label_arrays(inputs),
        observed=np.full(n, np.nan),
        expected=np.full((n, 5), np.nan),
        status=("pending",) * n,
    )
    for contour in campaign.contours:
        check_contour_file(Path(contour.output))
        if contour.style_file is not None:
            read_style_file(contour.style_file)
        plane = select_plane(
            points, **contour.plane, log_x=contour.log_x, log_y=contour.log_y, sigma_max=contour.sigma_max
        )
        SurfaceSettings(contour.interpolation, contour.smoothing, contour.epsilon)
        if contour.forbidden is not None:
            parse_forbidden(contour.forbidden, plane.labels, plane.places)


def draw_contours(results: Results, campaign: Campaign, tell: Callable[[str], None] = lambda message: None) -> None:
    """Draw and write the contours that a campaign declares.

    Args:
        results: The campaign's results.
        campaign: The campaign.
        tell: Called with what a reader of the figure should know (no crossing), and with each file written.
    """
    from hfscale.plot.compose import find_contours
    from hfscale.plot.figure import draw_contour
    from hfscale.plot.files import save_figure
    from hfscale.plot.interactive import interactive_contour
    from hfscale.plot.interpolation_error import interpolation_error
    from hfscale.plot.web.page import is_page

    if not campaign.contours:
        return
    points = results.plane_points()
    for contour in campaign.contours:
        plane, contours = find_contours(points, contour.x, contour.y, contour.select, **contour.surface)
        for message in (*points.remarks, *contours.messages, *contours.remarks):
            tell(f"{contour.output}: {message}")
        output = Path(contour.output)
        if is_page(output):
            page = interactive_contour(contours, plane, results.facts(), messages=points.remarks, **contour.page)
            page.save(output)
        else:
            error = interpolation_error(plane, contours) if contour.interpolation_error else None
            numbers = None if contour.numbers is None else results.numbers(contour.numbers)
            save_figure(draw_contour(contours, plane, numbers=numbers, error=error, **contour.figure), output)
        tell(f"wrote {contour.output}")
