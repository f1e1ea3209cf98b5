"""Results of a campaign, as users take them: data frames, xarray, plain JSON, contours."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

from hfscale.errors import SelectionError
from hfscale.exporting.options import ExportKeywords, Format
from hfscale.plot.keywords import FigureKeywords, SurfaceKeywords
from hfscale.reading.feldman_cousins import PointIntervals, read_feldman_cousins
from hfscale.reading.fits import FittedPoint, read_fitted_points
from hfscale.reading.frames import has_rows_of_its_own, results_frame
from hfscale.reading.goodness import GoodnessOfFit, read_goodness
from hfscale.reading.points import read_points
from hfscale.reading.profile_curves import ProfileCurve, read_profile_curves
from hfscale.reading.rankings import RankedPoint, read_ranked_points
from hfscale.reading.significances import Significance, read_significances
from hfscale.reading.upper_limits import UpperLimit, read_upper_limits
from hfscale.runtime.activity import Activity, summarize
from hfscale.runtime.journal import read_journals
from hfscale.store.files import events_folder
from hfscale.store.open import open_store
from hfscale.store.places import Place
from hfscale.store.status import StoreStatus
from hfscale.store.store import ResultStore

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

    from hfscale.exporting.formats import Exported
    from hfscale.plot.interactive import Fact, InteractiveContour
    from hfscale.plot.interpolation_error import InterpolationError
    from hfscale.plot.markers import Numbers
    from hfscale.plot.points import PlanePoints
    from hfscale.plot.suggestions import Suggestion


_VERBS = MappingProxyType({"profile": "scan --parameter"})
"""Verbs that are not called as the kind of their results."""


@dataclass(frozen=True, repr=False)
class Results:
    """Results in a store, finished or not.

    Attributes:
        store: The open store.
    """

    store: ResultStore

    @property
    def path(self) -> Place:
        """Folder of the store."""
        return self.store.path

    def __repr__(self) -> str:
        return f"<hfscale.Results {self.path.name}: {self._summary()}>"

    def _repr_html_(self) -> str:
        from hfscale.reading.html import frame_html, results_html

        if has_rows_of_its_own(self.store):
            return frame_html(self.store, self._summary(), self.to_dataframe())
        return results_html(self.store, self._summary())

    def _summary(self) -> str:
        status, kind = self.status(), self.store.settings["calculation"].get("kind", "cls")
        left = f", {status.points_pending} left" if status.points_pending else ""
        toys = f", {status.toys.done}/{status.toys.total} toys" if status.toys else ""
        done = status.points_ok + status.points_no_signal
        return f"{kind} of {status.points_total} points, {done} done, {status.points_failed} failed{left}{toys}"

    def status(self) -> StoreStatus:
        """Count what is done, failed and left."""
        return self.store.status()

    def activity(self) -> Activity:
        """What the journals of all runs tell: fits per second of each worker, tasks tried again or given up."""
        return summarize(read_journals(events_folder(self.path)))

    def failures(self) -> dict[str, str]:
        """Name of each signal point that failed, or whose toys could not be run -> why."""
        names = self.store.names
        return {
            **{names[task.cell.point]: why for task, why in self.store.toy_failures().items()},
            **self.store.reasons(),
        }

    def to_xarray(self) -> "xarray.Dataset":
        """All arrays with dimensions such as point, mu, nsigma and parameter; read when they are used."""
        return self.store.to_xarray()

    def toys(self, points: str = "*") -> "xarray.Dataset":
        """All toys: test statistic, best-fit POI, both minima and status over point, mu, hypothesis and toy.

        Args:
            points: Pattern of the names of the signal points.

        Raises:
            SelectionError: The store has no toys, or no point matches.
        """
        from hfscale.reading.toys import toys_to_xarray

        chosen = [k for k, name in enumerate(self.store.names) if fnmatch.fnmatchcase(name, points)]
        if not self.store.rounds or not chosen:
            what = (
                f"no signal point of {self.path} matches {points!r}"
                if self.store.rounds
                else f"{self.path} has no toys"
            )
            raise SelectionError(what, remedy="toys come from a calculation with calctype toybased")
        return toys_to_xarray(self.store, chosen)

    def to_dataframe(self) -> "pandas.DataFrame":
        """One row per signal point, and per POI value of a scan.

        Columns are labels, status, results (expected ones from -2 to +2 sigma as m2 to p2) and numbers of the fits. Of
        profile likelihoods: the best fit and error of each parameter, and the interval where t is at most 1. Fits and
        rankings have a row for each parameter of a point.
        """
        return results_frame(self.store, self.to_list())

    def to_list(self) -> list[dict[str, Any]]:
        """One plain JSON object per signal point, and per POI value of a scan; None where there is no number."""
        return read_points(self.store)

    def fits(self) -> tuple[FittedPoint, ...]:
        """Best fits of all signal points, with covariances, of a store of kind ``fit`` or ``ranking``.

        Raises:
            SelectionError: The store is of another kind.
        """
        self._require_kind("fit", "ranking")
        return read_fitted_points(self.store)

    def rankings(self) -> tuple[RankedPoint, ...]:
        """Impacts of nuisance parameters on the POI of all signal points; any group of them can be asked for.

        Raises:
            SelectionError: The store is not of kind ``ranking``.
        """
        self._require_kind("ranking")
        return read_ranked_points(self.store)

    def goodness(self) -> tuple[GoodnessOfFit, ...]:
        """Goodness of fit of all signal points, with toys if there are any.

        Raises:
            SelectionError: The store is not of kind ``gof``.
        """
        self._require_kind("gof")
        return read_goodness(self.store)

    def limits(self) -> tuple[UpperLimit, ...]:
        """Upper limits of all signal points, with their curves of CLs where the store has these.

        Raises:
            SelectionError: The store is not of kind ``limit`` or ``scan``.
        """
        self._require_kind("limit", "scan")
        return read_upper_limits(self.store)

    def significances(self) -> tuple[Significance, ...]:
        """p-values of the background-only hypothesis of all signal points, and their significances.

        Raises:
            SelectionError: The store is not of kind ``significance``.
        """
        self._require_kind("significance")
        return read_significances(self.store)

    def profiles(self) -> tuple[ProfileCurve, ...]:
        """Profile likelihoods of one parameter of all signal points.

        Raises:
            SelectionError: The store is not of kind ``profile``, or of two parameters.
        """
        self._require_kind("profile")
        return read_profile_curves(self.store)

    def feldman_cousins(self, *probabilities: float) -> tuple[PointIntervals, ...]:
        """Feldman-Cousins intervals of the POI, of 68.3 and 95 % by default, from the toys of a scan or of limits.

        Raises:
            SelectionError: There are no toys at several POI values.
        """
        return read_feldman_cousins(self.store, *probabilities)

    def _require_kind(self, *kinds: str) -> None:
        kind = self.store.settings["calculation"].get("kind", "cls")
        if kind not in kinds:
            raise SelectionError(
                f"{self.path} holds results of kind {kind}, not {' or '.join(kinds)}",
                remedy=f"make a store with hfscale {_VERBS.get(kinds[0], kinds[0])}",
            )

    def plane_points(self) -> "PlanePoints":
        """Points with their labels and CLs or upper limits, as contours need them.

        Raises:
            SelectionError: The store holds neither the CLs at one POI value nor upper limits.
        """
        from hfscale.reading.planes import read_plane_points

        return read_plane_points(self.store)

    def discovery_points(self) -> "PlanePoints":
        """Points with their labels and significances, as discovery contours need them.

        Raises:
            SelectionError: The store holds no significances.
        """
        from hfscale.reading.planes import read_discovery_points

        return read_discovery_points(self.store)

    def export(self, format: Format, output: str | Path, **options: Unpack[ExportKeywords]) -> "Exported":
        """Write the results for other programs: HistFitter, HEPData, spreadsheets, data frames.

        Args:
            format: ``harvest``, ``hepdata``, ``csv``, ``parquet``, ``json`` or ``numpy``.
            output: The file, or a new folder for hepdata.
            options: As for `hfscale.export`.

        Raises:
            InputError, SelectionError: As `hfscale.export`; then nothing is written.
        """
        from hfscale.exporting.formats import export

        return export(self.store, format, output, **options)

    def contour(
        self,
        x: str,
        y: str,
        select: str | None = None,
        *,
        bands: int = 1,
        expected_lines: Sequence[int] = (),
        numbers: str | None = None,
        error: bool = False,
        **choices: Unpack[FigureKeywords],
    ) -> "Figure":
        """Draw the exclusion contour of a plane of signal points.

        Args:
            x, y: Axes, expressions of the patchset's labels (``m_n2 - m_n1``).
            select: Expression that chooses the points of the plane (``m_n1 == 60``).
            bands: Filled bands of the expected contour: 0 for none, 1 for one standard deviation, 2 for two as well.
            expected_lines: Standard deviations, of -2, -1, 1 and 2, for which the expected contour is drawn as a line.
            numbers: Key of `to_list` whose numbers are written beside the points, such as ``CLs_obs``.
            error: Whether to draw how far the contour may be off because surfaces are only known at the points.
            **choices: ``project``, ``level``, ``interpolation``, ``log_x``, ``forbidden`` and others, see
                :class:`hfscale.plot.keywords.SurfaceKeywords`, and ``style``, ``style_file``, ``title``, ``x_unit`` and
                others, see :class:`hfscale.plot.look.Look`.

        Raises:
            SelectionError: The selected points are not one plane, or an expression names what is no label.
        """
        from hfscale.plot.compose import contour_figure

        lines: dict[str, Any] = {"bands": bands, "expected_lines": expected_lines}
        shown = None if numbers is None else self.numbers(numbers)
        return contour_figure(self.plane_points(), x, y, select, numbers=shown, error=error, **lines, **choices)

    def discovery_contour(
        self,
        x: str,
        y: str,
        select: str | None = None,
        *,
        significances: Sequence[float] = (3.0, 5.0),
        numbers: str | None = None,
        **choices: Unpack[FigureKeywords],
    ) -> "Figure":
        """Draw where the significance of signal points is 3 and 5, observed and expected.

        Args:
            x, y, select: As `contour`.
            significances: Z on the contours.
            numbers: Key of `to_list` whose numbers are written beside the points, such as ``Z``.
            **choices: As `contour`; ``level``, ``sigma_max`` and ``forbidden_style`` have no effect.

        Raises:
            SelectionError: The store holds no significances, or as `contour`.
        """
        from hfscale.plot.compose import find_discovery, split_choices
        from hfscale.plot.discovery import draw_discovery

        surface, look = split_choices(choices)
        plane, contours = find_discovery(self.discovery_points(), x, y, select, significances, **surface)
        return draw_discovery(contours, plane, numbers=None if numbers is None else self.numbers(numbers), **look)

    def numbers(self, key: str) -> "Numbers":
        """Return numbers to write beside the points of a figure.

        Args:
            key: A key of `to_list`, or ``limit`` or ``CLs`` for the observed one; of expected results the median.

        Raises:
            SelectionError: There is no such number, or there are several for one point.
        """
        from hfscale.plot.markers import Numbers
        from hfscale.reading.point_values import point_values

        return Numbers(point_values(self.to_list(), key), f"Numbers: {key.replace('_', ' ')}")

    def suggest_points(
        self, x: str, y: str, select: str | None = None, *, n: int = 10, **surface: Unpack[SurfaceKeywords]
    ) -> "tuple[Suggestion, ...]":
        """Suggest the next signal points worth generating: where the contours may be off by the largest distance.

        Args:
            x, y, select, **surface: As `contour`.
            n: At most how many.

        Raises:
            SelectionError: As `contour`, and where there is no contour among the points.
        """
        from hfscale.plot.compose import next_points

        return next_points(self.plane_points(), x, y, select, n=n, **surface)

    def interpolation_error(
        self, x: str, y: str, select: str | None = None, **surface: Unpack[SurfaceKeywords]
    ) -> "InterpolationError":
        """Estimate how far the contour may be off between the points, by leaving out each one in turn.

        Args:
            x, y, select, **surface: As `contour`.

        Raises:
            SelectionError: As `contour`, and where all points are corners of their hull.
        """
        from hfscale.plot.compose import error_between

        return error_between(self.plane_points(), x, y, select, **surface)

    def interactive_contour(
        self,
        x: str,
        y: str,
        select: str | None = None,
        *,
        title: str | None = None,
        **surface: Unpack[SurfaceKeywords],
    ) -> "InteractiveContour":
        """Draw the exclusion contour for browsers: points tell their numbers, lines and bands can be hidden.

        Notebooks show what is returned; its `save` writes a page that needs no network and no other file.

        Args:
            x, y, select, title, **surface: As `contour`.

        Raises:
            SelectionError: As `contour`.
        """
        from hfscale.plot.compose import find_contours
        from hfscale.plot.interactive import interactive_contour

        points = self.plane_points()
        plane, contours = find_contours(points, x, y, select, **surface)
        return interactive_contour(contours, plane, self.facts(), title=title, messages=points.remarks)

    def facts(self) -> "dict[str, list[Fact]]":
        """What tooltips tell of each signal point: names and values."""
        from hfscale.reading.facts import point_facts

        return point_facts(self.store)


def open_results(path: str | Place) -> Results:
    """Open the results in a store.

    Raises:
        StoreError: There is no store at `path`, or it was written by a newer version.
    """
    return Results(open_store(path))
